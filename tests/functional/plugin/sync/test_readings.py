"""What a reading teaches about images that changed or were made behind our back, and bills."""

from dataclasses import replace

import pytest

from instance_images.db import accounts
from instance_images.db.engine import Database
from instance_images.db.readings import last_read_at
from instance_images.errors import CloudUnavailable, LimitReached
from instance_images.images.capture import capture
from instance_images.instants import format_instant
from instance_images.model.cloud import Claims
from instance_images.model.records import ImageStatus, Origin
from instance_images.sync.reconcile import read_location, record_reading, synchronize
from instance_images.tasks.settling import settle

from support.clouds.memory_cloud import GB
from support.worlds.adoption_world import SHELF, Cloud, on_sqlite
from support.worlds.ledger_world import LOCATION, at


@pytest.fixture
def world(database: Database) -> Cloud:
    made = Cloud(database)
    made.set_rate()
    return made.adopt("snapshots")


def test_an_image_found_by_the_first_reading_is_billed_from_then_on(world: Cloud) -> None:
    world.put("1T03:00")

    world.run("1T12:30")
    world.run("1T14:05")

    assert world.seconds("a") == {"1T12:00": 1800, "1T13:00": 3600}
    [image] = world.held()
    assert (image.origin, image.name, image.size_bytes) == (Origin.ADOPTED, "foreign", GB)
    assert (image.created_at, image.source_instance_id) == (at("1T03:00"), "vm")


@on_sqlite
def test_an_image_made_after_a_reading_is_billed_from_when_it_was_made(world: Cloud) -> None:
    world.run("1T10:05")
    world.put("1T10:20")

    world.run("1T12:05")

    assert world.seconds("a") == {"1T10:00": 2400, "1T11:00": 3600}
    assert world.adjustments() == []


@on_sqlite
def test_an_image_that_was_there_before_it_could_be_adopted_is_not_billed_for_that(
    world: Cloud,
) -> None:
    world.adopt("none")
    world.run("1T10:05")
    world.put("1T10:20")
    world.adopt("snapshots")

    world.run("1T10:45")
    world.run("1T11:05")

    assert world.seconds("a") == {"1T10:00": 900}


@on_sqlite
def test_an_adopted_image_is_billed_whatever_its_owner_or_the_operator_makes_of_it(
    world: Cloud,
) -> None:
    found = world.put("1T10:00")
    world.run("1T10:00")
    hidden = replace(found, claims=Claims(request_id="another's"), is_public=True, name="base")
    world.cloud.images[found.id] = hidden
    world.adopt("none", "a")

    world.run("1T12:00")
    del world.cloud.images[found.id]
    world.run("1T13:00")

    assert world.seconds("a") == {"1T10:00": 3600, "1T11:00": 3600}
    assert world.held() == []


def test_an_image_is_adopted_once_however_often_it_is_read(world: Cloud) -> None:
    world.put("1T10:00")

    first = read_location(world.site, act=True)
    second = read_location(world.site, act=True)
    learned = [
        world.database.write(lambda c, seen=seen: record_reading(c, world.site, seen))  # type: ignore[misc]
        for seen in (first, second)
    ]

    assert [len(one) for one in learned] == [1, 0]
    assert world.sync("1T10:30") == []
    assert len(world.held()) == 1


def test_an_image_of_a_capture_under_way_is_not_taken_for_a_foreign_one(world: Cloud) -> None:
    world.adopt("private")
    world.clock.now = at("1T10:00")
    world.cloud.loses_answers = True

    def capture_meanwhile() -> None:
        with pytest.raises(CloudUnavailable):
            capture(world.site, world.cloud.account("a"), "vm", "ours")
        world.cloud.activate(GB)

    world.cloud.in_listing = capture_meanwhile
    learned = world.sync("1T10:00")
    world.cloud.in_listing = lambda: None

    assert learned == ["available ours"]
    assert world.sync("1T10:01") == []
    [image] = world.held()
    assert (image.origin, image.status) == (Origin.CAPTURED, ImageStatus.AVAILABLE)


