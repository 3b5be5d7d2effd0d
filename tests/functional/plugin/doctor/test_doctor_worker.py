"""The doctor tells that tasks are overdue, and whether a worker is running."""

from datetime import timedelta
from typing import Any

import pytest

from instance_images.db import runs
from instance_images.db.engine import Database
from instance_images.doctor.worker import check_worker
from instance_images.images.capture import capture

from support.processes.fast_worker import SomeApplication
from support.worlds.ledger_world import LOCATION, World, at

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def found(world: World) -> list[tuple[str | None, str, str]]:
    application: Any = SomeApplication({LOCATION.name: world.site})
    return [(one.location, one.what, one.cure) for one in check_worker(application, [LOCATION])]


@pytest.fixture
def world(database: Database) -> World:
    """A capture that was to be checked at a second past noon."""
    made = World(database)
    made.clock.now = at("1T12:00")
    capture(made.site, made.cloud.account("a"), "vm", "image")
    return made


def test_nothing_is_wrong_without_a_worker_while_no_task_is_overdue(world: World) -> None:
    world.clock.now += timedelta(minutes=5, seconds=1)

    assert found(world) == []


def test_overdue_tasks_are_told_with_the_cause_that_no_worker_runs(world: World) -> None:
    world.clock.now += timedelta(minutes=5, seconds=2)

    [overdue, missing] = found(world)

    assert overdue[:2] == (
        "RegionOne",
        "Tasks that are due for a check: 1, the first since 2026-11-01T12:00:01Z.",
    )
    assert missing[1].startswith("No worker is running")


def test_a_worker_that_runs_and_does_not_keep_up_is_told_otherwise(world: World) -> None:
    world.clock.now += timedelta(minutes=6)

    with runs.announced(world.database, "work", world.clock):
        [overdue] = found(world)

    assert "See the log of 'instance-images work'" in overdue[2]
