"""What an image is billed for is what is stored at least, whatever its header says."""

from dataclasses import replace

import pytest

from instance_images.db.engine import Database
from instance_images.doctor.images import _orphans

from support.clouds.memory_cloud import GB
from support.worlds.adoption_world import Cloud, on_sqlite
from support.worlds.ledger_world import at


@pytest.fixture
def world(database: Database) -> Cloud:
    made = Cloud(database)
    made.with_terms(billable_size="virtual").set_rate()
    return made.adopt("private")


@pytest.mark.parametrize(
    ("virtual", "billed"), [(None, 2), (512, 2), (-1, 2), (2 * GB, 2), (3 * GB, 3)]
)
def test_larger_of_the_stored_and_the_virtual_size_is_billed(
    virtual: int | None, billed: int, world: Cloud
) -> None:
    world.put("1T10:00", size=2 * GB, virtual_size_bytes=virtual)

    world.run("1T10:00")
    world.run("1T11:00")

    assert world.seconds() == {"1T10:00": billed * 3600}


@on_sqlite
@pytest.mark.parametrize("size", [-1, None, 2**63])
def test_image_without_a_size_is_not_adopted_and_is_a_finding(
    size: int | None, world: Cloud
) -> None:
    world.put("1T10:00", size=size, name="unknown")  # type: ignore[arg-type]

    assert world.sync("1T10:05") == []

    [finding] = list(_orphans(world.site))
    told = "-1 bytes as its size" if size == -1 else "no size"
    assert f"is active, but the image service reports {told}" in finding.what


@on_sqlite
def test_image_that_loses_its_size_is_billed_as_before(world: Cloud) -> None:
    found = world.put("1T10:00")
    world.run("1T10:00")
    world.cloud.images[found.id] = replace(found, size_bytes=-1)

    assert world.sync("1T10:30") == []


@on_sqlite
def test_captured_image_without_a_size_is_not_available(world: Cloud) -> None:
    world.capture("1T10:00", size=-1)

    assert world.sync("1T10:05") == []
    [image] = world.held()
    assert "holds 0 bytes" in (image.error or "")
    assert world.clock.now == at("1T10:05")