def test_a_mark_protects_no_image_and_gives_it_to_nobody(world: Cloud) -> None:
    ours = world.capture("1T10:00", account="a")
    world.put("1T10:01", "a", name="second", claims=Claims(request_id=ours))
    world.put("1T10:01", "b", name="stolen mark", claims=Claims(request_id=ours))

    learned = world.sync("1T10:05")

    assert sorted(learned) == ["adopted second", "adopted stolen mark"]
    assert [image.name for image in world.held("a")] == ["image", "second"]
    assert [image.name for image in world.held("b")] == ["stolen mark"]


@on_sqlite
def test_an_image_of_a_capture_that_was_given_up_is_adopted_whatever_is_configured(
    world: Cloud,
) -> None:
    world.adopt("none")
    world.clock.now = at("1T10:00")
    request = capture(world.site, world.cloud.account("a"), "vm", "slow")
    [late] = world.cloud.images.values()
    del world.cloud.images[late.id]
    settle(world.site, "a")
    assert [image.status for image in world.held()] == [ImageStatus.ERROR]

    arrived = world.put("1T10:30", "a", name="late", claims=Claims(request_id=request.image_id))
    world.put("1T10:30", "b", name="not ours", claims=Claims(request_id=request.image_id))

    assert world.sync("1T11:00") == ["adopted late"]
    assert [image.cloud_image_id for image in world.held()][1:] == [arrived.id]
    assert world.held("b") == []


@on_sqlite
def test_the_disk_of_a_shelved_instance_is_adopted_only_when_it_is_one_no_more(
    world: Cloud,
) -> None:
    world.cloud.shelved_instances = {"vm": "a"}
    world.put("1T10:00", name="vm-shelved", claims=SHELF)
    world.put("1T10:01", name="x-shelved", size=9 * GB, claims=SHELF)

    assert world.sync("1T10:05") == ["adopted x-shelved"]
    assert world.sync("1T11:05") == []

    world.cloud.shelved_instances = {}
    assert world.sync("1T12:05") == ["adopted vm-shelved"]
    assert [image.available_at for image in world.held()][:1] == [at("1T12:05")]


@on_sqlite
def test_an_unshelved_instance_leaves_nothing_to_learn(world: Cloud) -> None:
    world.cloud.shelved_instances = {"vm": "a"}
    disk = world.put("1T10:00", claims=SHELF)
    world.sync("1T10:05")
    world.cloud.shelved_instances = {}
    del world.cloud.images[disk.id]

    assert world.sync("1T11:05") == []


@on_sqlite
def test_public_images_and_those_of_excluded_projects_are_not_adopted(world: Cloud) -> None:
    world.adopt("private", "operator")
    world.put("1T10:00", "operator")
    world.put("1T10:00", "b", is_public=True)

    assert world.sync("1T10:05") == []


@on_sqlite
def test_adopted_images_count_against_the_limit_and_may_exceed_it(world: Cloud) -> None:
    world.adopt("snapshots", max_images=1)
    world.put("1T10:00")
    world.put("1T10:00")

    world.sync("1T10:05")

    with world.database.reading() as connection:
        row = accounts.find_account(connection, LOCATION.name, "a")
        assert row is not None
        assert accounts.count_held(connection, row.account_key) == 2
    with pytest.raises(LimitReached, match="holds 2 of 1"):
        capture(world.site, world.cloud.account("a"), "vm", "one more")


@on_sqlite
def test_an_adopted_image_is_the_accounts_own_to_delete(world: Cloud) -> None:
    found = world.put("1T10:00")
    world.run("1T10:00")

    world.delete("1T10:30", world.held()[0].id)

    world.run("1T11:00")
    assert found.id not in world.cloud.images
    assert world.seconds("a") == {"1T10:00": 1800}


