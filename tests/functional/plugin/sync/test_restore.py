"""An image that ended on record, and that the image service has, is billed from its next reading.

``ImagesMissing`` keeps a wrong reading from ending most of a location's images.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from instance_images.db import images
from instance_images.db.engine import Database
from instance_images.errors import ImagesMissing, Refused
from instance_images.images.capture import capture
from instance_images.images.delete import delete
from instance_images.locations.site import Site
from instance_images.model.cloud import CloudImage, CloudImageStatus
from instance_images.model.records import Image, ImageStatus
from instance_images.sync.compare import are_most
from instance_images.tasks.leftovers import tidy
from instance_images_billing.audit.verify import verify_location

from support.clouds import installed_memory_cloud
from support.clouds.memory_cloud import GB, MemoryProvider
from support.worlds.adoption_world import Cloud, on_sqlite
from support.worlds.ledger_world import LOCATION, at
from support.worlds.operations_world import Deployment


@pytest.fixture
def world(database: Database) -> Cloud:
    made = Cloud(database)
    made.set_rate()
    return made.adopt("none")


def record_of(world: Cloud, image_id: str) -> Image:
    with world.database.reading() as connection:
        return images.get_image(connection, image_id)


def faults(world: Cloud) -> list[str]:
    with world.database.reading() as connection:
        return verify_location(connection, LOCATION.name, world.billing.timezone)


def test_image_that_was_missing_once_is_billed_from_when_it_is_seen_again(world: Cloud) -> None:
    image_id = world.capture("1T10:00")
    away = dict(world.cloud.images)
    world.run("1T11:00")
    world.cloud.images.clear()
    world.run("1T12:00")
    assert record_of(world, image_id).status is ImageStatus.DELETED

    world.cloud.images.update(away)
    world.run("1T12:30")
    world.run("1T14:00")

    assert world.seconds() == {"1T10:00": 3600, "1T12:00": 1800, "1T13:00": 3600}
    restored = record_of(world, image_id)
    assert (restored.status, restored.restored_at) == (ImageStatus.AVAILABLE, at("1T12:30"))
    assert (restored.deleted_at, restored.missed_at, restored.error) == (None, None, None)
    assert world.adjustments() == faults(world) == []


@on_sqlite
def test_image_ends_and_returns_as_often_as_it_does(world: Cloud) -> None:
    image_id = world.capture("1T10:00")
    [found] = world.cloud.images.values()
    for hour in (11, 13):
        world.cloud.images.clear()
        world.run(f"1T{hour}:00")
        world.cloud.images[found.id] = replace(found, size_bytes=hour * GB, owner_id="b")
        world.run(f"1T{hour + 1}:00")
    world.delete("1T14:30", image_id, "b")
    world.run("1T16:00")

    assert world.seconds("a") == {}
    assert world.seconds("b") == {"1T14:00": 13 * 1800}
    assert faults(world) == []


@on_sqlite
def test_image_whose_deletion_came_to_nothing_is_billed_on(world: Cloud) -> None:
    image_id = world.capture("1T10:00")
    kept = dict(world.cloud.images)
    world.delete("1T10:30", image_id)
    world.cloud.images.update(kept)  # its deletion was rolled back

    assert world.sync("1T11:00") == ["restored image"]

    world.run("1T12:00")
    assert world.seconds() == {"1T10:00": 1800, "1T11:00": 3600}


def protect(world: Cloud) -> str:
    """Begin a capture, protect its image, and end it by a deletion; return its id."""
    world.clock.now = at("1T10:00")
    image_id = capture(world.site, world.cloud.account("a"), "vm", "kept").image_id
    [found] = world.cloud.images.values()
    world.cloud.protected.add(found.id)
    with pytest.raises(Refused):
        delete(world.site, world.cloud.account("a"), image_id)
    world.cloud.activate(GB)
    assert record_of(world, image_id).status is ImageStatus.ERROR
    return image_id


@on_sqlite
def test_image_that_its_owner_protects_from_being_cleaned_up_is_billed(world: Cloud) -> None:
    image_id = protect(world)

    world.run("1T11:00")  # the first clean-up is tried after this reading
    assert record_of(world, image_id).status is not ImageStatus.AVAILABLE
    world.run("1T12:00")
    world.run("1T13:00")

    assert world.seconds() == {"1T12:00": 3600}
    assert record_of(world, image_id).status is ImageStatus.AVAILABLE
    world.cloud.protected.clear()
    tidy(world.site)
    assert len(world.cloud.images) == 1


@on_sqlite
def test_image_that_is_deleted_while_it_is_read_is_not_restored(world: Cloud) -> None:
    image_id = world.capture("1T10:00")

    def delete_meanwhile() -> None:
        world.cloud.in_listing = lambda: None
        world.delete("1T11:00", image_id)

    world.cloud.in_listing = delete_meanwhile
    assert world.sync("1T11:00") == []
    assert record_of(world, image_id).status is ImageStatus.DELETED


@on_sqlite
@pytest.mark.parametrize(
    "unusable",
    [
        lambda found: replace(found, size_bytes=0),
        lambda found: replace(found, size_bytes=-1),
        lambda found: replace(found, owner_id=""),
        lambda found: replace(found, status=CloudImageStatus.QUEUED),
    ],
)
def test_what_holds_no_bytes_is_not_restored(
    unusable: Callable[[CloudImage], CloudImage], world: Cloud
) -> None:
    world.capture("1T10:00")
    [found] = world.cloud.images.values()
    world.cloud.images.clear()
    world.sync("1T11:00")

    world.cloud.images[found.id] = unusable(found)

    assert world.sync("1T12:00") == []


@on_sqlite
def test_image_that_another_location_has_adopted_meanwhile_stays_there(world: Cloud) -> None:
    world.cloud.service = "glance"
    world.capture("1T10:00")
    away = dict(world.cloud.images)
    world.cloud.images.clear()
    world.sync("1T11:00")
    world.cloud.images.update(away)
    elsewhere = replace(LOCATION, name="RegionTwo")
    here = world.site
    world.adopt("private")
    world.site = Site(
        location=elsewhere,
        provider=world.cloud,
        database=world.database,
        clock=world.clock,
        default_max_images=9,
        adoption=world.site.adoption,
    )
    assert world.sync("1T12:00") == ["adopted image"]

    world.site = here
    assert world.sync("1T12:05") == []


def many(world: Cloud, count: int) -> None:
    world.adopt("private")
    for _ in range(count):
        world.put("1T10:00")
    world.sync("1T10:05")


@on_sqlite
def test_reading_that_misses_most_images_changes_nothing_until_somebody_says_so(
    world: Cloud,
) -> None:
    many(world, 12)
    world.capture("1T10:10")
    started = capture(world.site, world.cloud.account("a"), "vm 2", "under way")
    world.run("1T11:00")
    away = dict(world.cloud.images)
    world.cloud.images.clear()

    with pytest.raises(ImagesMissing, match=r"13 of the 13 .* were deleted, confirm it"):
        world.run("1T13:05")

    assert world.watermark() == at("1T11:00")
    assert len(world.held()) == 14
    assert record_of(world, started.image_id).status is ImageStatus.CREATING
    world.cloud.images.update(away)
    world.run("1T13:10")
    assert world.seconds()["1T12:00"] == 13 * 3600


@on_sqlite
@pytest.mark.parametrize(("count", "gone"), [(9, 9), (20, 10)])
def test_few_missing_images_or_half_of_them_are_believed(
    count: int, gone: int, world: Cloud
) -> None:
    many(world, count)
    for image_id in list(world.cloud.images)[:gone]:
        del world.cloud.images[image_id]

    assert world.sync("1T11:00") == ["deleted foreign"] * gone


@on_sqlite
def test_images_that_are_left_out_of_the_listing_alone_are_not_missing(world: Cloud) -> None:
    many(world, 12)
    world.cloud.unlisted = set(world.cloud.images)

    assert world.sync("1T11:00") == []


def test_command_line_accepts_that_most_images_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(installed_memory_cloud.install(tmp_path / "site")))
    monkeypatch.setattr(installed_memory_cloud, "CLOUDS", {})
    deployment = Deployment(tmp_path)
    deployment.default_options = "[reconcile]\nadopt = private\n"
    deployment.prepare()
    deployment.run("2T12:05")
    cloud = installed_memory_cloud.CLOUDS["RegionOne"]
    assert isinstance(cloud, MemoryProvider)
    for _ in range(10):
        cloud.put("a")
    assert deployment.run("2T13:05").exit_code == 0
    cloud.images.clear()

    for command in (("meter", "run"), ("meter", "run", "--dry-run")):
        refused = deployment.command(*command)
        assert (refused.exit_code, refused.out) == (3, "")
        assert "10 of the 10 available images of location RegionOne are missing" in refused.err
    skipped = deployment.command("image", "sync")
    assert skipped.exit_code != 0
    assert "--accept-missing" in skipped.err

    synchronized = deployment.command("image", "sync", "--accept-missing")
    assert [one["event"] for one in synchronized.json] == ["deleted"] * 10
    assert deployment.run("2T14:05", "--accept-missing").exit_code == 0


@pytest.mark.parametrize(
    ("missing", "on_record", "are_many"),
    [
        ({"a": 9}, {"a": 9}, False),
        ({"a": 10}, {"a": 10}, True),
        ({"a": 10}, {"a": 20}, False),
        ({"a": 1000}, {"a": 1000, "b": 3}, False),  # one project may delete what it has
        ({"a": 1000, "b": 1}, {"a": 1000, "b": 3}, False),
        ({"a": 1000, "b": 2}, {"a": 1000, "b": 3}, True),
        ({"a": 5, "b": 5}, {"a": 5, "b": 5}, True),
        ({"a": 6, "b": 6}, {"a": 6, "b": 6, "c": 3}, False),  # nor may two of three stop it
        ({"a": 6, "b": 6, "c": 3}, {"a": 6, "b": 6, "c": 3}, True),
    ],
)
def test_images_are_missing_only_where_several_projects_miss_most(
    missing: dict[str, int], on_record: dict[str, int], are_many: bool
) -> None:
    assert are_most(Counter(missing), Counter(on_record)) is are_many
