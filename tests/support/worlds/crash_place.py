"""A database and a cloud in files, for processes that are killed; and what must be true after."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from instance_images.db import accounts, images, tasks
from instance_images.db.engine import Database
from instance_images.locations.site import Site
from instance_images.model.records import (
    HOLDING,
    Account,
    Image,
    ImageStatus,
    Task,
    TaskKind,
    TaskState,
)
from instance_images.tasks.settling import settle

from support.clouds.file_cloud import FileCloud
from support.processes.killing import Killer, was_killed
from support.worlds.ledger_world import LOCATION

OWNER = Account("a", "name of a")
MORE_THAN_ENOUGH = 100


@dataclass
class Place:
    """A database and a cloud, both in files, that outlive the processes which use them."""

    directory: Path
    is_volume_backed: bool
    clock: Any

    def site(self, killed_at: int = 0) -> Site:
        """Return the location as a process of its own has it; killed at a step, or never for 0."""
        database = Database(f"sqlite:///{self.directory / 'ledger.db'}")
        sa.event.listen(database.engine, "connect", _trust_the_machine)
        cloud = FileCloud(
            self.directory / "cloud.json", self.clock, is_volume_backed=self.is_volume_backed
        )
        cloud.step = killer = Killer(killed_at)
        killer.watch(database.engine)
        return Site(
            location=LOCATION,
            provider=cloud,
            database=database,
            clock=self.clock,
            default_max_images=10,
        )

    def run(self, work: Callable[[Site], object], killed_at: int) -> bool:
        """Do the work in a process that is killed at the step; return whether it was."""

        def do() -> None:
            work(self.site(killed_at))

        return was_killed(do)

    def settle(self) -> None:
        """Run commands, a few minutes apart, until there is nothing to be done any more."""
        site = self.site()
        for _ in range(MORE_THAN_ENOUGH):
            settle(site, OWNER.id)
            with site.database.reading() as connection:
                if not tasks.open_tasks(connection, LOCATION.name, OWNER.id):
                    return
            self.clock.now += timedelta(minutes=3)
        raise AssertionError("it never ends")

    def records(self) -> tuple[list[Image], list[Task]]:
        """Return all images, deleted ones too, and all tasks."""
        with self.site().database.reading() as connection:
            found = tasks.list_tasks(connection, LOCATION.name, OWNER.id)
            of = {task.image_id: images.get_image(connection, task.image_id) for task in found}
            held = 0
            row = accounts.find_account(connection, LOCATION.name, OWNER.id)
            if row:
                held = accounts.count_held(connection, row.account_key)
        assert held == sum(image.status in HOLDING for image in of.values())
        return list(of.values()), found


def _trust_the_machine(connection: Any, _record: object) -> None:
    """Do not wait for the disk: processes are killed here, and the machine goes on."""
    connection.execute("PRAGMA synchronous = OFF")


def check(place: Place, step: object) -> ImageStatus | None:
    """Check that cloud and record agree, that nothing is left, and that tasks tell the truth."""
    cloud = place.site().provider
    assert isinstance(cloud, FileCloud)
    found, all_tasks = place.records()
    in_cloud = cloud.things("image")
    kept = {i.cloud_image_id for i in found if i.status is ImageStatus.AVAILABLE}
    assert (cloud.things("snapshot"), cloud.things("volume")) == ({}, {}), step
    assert set(in_cloud) == kept, step
    assert {thing["status"] for thing in in_cloud.values()} <= {"active"}, step
    assert len(found) <= 1, step
    outcomes = {ImageStatus.AVAILABLE: TaskState.SUCCEEDED, ImageStatus.ERROR: TaskState.FAILED}
    for image in found:
        [made] = [t for t in all_tasks if t.kind is TaskKind.CREATE]
        if image.status in outcomes:
            assert made.state is outcomes[image.status], step
            assert (made.error is None) is (made.state is TaskState.SUCCEEDED), step
        if place.is_volume_backed and image.status is ImageStatus.AVAILABLE:
            [thing] = in_cloud.values()
            assert thing["minima"] == {"min_disk": 1, "min_ram": 64}, step
            assert thing["mark"] == image.id
    return found[0].status if found else None