@on_sqlite
def test_an_image_renamed_in_the_cloud_has_that_name(world: Cloud) -> None:
    image_id = world.capture("1T10:00", "old")
    [found] = world.cloud.images.values()
    world.cloud.images[found.id] = replace(found, name="\x1b[31mnew\u202e ")

    assert world.sync("1T10:05") == ["renamed old"]
    assert [(image.id, image.name) for image in world.held()] == [(image_id, "[31mnew")]
    assert world.sync("1T10:06") == []


@on_sqlite
@pytest.mark.parametrize("name", ["", " ", "\u202e", "old", "old?"])
def test_a_name_that_is_none_or_was_only_replaced_is_not_taken_over(
    name: str, world: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.cloud, "kept_name", lambda name: name + "?")  # as a cloud may do
    world.capture("1T10:00", "old")
    [found] = world.cloud.images.values()
    world.cloud.images[found.id] = replace(found, name=name)

    assert world.sync("1T10:05") == []
    assert [image.name for image in world.held()] == ["old"]


@pytest.mark.parametrize("name", ["", "\x00", "\ud800", "x" * 300])
def test_an_adopted_image_has_a_name_that_every_database_takes(name: str, world: Cloud) -> None:
    found = world.put("1T10:00", name=name)

    world.sync("1T10:05")

    assert [image.name for image in world.held()] == [name[:255] if "x" in name else found.id]


@on_sqlite
def test_a_listing_that_breaks_off_teaches_nothing(world: Cloud) -> None:
    gone = world.put("1T10:00")
    world.sync("1T10:00")
    world.put("1T10:10")
    del world.cloud.images[gone.id]

    def fail() -> None:
        raise CloudUnavailable("half of it is missing")

    world.cloud.in_listing = fail
    with pytest.raises(CloudUnavailable):
        world.run("1T12:05")

    world.cloud.in_listing = lambda: None
    assert [image.cloud_image_id for image in world.held()] == [gone.id]
    assert world.watermark() is None
    assert world.sync("1T12:10") == ["deleted foreign", "adopted foreign"]


@on_sqlite
def test_images_that_come_and_go_while_they_are_listed_disturb_nothing(world: Cloud) -> None:
    old = world.put("1T10:00", name="old")
    world.sync("1T10:00")

    def bustle() -> None:
        del world.cloud.images[old.id]
        world.put("1T11:00", name="new")

    world.cloud.in_listing = bustle
    first = world.sync("1T11:00")
    world.cloud.in_listing = lambda: None

    assert first == ["adopted new"]
    assert world.sync("1T11:30") == ["deleted old"]


def test_a_dry_run_tells_and_changes_nothing(world: Cloud) -> None:
    kept = world.put("1T09:00", name="kept")
    world.sync("1T09:30")
    world.put("1T10:00")
    world.cloud.images[kept.id] = replace(kept, name="renamed", size_bytes=2 * GB)

    told = world.sync("1T10:05", dry_run=True)

    assert sorted(told) == ["adopted foreign", "changed kept", "renamed kept"]
    assert [(image.name, image.size_bytes) for image in world.held()] == [("kept", GB)]
    with world.database.reading() as connection:
        assert last_read_at(connection, LOCATION.name) == at("1T09:30")
    assert sorted(world.sync("1T10:06")) == sorted(told)


@on_sqlite
def test_what_is_learned_says_since_when(world: Cloud) -> None:
    world.run("1T10:05")
    found = world.put("1T10:20", size=3 * GB)

    world.clock.now = at("1T11:00")
    [learned] = synchronize(world.site)

    assert (learned.event, learned.cloud_image_id) == ("adopted", found.id)
    assert (learned.account_id, learned.size_bytes) == ("a", 3 * GB)
    assert format_instant(learned.effective_at) == "2026-11-01T10:20:00Z"
