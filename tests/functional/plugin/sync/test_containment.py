"""One account's trouble stays with that account: every hour of the others closes, and in time."""

from collections import Counter
from datetime import timedelta

import pytest

from instance_images.db import images, tasks
from instance_images.db.engine import Database
from instance_images.errors import CloudUnavailable, Refused
from instance_images.images.capture import capture
from instance_images.images.delete import delete
from instance_images.images.retry import retry
from instance_images.model.records import ImageRequest, ImageStatus, Task, TaskState
from instance_images.model.volume_capture import GIVE_UP_AFTER
from instance_images.tasks import leftovers
from instance_images.tasks.settling import settle

from support.clouds.memory_cloud import GB
from support.worlds.ledger_world import World, at

EUR = 10**9
HOUR = timedelta(hours=1)


@pytest.fixture
def world(database: Database) -> World:
    """An hour of a GB costs one EUR; account b has an image of one GB since the first hour."""
    made = World(database)
    made.set_rate()
    made.capture("1T00:00", "honest", account="b")
    return made


def begin(world: World, when: str, name: str = "open") -> ImageRequest:
    """Begin a capture of account a, whose bytes have not arrived."""
    world.clock.now = at(when)
    return capture(world.site, world.cloud.account("a"), f"vm-{name}", name)


def task(world: World, request: ImageRequest) -> Task:
    with world.database.reading() as connection:
        return tasks.get_task(connection, request.task_id)


def cloud_id(world: World, request: ImageRequest) -> str:
    with world.database.reading() as connection:
        found = images.get_image(connection, request.image_id).cloud_image_id
    assert found is not None
    return found


# ------------------------------------------------------------------- hours and open captures


def test_capture_of_a_project_that_nobody_can_work_in_keeps_no_hour_open(world: World) -> None:
    request = begin(world, "1T00:30")
    world.cloud.closed.add("a")

    done = world.run("1T02:00")

    assert (done.closed_until, world.seconds("b")) == (
        at("1T02:00"),
        {"1T00:00": 3600, "1T01:00": 3600},
    )
    [problem] = done.problems
    assert problem.startswith(f"Account a: postponed 1 task, create task {request.task_id}:")
    assert "it is disabled" in problem
    assert task(world, request).state is TaskState.RUNNING


def test_account_is_told_once_however_many_of_its_tasks_are_postponed(world: World) -> None:
    for number in range(3):
        begin(world, "1T00:30", f"open-{number}")
    world.cloud.closed.add("a")

    [problem] = world.run("1T02:00").problems

    assert problem.startswith("Account a: postponed 3 tasks, such as create task ")


def test_image_of_such_a_project_is_billed_as_ever_once_it_is_there(world: World) -> None:
    begin(world, "1T00:30")
    world.cloud.closed.add("a")
    world.run("1T01:00")
    world.clock.now = at("1T01:30")
    world.cloud.activate(2 * GB)

    done = world.run("1T02:00")

    assert done.problems == []
    assert world.seconds("a") == {"1T01:00": 2 * 1800}


