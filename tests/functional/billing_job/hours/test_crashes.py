"""A meter that is killed with ``kill -9`` at random instants loses nothing and doubles nothing."""

import time

import pytest

from instance_images.db.engine import Database

from support.processes.crash_worker import Worker
from support.worlds.crash_world import check, kill_and_repeat, ready


@pytest.mark.parametrize("seed", [1])
def test_a_meter_that_is_killed_again_and_again_posts_every_hour_once(
    database: Database, database_url: str, seed: int
) -> None:
    world = ready(database)

    killed = kill_and_repeat(database_url, 6, seed)
    Worker(database_url).finish()

    print(f"seed {seed}: killed {killed} times")
    assert killed >= 3
    check(world)


@pytest.mark.all
@pytest.mark.parametrize("seed", range(10, 13))  # ten kills each, on three databases
def test_a_hundred_kills_lose_nothing_and_double_nothing(
    database: Database, database_url: str, seed: int
) -> None:
    world = ready(database)

    killed = kill_and_repeat(database_url, 10, seed)
    Worker(database_url).finish()

    print(f"seed {seed}: killed {killed} times")
    check(world)


def test_of_two_meters_one_is_killed_and_the_other_goes_on(
    database: Database, database_url: str
) -> None:
    world = ready(database)
    first, second = Worker(database_url), Worker(database_url)
    time.sleep(0.3)

    first.kill()
    second.finish()
    Worker(database_url).finish()

    check(world)
