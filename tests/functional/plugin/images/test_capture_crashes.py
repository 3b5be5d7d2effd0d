"""A command is killed at any step, then one more is run: nothing is lost, and nothing is left."""

import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from instance_images.deployments.instances import Order, deploy
from instance_images.images.capture import capture
from instance_images.images.delete import delete
from instance_images.images.retry import retry
from instance_images.locations.site import Site
from instance_images.model.records import (
    Image,
    ImageStatus,
    Task,
    TaskKind,
    TaskState,
)
from instance_images.tasks.settling import settle
from instance_images.tasks.waiting import wait_for_task

from support.clouds.file_cloud import FileCloud
from support.processes.command_line import SetClock
from support.worlds.crash_place import MORE_THAN_ENOUGH, OWNER, Place, check
from support.worlds.ledger_world import at

SOMEWHERE = {False: 4, True: 12}  # the step at which an image, or a snapshot and a volume, is there


Prepare = Callable[[int | str], Place]


@pytest.fixture
def prepare(tmp_path: Path, empty_database: Path, is_volume_backed: bool) -> Prepare:
    def make(name: int | str) -> Place:
        directory = tmp_path / str(name)
        directory.mkdir()
        shutil.copy(empty_database, directory / "ledger.db")
        return Place(directory, is_volume_backed, SetClock(at("1T12:00")))

    return make


@pytest.fixture(params=[False, True], ids=["image-backed", "volume-backed"])
def is_volume_backed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def create(site: Site) -> None:
    request = capture(site, OWNER, "vm", "golden")
    wait_for_task(site, OWNER, request.task_id, lambda _: None, sleep=lambda _: None)


def settle_everything(site: Site) -> None:
    for _ in range(10):
        settle(site, None)


def test_a_capture_that_is_killed_at_any_step_leaves_nothing_but_its_image(
    prepare: Prepare,
) -> None:
    outcomes = []
    for step in range(1, MORE_THAN_ENOUGH):
        place = prepare(step)
        killed = place.run(create, step)
        place.settle()
        outcomes.append(check(place, step))
        if not killed:
            break

    print(f"{len(outcomes) - 1} steps: {outcomes}")
    assert outcomes[0] is None  # killed before the slot was taken
    assert outcomes[-1] is ImageStatus.AVAILABLE  # and never killed
    assert len(outcomes) > (20 if place.is_volume_backed else 5)
    # Only a request of which nobody knows whether it was sent is not repeated.
    assert outcomes.count(ImageStatus.ERROR) == (0 if place.is_volume_backed else 1)


@pytest.mark.parametrize("second_step", [1, 2, 3, 5, 8])
def test_a_command_that_is_killed_as_well_while_it_settles_changes_nothing_of_that(
    second_step: int, prepare: Prepare
) -> None:
    for step in range(2, MORE_THAN_ENOUGH, 3):
        place = prepare(step)
        killed = place.run(create, step)
        place.clock.now += timedelta(minutes=3)
        place.run(settle_everything, second_step)
        place.settle()
        check(place, (step, second_step))
        if not killed:
            return


def test_an_image_that_is_deleted_after_any_step_of_its_capture_leaves_nothing(
    prepare: Prepare,
) -> None:
    for step in range(2, MORE_THAN_ENOUGH, 2):
        place = prepare(step)
        killed = place.run(create, step)
        found, _ = place.records()
        for image in found:
            delete(place.site(), OWNER, image.id)
        place.settle()
        assert check(place, step) in (ImageStatus.DELETED, None), step
        if not killed:
            return


def test_a_deletion_that_is_killed_at_any_step_of_a_running_capture_leaves_nothing(
    prepare: Prepare,
) -> None:
    for step in range(1, MORE_THAN_ENOUGH):
        place = prepare(step)
        place.run(create, SOMEWHERE[place.is_volume_backed])
        [image], _ = place.records()
        assert image.status is ImageStatus.CREATING
        killed = place.run(lambda site, i=image.id: delete(site, OWNER, i), step)  # type: ignore[misc]
        place.settle()
        assert check(place, step)
        if not killed:
            assert check(place, step) is ImageStatus.DELETED
            return