def test_image_that_the_service_fails_at_by_id_keeps_no_hour_open_and_is_billed_late(
    world: World,
) -> None:
    request = begin(world, "1T00:30")
    image_id = cloud_id(world, request)
    world.clock.now = at("1T00:45")
    world.cloud.activate(GB)
    world.cloud.faulty.add(image_id)

    done = world.run("1T02:00")

    assert (done.closed_until, world.seconds("a")) == (at("1T02:00"), {})
    assert "answered HTTP 500" in done.problems[0]
    world.cloud.faulty.clear()
    assert world.run("1T03:00").problems == []
    assert [(one.corrects_at, one.amount_nanos) for one in world.adjustments("a")] == [
        (at("1T00:00"), EUR // 4),  # since a quarter to one
        (at("1T01:00"), EUR),
    ]
    assert world.seconds("a") == {"1T02:00": 3600}


def test_deletion_that_the_service_fails_at_keeps_no_hour_open(world: World) -> None:
    image_id = world.capture("1T00:00", "mine")
    world.cloud.fails_after_deletion = True
    with pytest.raises(CloudUnavailable):
        world.delete("1T01:30", image_id)
    world.cloud.fails_after_deletion = False
    with world.database.reading() as connection:
        gone_id = images.get_image(connection, image_id).cloud_image_id
    world.cloud.faulty.add(str(gone_id))

    done = world.run("1T03:00")

    assert done.closed_until == at("1T03:00")
    assert "postponed 1 task, delete task" in done.problems[0]
    world.cloud.faulty.clear()
    world.run("1T04:00")
    assert sum(p.amount_nanos for p in world.postings("a")) == 3 * EUR
    assert sum(one.amount_nanos for one in world.adjustments("a")) == -3 * EUR // 2


def test_image_that_is_not_listed_and_that_the_service_fails_at_is_billed_on_and_told(
    world: World,
) -> None:
    image_id = world.capture("1T00:00", "mine")
    with world.database.reading() as connection:
        unlisted_id = str(images.get_image(connection, image_id).cloud_image_id)
    world.cloud.unlisted.add(unlisted_id)
    world.cloud.faulty.add(unlisted_id)

    done = world.run("1T02:00")

    assert world.seconds("a") == world.seconds("b") == {"1T00:00": 3600, "1T01:00": 3600}
    [problem] = done.problems
    assert problem.startswith("Account a: the image service does not list 1 of its images")


def test_service_that_fails_at_every_image_by_id_leaves_every_hour_open(world: World) -> None:
    world.capture("1T00:00", "mine")
    world.cloud.unlisted.add(next(iter(world.cloud.images)))
    world.cloud.faulty |= {*world.cloud.images}

    with pytest.raises(CloudUnavailable):
        world.run("1T02:00")

    assert world.watermark() is None


def test_location_whose_images_cannot_be_listed_closes_no_hour(world: World) -> None:
    begin(world, "1T00:30")
    world.cloud.is_down = True

    with pytest.raises(CloudUnavailable):
        world.run("1T02:00")

    assert world.watermark() is None


def test_capture_that_stays_postponed_is_ended_by_its_deadline_and_frees_its_slot(
    world: World,
) -> None:
    request = begin(world, "1T00:30")
    world.cloud.closed.add("a")

    world.run("2T01:00")

    ended = task(world, request)
    assert ended.state is TaskState.FAILED
    assert "it is disabled" in str(ended.error)
    with world.database.reading() as connection:
        assert images.get_image(connection, request.image_id).status is ImageStatus.ERROR


def test_commands_of_such_an_account_work_and_can_end_its_capture(world: World) -> None:
    request = begin(world, "1T00:30")
    world.cloud.closed.add("a")

    settle(world.site, "a")  # every command begins so
    with pytest.raises(Refused, match="it is disabled"):
        delete(world.site, world.cloud.account("a"), request.image_id)

    assert task(world, request).state is TaskState.FAILED
    assert world.run("1T02:00").closed_until == at("1T02:00")


# ------------------------------------------------------------------------------- leftovers


def leave(world: World, when: str, count: int = 1) -> list[ImageRequest]:
    """End captures of account a whose images its owner has protected."""
    requests = []
    for number in range(count):
        request = begin(world, when, f"left-{number}")
        world.cloud.protected.add(cloud_id(world, request))
        with pytest.raises(Refused):
            delete(world.site, world.cloud.account("a"), request.image_id)
        requests.append(request)
    return requests


def deletions(world: World) -> Counter[str]:
    """Count from now on what the cloud is asked to delete."""
    asked: Counter[str] = Counter()
    world.cloud.on_delete = lambda image_id: asked.update([image_id])
    return asked


def test_leftovers_are_looked_at_when_the_hours_are_closed(world: World) -> None:
    leave(world, "1T00:30")
    closed = []
    world.cloud.on_delete = lambda image_id: closed.append(world.watermark())

    world.run("1T02:00")

    assert closed == [at("1T02:00")]


def test_run_looks_at_few_leftovers_of_an_account_and_a_command_at_fewer(world: World) -> None:
    leave(world, "1T00:30", leftovers.PER_ACCOUNT + 15)
    asked = deletions(world)

    world.run("1T02:00")
    assert (asked.total(), len(asked)) == (leftovers.PER_ACCOUNT, leftovers.PER_ACCOUNT)
    world.run("1T02:00")
    assert (asked.total(), len(asked)) == (leftovers.PER_ACCOUNT + 15, leftovers.PER_ACCOUNT + 15)
    world.run("1T02:00")
    assert asked.total() == leftovers.PER_ACCOUNT + 15  # nothing is due

    world.clock.now = at("1T06:00")
    asked.clear()
    settle(world.site, "a")
    assert asked.total() == 10
    settle(world.site, "b")
    assert asked.total() == 10


def test_other_accounts_leftovers_are_removed_beside_those_that_cannot_be(world: World) -> None:
    leave(world, "1T00:30", leftovers.PER_ACCOUNT + 5)
    theirs = capture(world.site, world.cloud.account("b"), "vm-b", "theirs")
    world.cloud.protected.add(their_id := cloud_id(world, theirs))
    with pytest.raises(Refused):
        delete(world.site, world.cloud.account("b"), theirs.image_id)
    world.cloud.protected.discard(their_id)

    world.run("1T02:00")

    assert their_id not in world.cloud.images


def test_leftover_is_looked_at_less_and_less_often_and_given_up_after_a_week(world: World) -> None:
    [request] = leave(world, "1T00:00")
    asked = deletions(world)
    ended_at = task(world, request).updated_at

    problems = []
    for hour in range(1, 24 * 9):
        problems += world.run(ended_at + hour * HOUR).problems

    # After 1, 2, 4, 8, 16 and 32 hours, and then each day until the week is over.
    assert asked.total() == 6 + 6
    [problem] = problems
    assert problem.startswith("Account a: gave up the leftovers of 1 ended capture, task ")
    assert "The image is protected." in problem
    with world.database.reading() as connection:
        assert tasks.open_tasks(connection, world.site.name, None) == []
        [given_up] = tasks.abandoned_tasks(connection, world.site.name, 10)
    assert given_up.id == request.task_id
    assert ended_at + GIVE_UP_AFTER <= world.clock.now


def test_retry_looks_at_what_the_capture_left_at_once(world: World) -> None:
    [request] = leave(world, "1T00:00")
    world.run("1T05:00")
    world.run("1T10:00")
    world.cloud.protected.clear()

    retry(world.site, world.cloud.account("a"), request.task_id)

    assert task(world, request).attempts == 2


def test_leftover_that_can_be_deleted_again_is_removed_at_its_next_look(world: World) -> None:
    [request] = leave(world, "1T00:00")
    left_id = cloud_id(world, request)
    world.run("1T01:00")
    world.cloud.protected.clear()

    world.run("1T02:00")

    assert left_id not in world.cloud.images
    assert not task(world, request).has_leftovers
