"""An image's id counts at its image service, and for as long as the image lives."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from instance_images.db import schema
from instance_images.db.engine import Database
from instance_images.db.images import get_image, list_images
from instance_images.db.tasks import unfinished_tasks
from instance_images.errors import CloudUnavailable, WrongState
from instance_images.images.capture import capture
from instance_images.locations.site import Site
from instance_images.model.outcomes import Available
from instance_images.model.records import AdoptionPolicy, AdoptMode, ImageStatus
from instance_images.sync.reconcile import synchronize
from instance_images.tasks.recording import Observation, record

from support.clouds.memory_cloud import GB, MemoryProvider
from support.worlds.adoption_world import Cloud, on_sqlite
from support.worlds.ledger_world import LOCATION, at

REGION_TWO = replace(LOCATION, name="RegionTwo")


@pytest.fixture
def world(database: Database) -> Cloud:
    made = Cloud(database)
    made.set_rate()
    return made.adopt("private")


def second_site(world: Cloud, cloud: MemoryProvider | None = None) -> Site:
    """Return another location of the same ledger, with a cloud of its own unless one is given."""
    return Site(
        location=REGION_TWO,
        provider=cloud or MemoryProvider(REGION_TWO, world.clock),
        database=world.database,
        clock=world.clock,
        default_max_images=1000,
        adoption=AdoptionPolicy(AdoptMode.PRIVATE),
    )


def events(site: Site) -> list[str]:
    """Read the location; return what was learned, in short."""
    return [f"{one.event} {one.name}" for one in synchronize(site)]


def test_one_id_at_two_image_services_is_two_images(world: Cloud) -> None:
    other = second_site(world)
    assert isinstance(other.provider, MemoryProvider)
    small = world.put("1T10:00", size=1)
    other.provider.put("a", 9 * GB, id=small.id)

    assert world.sync("1T10:05") == ["adopted foreign"]
    assert events(other) == ["adopted foreign"]

    assert events(other) == world.sync("1T10:10") == []
    with world.database.reading() as connection:
        sizes = [i.size_bytes for i in list_images(connection, "RegionTwo", "a")]
    assert (sizes, [i.size_bytes for i in world.held()]) == ([9 * GB], [1])


@on_sqlite
def test_id_of_a_deleted_image_counts_no_more_at_another_location(world: Cloud) -> None:
    other = second_site(world)
    assert isinstance(other.provider, MemoryProvider)
    gone = world.put("1T10:00", size=1)
    world.sync("1T10:05")
    del world.cloud.images[gone.id]
    world.sync("1T11:05")
    other.provider.put("a", 9 * GB, id=gone.id)

    assert events(other) == ["adopted foreign"]


def test_two_locations_with_one_image_service_bill_each_image_once(world: Cloud) -> None:
    world.cloud.service = "glance.example:443"
    other = second_site(world, world.cloud)
    image = world.put("1T10:00")

    assert events(other) == ["adopted foreign"]
    assert world.sync("1T10:05") == events(other) == []

    del world.cloud.images[image.id]
    assert world.sync("1T10:10") == []
    assert events(other) == ["deleted foreign"]


@on_sqlite
def test_new_address_of_a_shared_image_service_has_no_image_billed_twice(world: Cloud) -> None:
    world.cloud.service = "glance.example:9292"
    world.put("1T10:00")
    events(second_site(world, world.cloud))
    world.put("1T10:06")
    assert world.sync("1T10:07") == ["adopted foreign"]  # each location bills one

    world.cloud.service = "glance.example:443"
    other = second_site(world, world.cloud)
    world.adopt("private")
    assert world.sync("1T11:00") == events(other) == world.sync("1T12:00") == events(other) == []


@on_sqlite
def test_capture_under_way_is_adopted_by_no_location_that_shares_its_images(world: Cloud) -> None:
    world.cloud.service = "glance.example:443"
    other = second_site(world, world.cloud)
    world.clock.now = at("1T10:00")

    def look_meanwhile() -> None:
        assert events(other) == []

    answer = world.cloud.request_capture

    def slow(project_id: str, server_id: str, name: str, request_id: str) -> str:
        image_id = answer(project_id, server_id, name, request_id)
        world.cloud.activate(GB)
        look_meanwhile()
        return image_id

    world.cloud.request_capture = slow  # type: ignore[method-assign]
    capture(world.site, world.cloud.account("a"), "vm", "ours")

    assert events(other) == []
    assert world.sync("1T10:05") == ["available ours"]


def test_capture_that_gets_an_id_on_record_is_refused_and_says_which(world: Cloud) -> None:
    held = world.put("1T10:00")
    world.sync("1T10:05")
    world.cloud.next_id = held.id

    with pytest.raises(
        WrongState, match=f"{held.id}, which is already recorded for image {world.held()[0].id}"
    ):
        capture(world.site, world.cloud.account("a"), "vm", "ours")

    world.cloud.activate(2 * GB)
    assert world.sync("1T11:05") == ["changed foreign", "renamed foreign"]
    assert [(i.status, i.size_bytes) for i in world.held()] == [(ImageStatus.AVAILABLE, 2 * GB)]


@on_sqlite
def test_capture_whose_image_another_record_has_meanwhile_fails_and_says_so(world: Cloud) -> None:
    held = world.put("1T10:00")
    world.sync("1T10:05")
    world.cloud.loses_answers = True
    with pytest.raises(CloudUnavailable):
        capture(world.site, world.cloud.account("a"), "vm", "ours")
    with world.database.writing() as connection:
        [task] = unfinished_tasks(connection, LOCATION.name, "a")
        ours = get_image(connection, task.image_id)
        done = Available(GB, None, at("1T10:06"))
        record(
            connection,
            [
                Observation(
                    task=task,
                    image=ours,
                    decision=done,
                    seen_at=at("1T10:06"),
                    cloud_image_id=held.id,
                )
            ],
        )

        failed = get_image(connection, task.image_id)

    assert (failed.status, failed.cloud_image_id) == (ImageStatus.ERROR, None)
    assert f"{held.id}, which is already recorded for image {world.held()[0].id}" in (
        failed.error or ""
    )


def test_records_of_the_older_schema_count_everywhere_until_they_are_read(world: Cloud) -> None:
    image = world.put("1T10:00")
    world.sync("1T10:05")
    schema.downgrade(world.database, "0010")
    schema.upgrade(world.database)
    other = second_site(world)
    assert isinstance(other.provider, MemoryProvider)
    other.provider.put("a", id=image.id)

    assert events(other) == []
    assert world.sync("1T11:05") == []
    assert events(other) == ["adopted foreign"]


def test_downgrade_keeps_the_id_of_the_living_image_and_refuses_two(world: Cloud) -> None:
    other = second_site(world)
    assert isinstance(other.provider, MemoryProvider)
    image = world.put("1T10:00")
    world.sync("1T10:05")
    other.provider.images[image.id] = image
    events(other)

    with pytest.raises(RuntimeError, match=image.id):
        schema.downgrade(world.database, "0010")
    schema.upgrade(world.database)  # MariaDB cannot take the steps before the refused one back
    del world.cloud.images[image.id]
    world.sync("1T11:05")
    schema.downgrade(world.database, "0010")

    kept = sa.text("SELECT status FROM images WHERE cloud_image_id = :id")
    with world.database.reading() as connection:
        assert connection.execute(kept, {"id": image.id}).scalars().all() == ["available"]
    schema.upgrade(world.database)
    assert schema.schema_differences(world.database) == []
