"""A check is claimed by one at a time, on every database, and ends with the next one's instant."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from instance_images.db import checks
from instance_images.db.engine import Database
from instance_images.db.tables import tasks as task_rows
from instance_images.errors import CloudUnavailable
from instance_images.images.capture import capture
from instance_images.images.delete import delete
from instance_images.images.find import current_own_image
from instance_images.parallel import in_parallel
from instance_images.tasks.checks import CLAIM, check
from instance_images.tasks.find import current_own_task
from instance_images.tasks.overdue import check_overdue

from support.clouds.memory_cloud import GB
from support.processes.fast_worker import SomeApplication
from support.worlds.ledger_world import LOCATION, World, at

SECOND = timedelta(seconds=1)
ONLY_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Begun(World):
    """A world with one capture that was asked for at noon."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.clock.now = at("1T12:00")
        self.owner = self.cloud.account("a")
        self.request = capture(self.site, self.owner, "vm", "image")
        self.task_id = self.request.task_id

    def row(self) -> Any:
        """Return the task's row."""
        with self.database.reading() as connection:
            query = sa.select(task_rows).where(task_rows.c.task_id == self.task_id)
            return connection.execute(query).one()

    def due(self, now: datetime) -> list[str]:
        """Return the tasks that are due."""
        with self.database.reading() as connection:
            return [one.task_id for one in checks.due_checks(connection, ["RegionOne"], now, 9)]

    def claim(self, holder: str, now: datetime) -> bool:
        """Claim the task's check."""
        return self.database.write(
            lambda connection: checks.claim(connection, self.task_id, holder, now, now + CLAIM)
        )

    def check(self, holder: str = "worker") -> bool:
        """Check the task now."""
        return check(self.site, self.owner.id, self.task_id, holder)


@pytest.fixture
def begun(database: Database) -> Iterator[Begun]:
    yield Begun(database)


def test_a_check_that_is_due_is_claimed_by_one_until_its_claim_ends(begun: Begun) -> None:
    noon = begun.clock.now
    assert begun.due(noon) == []
    assert not begun.claim("early", noon)
    now = noon + SECOND
    assert begun.due(now) == [begun.task_id]

    won = in_parallel(lambda holder: begun.claim(f"worker {holder}", now), range(6))

    assert won.count(True) == 1
    assert begun.row().claimed_by == f"worker {won.index(True)}"
    assert begun.row().claimed_until == now + CLAIM
    assert not begun.claim("late", now + CLAIM - SECOND)
    assert begun.claim("late", now + CLAIM)  # the first one was killed
    assert begun.row().claimed_by == "late"


def test_a_claim_is_renewed_released_and_put_off_by_its_holder_alone(begun: Begun) -> None:
    now = begun.clock.now + SECOND
    begun.claim("worker", now)

    def by(holder: str) -> None:
        def work(connection: sa.Connection) -> None:
            checks.renew(connection, [begun.task_id], holder, now + 2 * CLAIM)
            if holder == "another":
                checks.release(connection, [begun.task_id], holder)
                checks.put_off(connection, begun.task_id, now + CLAIM, holder)

        begun.database.write(work)

    by("another")
    assert (begun.row().claimed_by, begun.row().claimed_until) == ("worker", now + CLAIM)
    by("worker")
    assert begun.row().claimed_until == now + 2 * CLAIM
    begun.database.write(lambda c: checks.put_off(c, begun.task_id, now + 5 * SECOND, "worker"))
    assert (begun.row().claimed_by, begun.row().look_at) == (None, now + 5 * SECOND)
    assert begun.claim("worker", now + 5 * SECOND)
    begun.database.write(lambda c: checks.release(c, [begun.task_id], "worker"))
    assert begun.row().claimed_until is None


def test_the_backlog_of_a_location_counts_what_is_due(begun: Begun) -> None:
    with begun.database.reading() as connection:
        assert checks.backlogs(connection, begun.clock.now) == []
        found = checks.backlogs(connection, begun.clock.now + 9 * SECOND)

    assert found == [checks.Backlog("RegionOne", 1, begun.clock.now + SECOND)]


