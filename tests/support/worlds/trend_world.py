"""The ledger of two accounts that tests of trends share."""

from datetime import UTC, datetime

from support.processes.command_line import CommandLine
from support.worlds.ledger_world import GB, World

HOSTILE = "=cmd|' /C calc'!A0"


def october(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 10, day, hour, minute, tzinfo=UTC)


def two_accounts_of(cli: CommandLine) -> World:
    """Two accounts; a GB costs 1 EUR an hour, and 2 EUR from 1 November 04:00.

    From 31 October 20:00 to 1 November 06:00, in hours times GB:
    a, "stays": 4 in October; 4 at the old and 2 at the new rate in November, so 4 and 8 EUR.
    a, "ends": 2 GB from 22:30 to 23:30, 2 EUR. b, hostile: 3 GB from 03:00, 3 + 2 x 6 = 15 EUR.
    """
    world = World(cli.application.database)
    cli.clock = world.clock
    world.set_rate(from_hour=october(31, 20))
    world.capture(october(31, 20), "stays")
    ended = world.capture(october(31, 22, 30), "ends", size=2 * GB)
    world.delete(october(31, 23, 30), ended)
    world.run("1T02:05")
    world.set_rate(price_nanos=2 * 730 * 10**9, from_hour="1T04:00")
    world.capture("1T03:00", HOSTILE, account="b", size=3 * GB)
    world.run("1T06:05")
    return world
