"""What the image service stores, less what is exempt by name, is what is billed."""

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from instance_images.db.engine import Database
from instance_images.images.capture import capture
from instance_images.images.delete import delete
from instance_images.model.cloud import CloudImageStatus
from instance_images_billing.hours.balance import Balance, Difference
from instance_images_billing.hours.close import balance_now

from support.clouds import installed_memory_cloud
from support.clouds.memory_cloud import GB, MemoryProvider
from support.worlds.adoption_world import SHELF, Cloud, on_sqlite
from support.worlds.ledger_world import at
from support.worlds.operations_world import Deployment


@pytest.fixture
def world(database: Database) -> Cloud:
    made = Cloud(database)
    made.set_rate()
    return made.adopt("private", "operator")


def balanced(world: Cloud, when: str) -> Balance:
    """Run the meter; return its balance."""
    found = world.run(when).balance
    assert found is not None
    return found


def execute(world: Cloud, statement: str) -> None:
    with world.database.writing() as connection:
        connection.execute(sa.text(statement))


def test_what_is_exempt_has_a_name_and_all_else_is_billed(world: Cloud) -> None:
    world.cloud.shelved_instances = {"vm": "a"}
    world.put("1T10:00", "a", size=5)
    world.put("1T10:00", "b", size=2, is_public=True)
    world.put("1T10:00", "operator", size=3)
    world.put("1T10:00", "a", size=4, claims=SHELF)
    world.capture("1T10:00", "captured")

    assert balanced(world, "1T11:00") == Balance(
        "RegionOne",
        [],
        {
            "public images": (1, 2),
            "projects in excluded_projects": (1, 3),
            "disks of shelved instances": (1, 4),
        },
    )
    world.adopt("snapshots")
    world.put("1T11:10", "c", size=6, claims=replace(SHELF, looks_captured=False))
    exempt = balanced(world, "1T12:00").exempt
    assert exempt["what adopt = snapshots leaves out"] == (1, 6)


def test_each_project_whose_bytes_and_intervals_differ_is_told(world: Cloud) -> None:
    lost = world.put("1T10:00", "a", size=3 * GB)
    world.put("1T10:00", "a")
    more = world.put("1T10:00", "b", size=2 * GB)
    gone = world.put("1T10:00", "c")
    world.put("1T10:00", "d")
    assert balanced(world, "1T11:00").differences == []

    image_id = "SELECT image_id FROM images WHERE cloud_image_id = '{}'"
    for change in (
        f"DELETE FROM intervals WHERE image_id IN ({image_id.format(lost.id)})",
        f"UPDATE intervals SET size_bytes = 7 WHERE image_id IN ({image_id.format(more.id)})",
        f"UPDATE images SET status = 'deleted', living_key = NULL, deleted_at = 0"
        f" WHERE cloud_image_id = '{gone.id}'",
    ):
        execute(world, change)
    del world.cloud.images[gone.id]

    found = balanced(world, "1T12:00")

    assert found.differences == [
        Difference("a", 3 * GB, 0, lost.id),
        Difference("b", 2 * GB - 7, 0, more.id),
        Difference("c", 0, GB, gone.id),
    ]
    assert (found.unbilled_bytes, found.overbilled_bytes) == (5 * GB - 7, GB)
    assert balance_now(world.site, world.billing).differences == found.differences


@on_sqlite
def test_unbilled_and_overbilled_images_of_a_project_do_not_cancel(world: Cloud) -> None:
    one, other = world.put("1T10:00"), world.put("1T10:00")
    world.run("1T11:00")
    execute(
        world,
        "UPDATE intervals SET size_bytes = 2000000000 WHERE image_id IN"
        f" (SELECT image_id FROM images WHERE cloud_image_id = '{one.id}')",
    )
    execute(
        world,
        "DELETE FROM intervals WHERE image_id IN"
        f" (SELECT image_id FROM images WHERE cloud_image_id = '{other.id}')",
    )

    [difference] = balanced(world, "1T12:00").differences

    assert (difference.unbilled_bytes, difference.overbilled_bytes) == (GB, GB)


@on_sqlite
def test_virtual_sizes_and_a_change_of_what_is_billable_are_in_balance(world: Cloud) -> None:
    world.put("1T10:00", size=GB, virtual_size_bytes=3 * GB)
    world.run("1T11:00")
    world.with_terms(billable_size="virtual")
    world.put("1T11:10", size=GB, virtual_size_bytes=512)
    world.put("1T11:10", size=GB, virtual_size_bytes=4 * GB)
    assert balanced(world, "1T12:00").differences == []

    world.with_terms(billable_size="stored")
    assert balanced(world, "1T13:00").differences == []