def test_a_check_records_when_the_next_is_due_and_ends_its_claim(begun: Begun) -> None:
    noon = begun.clock.now
    begun.clock.now = noon + 40 * SECOND

    assert begun.check()

    assert begun.row().look_at == begun.clock.now + SECOND  # "saving" has just been seen
    assert begun.row().claimed_by is None
    assert not begun.check()  # not due any more
    begun.clock.now += 30 * SECOND
    assert begun.check()
    assert begun.row().look_at == begun.clock.now + 3 * SECOND
    begun.clock.now += 3 * SECOND
    begun.cloud.activate(GB)
    assert begun.check()
    assert (begun.row().look_at, begun.row().state) == (None, "succeeded")
    assert begun.due(begun.clock.now + CLAIM) == []


def test_a_check_that_fails_is_put_off_and_its_claim_ends(begun: Begun) -> None:
    begun.clock.now += 100 * SECOND
    begun.cloud.is_down = True

    with pytest.raises(CloudUnavailable):
        begun.check()

    assert begun.row().claimed_by is None
    assert begun.row().look_at == begun.clock.now + 10 * SECOND


@ONLY_SQLITE
def test_what_has_ended_meanwhile_has_no_next_check(begun: Begun) -> None:
    begun.clock.now += SECOND
    begun.cloud.activate(GB)
    begun.check()
    later = begun.clock.now + CLAIM

    begun.database.write(lambda c: checks.set_look_at(c, [(begun.task_id, later)]))

    assert begun.row().look_at is None


@ONLY_SQLITE
def test_a_deletion_without_an_answer_is_checked_after_a_second(begun: Begun) -> None:
    begun.clock.now += SECOND
    begun.cloud.activate(GB)
    begun.check()
    begun.cloud.fails_after_deletion = True
    with pytest.raises(CloudUnavailable):
        delete(begun.site, begun.owner, begun.request.image_id)
    begun.clock.now += SECOND
    [task_id] = begun.due(begun.clock.now)

    assert check(begun.site, begun.owner.id, task_id, "worker")

    assert begun.cloud.images == {}


@ONLY_SQLITE
def test_a_read_asks_the_cloud_only_for_what_is_overdue_by_five_seconds(begun: Begun) -> None:
    begun.cloud.activate(GB)
    begun.clock.now += 5 * SECOND
    check_overdue(begun.site, begun.owner, task_id=begun.task_id)
    assert begun.row().state == "running"
    begun.clock.now += SECOND

    check_overdue(begun.site, begun.owner, image_id=begun.request.image_id)

    assert begun.row().state == "succeeded"


@ONLY_SQLITE
def test_a_read_takes_a_turn_of_those_who_ask_the_cloud_only_where_it_asks(begun: Begun) -> None:
    places: Any = SomeApplication({LOCATION.name: begun.site}), [LOCATION.name], begun.owner
    turns: list[bool] = []

    def turn(*, has_turn: bool) -> AbstractContextManager[bool]:
        turns.append(has_turn)
        return nullcontext(has_turn)

    def read(*, has_turn: bool) -> tuple[str, str]:
        chosen = partial(turn, has_turn=has_turn)
        image = current_own_image(*places, begun.request.image_id, chosen)
        _, task = current_own_task(*places, begun.task_id, chosen)
        return image.status, task.state

    begun.cloud.activate(GB)

    assert (read(has_turn=True), turns) == (("creating", "running"), [])
    begun.clock.now += 6 * SECOND
    assert (read(has_turn=False), turns) == (("creating", "running"), [False] * 2)
    assert (read(has_turn=True), turns) == (("available", "succeeded"), [False, False, True])


@ONLY_SQLITE
@pytest.mark.parametrize("fault", ["down", "claimed", "another account"])
def test_a_read_leaves_what_it_cannot_look_at_as_it_is(begun: Begun, fault: str) -> None:
    owner = begun.owner
    begun.clock.now += 60 * SECOND
    begun.cloud.activate(GB)
    match fault:
        case "down":
            begun.cloud.is_down = True
        case "claimed":
            begun.claim("worker", begun.clock.now)
        case _:
            owner = begun.cloud.account("b")

    check_overdue(begun.site, owner, task_id=begun.task_id)

    assert begun.row().state == "running"
