"""Hours in which nothing changes are not summed again, and are posted as if they had been."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from instance_images.db.engine import Database
from instance_images.sync.reconcile import read_location
from instance_images_billing.hours.close import Metered, close_hours, prepare
from instance_images_billing.ledger.tables import closings

from support.worlds.ledger_world import GB, World, at


@pytest.fixture
def world(database: Database) -> World:
    world = World(database)
    world.set_rate()
    return world


@contextmanager
def counted_sums(database: Database) -> Iterator[list[str]]:
    """Yield the statements that sum intervals, as they are sent."""
    sent: list[str] = []

    def note(_c: Any, _k: Any, statement: str, _p: Any, _x: Any, _m: bool) -> None:
        if "FROM intervals" in statement and "sum(" in statement:
            sent.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", note)
    yield sent
    sa.event.remove(database.engine, "before_cursor_execute", note)


def test_a_run_sums_the_hours_that_change_and_those_after_them(world: World) -> None:
    world.run("2T12:05")
    first = world.capture("2T12:15")
    world.capture("2T15:00", "on the hour")
    world.delete("2T20:10", first)

    with counted_sums(world.database) as sums:
        caught_up = world.run("3T12:05")

    assert caught_up.hours == 24
    # 12 and 13, 15 and 16, 20 and 21 o'clock
    assert len(sums) == 6
    assert world.seconds() == {
        "2T12:00": 2700,
        "2T13:00": 3600,
        "2T14:00": 3600,
        **{f"2T{hour}:00": 7200 for hour in range(15, 20)},
        "2T20:00": 600 + 3600,
        **{f"2T{hour}:00": 3600 for hour in range(21, 24)},
        **{f"3T{hour:02}:00": 3600 for hour in range(12)},
    }


@pytest.mark.parametrize("partial_hour", ["prorate", "round_up"])
def test_hours_have_the_digests_of_hours_that_were_closed_one_by_one(
    world: World, empty_database: Path, tmp_path: Path, partial_hour: str
) -> None:
    copy = tmp_path / "other.db"
    shutil.copy(empty_database, copy)
    other = World(Database(f"sqlite:///{copy}"))
    other.set_rate()
    for one in (world, other):
        one.with_terms(partial_hour=partial_hour, timezone=ZoneInfo("Asia/Kathmandu"))
        one.set_rate(10**9, "30T12:00")
        first = one.capture("30T12:15", "first", "a", 3 * GB + 1)
        one.capture("30T13:00", "on the hour", "b", GB // 7)
        one.set_rate(3 * 10**9, "30T16:00")
        one.delete("30T20:00", first)

    world.run("30T23:05")
    for hour in range(13, 24):
        other.run("30T23:05", until=f"30T{hour}:00")

    assert digests(world) == digests(other)
    assert len(digests(world)) == 11
    other.database.engine.dispose()


def test_what_another_run_takes_in_between_two_hours_is_posted(world: World) -> None:
    image = world.capture("2T10:00")
    world.clock.now = at("2T17:05")
    until = at("2T14:00")
    reading = read_location(world.site, act=True)
    done = Metered(location=world.location.name)
    with world.database.writing() as connection:
        run = prepare(connection, world.site, world.billing, reading, until, done)
    close_hours(world.site, run, until, done)
    world.delete("2T14:10", image)
    world.run("2T17:05", until="2T14:00")

    close_hours(world.site, replace(run, first_hour=until), at("2T17:00"), done)

    assert world.seconds() == {**{f"2T{hour}:00": 3600 for hour in range(10, 14)}, "2T14:00": 600}


def digests(world: World) -> list[tuple[Any, ...]]:
    query = sa.select(closings.c.hour, closings.c.digest).order_by(closings.c.hour)
    with world.database.reading() as connection:
        return [tuple(row) for row in connection.execute(query)]