def available(place: Place) -> Image:
    """Have an image that can be deployed and deleted; return it."""
    assert not place.run(create, 0)
    [image], _ = place.records()
    assert image.status is ImageStatus.AVAILABLE
    return image


@pytest.mark.parametrize("is_volume_backed", [False], indirect=True)
def test_a_deletion_that_is_killed_at_any_step_has_happened_or_has_not(prepare: Prepare) -> None:
    outcomes = []
    for step in range(1, MORE_THAN_ENOUGH):
        place = prepare(step)
        image = available(place)
        killed = place.run(lambda site, i=image.id: delete(site, OWNER, i), step)  # type: ignore[misc]
        place.settle()
        outcomes.append(check(place, step))
        if not killed:
            break

    assert outcomes[0] is ImageStatus.AVAILABLE  # killed before the deletion was on record
    assert set(outcomes[1:]) == {ImageStatus.DELETED}
    assert len(outcomes) > 3


@pytest.mark.parametrize("is_volume_backed", [False], indirect=True)
@pytest.mark.parametrize("count", [1, 3])
def test_a_deployment_that_is_killed_at_any_step_makes_all_its_instances_or_none(
    prepare: Prepare, count: int
) -> None:
    made = []
    for step in range(1, MORE_THAN_ENOUGH):
        place = prepare(step)
        image = available(place)

        def order(site: Site, image_id: str = image.id) -> None:
            task_id = deploy(site, OWNER, image_id, Order(name="web", flavor="tiny", count=count))
            wait_for_task(site, OWNER, task_id, lambda _: None, sleep=lambda _: None)

        killed = place.run(order, step)
        place.settle()
        cloud = place.site().provider
        assert isinstance(cloud, FileCloud)
        servers = cloud.things("server")
        ordered = [task for task in place.records()[1] if task.kind is TaskKind.DEPLOY]
        told = [i for t in ordered if t.state is TaskState.SUCCEEDED for i in t.server_ids]
        assert sorted(told) == sorted(servers), step
        assert len(ordered) == (step > 1), step
        assert all(task.error for task in ordered if task.state is TaskState.FAILED), step
        made.append(len(servers))
        if not killed:
            break

    assert set(made) == {0, count}
    assert made == sorted(made)  # from the request on, they are there
    assert made.index(count) >= 2


def failed(place: Place) -> Task:
    """Have a capture fail because the cloud breaks down under it; return its task."""
    place.run(create, SOMEWHERE[place.is_volume_backed])
    cloud = place.site().provider
    assert isinstance(cloud, FileCloud)
    cloud.break_down()
    place.settle()
    assert check(place, "failed") is ImageStatus.ERROR
    _, [task] = place.records()
    return task


def test_a_retry_that_is_killed_at_any_step_leaves_nothing_but_its_image(
    prepare: Prepare, is_volume_backed: bool
) -> None:
    for step in range(1, MORE_THAN_ENOUGH, 3 if is_volume_backed else 1):
        place = prepare(step)
        task = failed(place)

        def again(site: Site, task_id: str = task.id) -> None:
            retry(site, OWNER, task_id)
            wait_for_task(site, OWNER, task_id, lambda _: None, sleep=lambda _: None)

        killed = place.run(again, step)
        place.settle()
        outcome = check(place, step)
        _, [repeated] = place.records()
        assert repeated.attempts == (1 if step == 1 else 2), step
        if not killed:
            assert outcome is ImageStatus.AVAILABLE
            return


def test_two_processes_that_settle_one_capture_ask_for_nothing_twice(
    prepare: Prepare,
) -> None:
    for number in range(5):
        place = prepare(number)
        place.run(create, 6 if place.is_volume_backed else 4)
        children = []
        for _ in range(3):
            child = os.fork()
            if child == 0:
                settle_everything(place.site())
                os._exit(0)
            children.append(child)
        assert {os.waitpid(child, 0)[1] for child in children} == {0}
        place.settle()
        assert check(place, number) is ImageStatus.AVAILABLE
        _, [task] = place.records()
        assert task.attempts == 1
