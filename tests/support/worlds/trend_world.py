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
    fill_two_accounts(world)
    return world


def fill_two_accounts(world: World) -> None:
    """Fill the ledger of ``two_accounts_of``."""
    world.set_rate(from_hour=october(31, 20))
    world.capture(october(31, 20), "stays")
    ended = world.capture(october(31, 22, 30), "ends", size=2 * GB)
    world.delete(october(31, 23, 30), ended)
    world.run("1T02:05")
    world.set_rate(price_nanos=2 * 730 * 10**9, from_hour="1T04:00")
    world.capture("1T03:00", HOSTILE, account="b", size=3 * GB)
    world.run("1T06:05")


def four_hundred_more(cli: CommandLine) -> World:
    """Two whole months of account "demo": November costs about 400 EUR more than October.

    A GB costs 0.10 EUR for 730 hours, and 0.12 EUR from 15 November. In GB: "erp-database" 6,000
    and "file-server" 3,000 all the time, "old-web" 1,000 until 11 November; "shop-2026" 4,000 and
    "analytics" 500 from 6 November.
    """
    world = World(cli.application.database)
    cli.clock = world.clock
    world.set_rate(10**8, from_hour=october(1))
    world.set_rate(12 * 10**7, from_hour="15T00:00")
    for name, gigabytes in (("erp-database", 6000), ("file-server", 3000)):
        world.capture(october(1), name, account="demo", size=gigabytes * GB)
    old = world.capture(october(1), "old-web", account="demo", size=1000 * GB)
    world.run("1T00:00")
    for name, gigabytes in (("shop-2026", 4000), ("analytics", 500)):
        world.capture("6T00:00", name, account="demo", size=gigabytes * GB)
    world.delete("11T00:00", old, account="demo")
    world.run(datetime(2026, 12, 1, 0, 5, tzinfo=UTC))
    return world
