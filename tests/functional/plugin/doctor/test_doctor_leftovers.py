"""The doctor tells what ended captures have left in the cloud, and what was given up."""

from datetime import timedelta

import pytest

from instance_images.db import accounts, images, tasks
from instance_images.db.engine import Database
from instance_images.doctor.leftovers import find_abandoned, find_leftovers
from instance_images.locations.site import Site
from instance_images.model import capture_journal
from instance_images.model.capture_journal import Step
from instance_images.model.cloud import RootVolume
from instance_images.model.records import Account, Consistency, ImageRequest, TaskKind

from support.drivers.memory_world import World
from support.drivers.strict_memory_cloud import LOCATION, StrictMemoryProvider
from support.processes.command_line import SetClock
from support.worlds.ledger_world import at

NOON = at("1T12:00")


@pytest.fixture
def site(database: Database) -> Site:
    provider = StrictMemoryProvider(LOCATION, World())
    return Site(
        location=LOCATION,
        provider=provider,
        database=database,
        clock=SetClock(NOON),
        default_max_images=10,
    )


def ended_capture(site: Site, task_id: str) -> str:
    """Record a capture of account a that failed at noon; return its snapshot, which is left."""
    image_id = f"image of {task_id}"
    snapshot_id = site.provider.request_snapshot("a", "root", image_id)
    written = capture_journal.asked(
        capture_journal.of_volume(RootVolume("root", 1, False, 0), "raw"), Step.SNAPSHOT, NOON
    )
    request = ImageRequest(
        image_id=image_id, task_id=task_id, name="n", source_instance_id="vm",
        source_instance_name="vm", project_id="a", consistency=Consistency.CRASH, requested_at=NOON,
        journal=capture_journal.made(written, Step.SNAPSHOT, snapshot_id),
    )  # fmt: skip
    with site.database.writing() as connection:
        row = accounts.lock_account(connection, site.name, Account("a", "a"))
        images.insert_image(connection, row.account_key, request)
        tasks.insert_task(
            connection, task_id, image_id, TaskKind.CREATE, NOON, project_id="a",
            journal=request.journal,
        )  # fmt: skip
        tasks.finish_task(connection, task_id, NOON, error="It failed.")
    return snapshot_id


def test_leftovers_of_an_account_are_one_finding_however_many_there_are(site: Site) -> None:
    for number in range(3):
        ended_capture(site, f"task {number}")

    assert list(find_leftovers(site)) == []  # they may be removed at any moment
    site.clock.now = NOON + timedelta(hours=3)  # type: ignore[attr-defined]
    [found] = find_leftovers(site)

    assert "Account a: leftovers of ended captures (3)" in found.what
    assert "the first one ended at 2026-11-01T12:00:00Z" in found.what


def test_what_was_given_up_is_told_until_it_is_gone_from_the_cloud(site: Site) -> None:
    snapshot_id = ended_capture(site, "task")
    with site.database.writing() as connection:
        tasks.abandon_leftovers(connection, "task", NOON + timedelta(days=7))
    site.clock.now = NOON + timedelta(days=7)  # type: ignore[attr-defined]

    [found] = find_abandoned(site)

    assert f"The capture task task of project a left volume snapshot {snapshot_id}" in found.what
    assert list(find_leftovers(site)) == []  # it is no open work any more
    site.provider.world.parts.clear()  # type: ignore[attr-defined]
    assert list(find_abandoned(site)) == []