@on_sqlite
def test_an_image_that_is_billed_twice_is_told(world: Cloud) -> None:
    found = world.put("1T10:00")
    lost = world.put("1T10:00", "b")
    world.run("1T11:00")
    columns = "image_id, ends_at, account_key, size_bytes, continues, is_continued"
    execute(
        world,
        f"INSERT INTO intervals (starts_at, {columns}) SELECT starts_at + 1, {columns}"
        f" FROM intervals WHERE image_id IN"
        f" (SELECT image_id FROM images WHERE cloud_image_id = '{found.id}')",
    )
    execute(
        world,
        "DELETE FROM intervals WHERE image_id IN"
        f" (SELECT image_id FROM images WHERE cloud_image_id = '{lost.id}')",
    )

    assert balanced(world, "1T12:00").differences == [
        Difference("a", 0, GB, found.id),
        Difference("b", GB, 0, lost.id),
    ]


@on_sqlite
def test_what_customers_do_while_the_location_is_read_is_no_difference(world: Cloud) -> None:
    early, late = world.capture("1T10:00", "early"), world.capture("1T10:00", "late")
    world.run("1T11:00")
    seen = dict(world.cloud.images)

    def bustle() -> None:
        world.clock.now = at("1T12:01")
        delete(world.site, world.cloud.account("a"), early)  # it was listed before
        world.capture("1T12:02", "new")
        world.put("1T12:02")
        capture(world.site, world.cloud.account("a"), "vm-x", "under way")

    world.cloud.in_listing = bustle
    assert balanced(world, "1T12:00").differences == []
    world.cloud.in_listing = lambda: None

    assert len(seen) == 2
    world.delete("1T12:10", late)
    assert balanced(world, "1T13:00").differences == []


@on_sqlite
def test_image_that_the_listing_leaves_out_is_stored_all_the_same(world: Cloud) -> None:
    found = world.put("1T10:00")
    world.run("1T11:00")
    world.cloud.unlisted = {found.id}

    assert balanced(world, "1T12:00").differences == []
    world.cloud.put("b")
    world.cloud.faulty = {found.id}
    [difference] = balanced(world, "1T13:00").differences
    assert difference == Difference("a", 0, GB, found.id)


@on_sqlite
def test_image_whose_bytes_are_lost_is_billed_and_told(world: Cloud) -> None:
    found = world.put("1T10:00")
    world.run("1T11:00")
    world.cloud.images[found.id] = replace(found, status=CloudImageStatus.LOST)

    assert balanced(world, "1T12:00").differences == [Difference("a", 0, GB, found.id)]


def test_balance_is_in_metrics_doctor_and_verification(
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
    cloud.clock = deployment.clock
    image = cloud.put("a")
    cloud.put("b", is_public=True)
    deployment.run("2T13:05")
    assert 'instance_images_unbilled_bytes{location="RegionOne"} 0.0' in metrics(deployment)
    verified = deployment.command("meter", "verify", "--cloud")
    assert verified.exit_code == 0
    assert verified.out == (
        f"RegionOne: not billed: public images: 1, {GB} bytes.\nRegionOne: stored and billed"
        " bytes match.\nRegionOne: all charges are correct.\n"
    )

    database = Database(f"sqlite:///{tmp_path}/instance-images.db")
    with database.writing() as connection:
        connection.execute(sa.text("DELETE FROM intervals"))
    deployment.run("2T13:10")

    sentence = f"Project a: {GB} bytes are stored but not billed, such as image {image.id}."
    assert 'instance_images_unbilled_bytes{location="RegionOne"} 1e+09' in metrics(deployment)
    assert 'instance_images_overbilled_bytes{location="RegionOne"} 0.0' in metrics(deployment)
    verified = deployment.command("meter", "verify", "--cloud")
    assert (verified.exit_code, f"RegionOne: {sentence}\n" in verified.out) == (1, True)
    assert sentence in ledger_findings(deployment)

    with database.writing() as connection:  # October in UTC
        times = f"{at('1T00:00').timestamp() - 31 * 86400:.0f}, {at('1T00:00').timestamp():.0f}"
        connection.execute(
            sa.text(f"INSERT INTO closed_periods VALUES (1, '2026-10', {times}, 0, 'x', 1)")
        )
    deployment.billing_options = "timezone = Europe/Berlin"
    assert deployment.run("2T14:05").exit_code == 2
    assert any("2026-10 is closed from" in what for what in ledger_findings(deployment))


def ledger_findings(deployment: Deployment) -> list[str]:
    findings = deployment.command("doctor").json
    return [one["what"] for one in findings if one["check"] == "ledger"]


def metrics(deployment: Deployment) -> str:
    return deployment.metrics.read_text()
