"""A capture that was given up comes late, is adopted, and is tried again: each image is one."""

from datetime import timedelta

import pytest

from instance_images.db import images, tasks
from instance_images.db.engine import Database
from instance_images.errors import CloudUnavailable
from instance_images.images.capture import capture
from instance_images.images.retry import retry
from instance_images.model.cloud import CloudImage
from instance_images.model.records import Image, ImageStatus, TaskState
from instance_images.sync.reconcile import synchronize
from instance_images.tasks.settling import settle

from support.clouds.memory_cloud import GB
from support.worlds.ledger_world import World, at


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def come_late(world: World) -> tuple[str, CloudImage]:
    """Lose the answer of a capture, whose image is seen when it is given up; return both."""
    world.clock.now = at("2T12:00")
    world.cloud.loses_answers = True
    with pytest.raises(CloudUnavailable):
        capture(world.site, world.cloud.account("a"), "vm", "golden")
    [late] = world.cloud.images.values()
    del world.cloud.images[late.id]
    for _ in range(2):  # it is given up, and then not watched any more
        world.clock.now += timedelta(minutes=15)
        settle(world.site, "a")
    [failed] = shown(world)
    assert failed.status is ImageStatus.ERROR
    world.cloud.images[late.id] = late
    world.cloud.activate(GB)
    synchronize(world.site)
    return failed.id, world.cloud.images[late.id]


def shown(world: World) -> list[Image]:
    with world.database.reading() as connection:
        return images.list_images(connection, world.site.name, "a")


def task_id_of(world: World, image_id: str) -> str:
    with world.database.reading() as connection:
        return images.get_image(connection, image_id).task_id


def test_the_late_image_is_adopted_and_the_failed_one_stays_what_it_is(world: World) -> None:
    failed_id, late = come_late(world)

    adopted = {image.cloud_image_id: image for image in shown(world) if image.id != failed_id}

    assert set(adopted) == {late.id}
    assert adopted[late.id].status is ImageStatus.AVAILABLE


@pytest.mark.parametrize("loses_answers", [False, True])
def test_a_retry_makes_an_image_of_its_own_beside_the_one_that_was_adopted(
    loses_answers: bool, world: World
) -> None:
    failed_id, late = come_late(world)
    world.cloud.loses_answers = loses_answers
    owner, task_id = world.cloud.account("a"), task_id_of(world, failed_id)

    if loses_answers:
        with pytest.raises(CloudUnavailable):
            retry(world.site, owner, task_id)
    else:
        retry(world.site, owner, task_id)
    world.cloud.activate(2 * GB)
    settle(world.site, "a")
    synchronize(world.site)

    sizes = {image.cloud_image_id: image.size_bytes for image in shown(world)}
    assert {image.status for image in shown(world)} == {ImageStatus.AVAILABLE}
    assert len(sizes) == len(shown(world)) == 2
    assert set(sizes) == set(world.cloud.images)
    assert sizes[late.id] == GB


def test_a_retry_that_fails_does_not_take_the_adopted_image_with_it(world: World) -> None:
    failed_id, late = come_late(world)
    owner, task_id = world.cloud.account("a"), task_id_of(world, failed_id)
    with pytest.raises(CloudUnavailable):
        retry(world.site, owner, task_id)
    [second] = set(world.cloud.images) - {late.id}
    del world.cloud.images[second]

    for _ in range(3):
        world.clock.now += timedelta(minutes=15)
        settle(world.site, "a")
        synchronize(world.site)

    statuses = {image.id: image.status for image in shown(world)}
    assert set(world.cloud.images) == {late.id}
    assert statuses.pop(failed_id) is ImageStatus.ERROR
    assert list(statuses.values()) == [ImageStatus.AVAILABLE]
    with world.database.reading() as connection:
        assert tasks.get_task(connection, task_id).state is TaskState.FAILED
