"""The capture of a volume at work: an account with an instance on one, and all that comes of it."""

import contextlib
import sqlite3
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from openstack.compute.v2.server import Server
from openstack.connection import Connection

from instance_images.instants import system_clock

from support.clouds.embedded_cloud import EmbeddedCloud, Project
from support.processes.command_line import CommandLine, SetClock

MORE_THAN_ENOUGH = 60


@dataclass(frozen=True, kw_only=True)
class VolumeTenant:
    """A ledger of the test's own, the account, and its instance ``db-1`` on a volume."""

    cloud: EmbeddedCloud
    cli: CommandLine
    project: Project
    server: Server
    member: Connection
    in_cloud_before: frozenset[str]

    @property
    def account(self) -> list[str]:
        """The option that names the account."""
        return ["--account", self.project.name]

    @property
    def capture(self) -> tuple[str, ...]:
        """The command that captures the instance and waits."""
        return ("image", "create", "db-1", "--name", "golden", *self.account, "--wait")

    def new_in_cloud(self) -> set[str]:
        """Return all images, volumes and snapshots of the project that this test has made."""
        return set(in_cloud(self.member)) - self.in_cloud_before

    def only_image(self) -> Any:
        """Return the account's only image, as the next command shows it."""
        [image] = self.cli.ok("image", "list", *self.account).json
        return image

    def settled(self, *beside: str, apart: timedelta = timedelta(seconds=30)) -> Any:
        """Run commands, so far apart, until nothing is left to be done; return the image.

        Nothing is left in the cloud then but the image, and what is named ``beside`` it.
        """
        clock = SetClock(system_clock())
        self.cli.clock = clock
        for _ in range(MORE_THAN_ENOUGH):
            image = self.only_image()
            expected = {image["cloud_image_id"]} if image["status"] == "available" else set()
            if image["status"] != "creating" and self.new_in_cloud() - set(beside) == expected:
                return image
            clock.now += apart
        raise AssertionError(f"{image} in the end, and {self.new_in_cloud()} in the cloud")

    def complaints(self) -> list[str]:
        """Return what the doctor finds about this capture; other tests use the same cloud."""
        task = self.task()
        ours = {task["id"], task["image_id"]} | self.new_in_cloud()
        findings = self.cli("doctor", "-f", "json").json
        return [one["what"] for one in findings if any(id in one["what"] for id in ours)]

    def made(self) -> dict[str, int]:
        """Return how many of each Cinder made for the capture, the deleted ones too."""
        [image] = self.cli.ok("image", "list", *self.account).json
        name = f"instance-images {image['id']}"
        counts = {}
        with contextlib.closing(
            sqlite3.connect(self.cloud.state_dir / "db" / "cinder.sqlite")
        ) as cinder:
            for table in ("snapshots", "volumes"):
                query = f"SELECT count(*) FROM {table} WHERE display_name = ?"
                counts[table] = int(cinder.execute(query, (name,)).fetchone()[0])
        return counts

    def held(self) -> int:
        """Return how many images count against the account's limit."""
        return int(self.cli.ok("limit", "show", *self.account).json["held"])

    def task(self) -> Any:
        """Return the account's only task."""
        [task] = self.cli.ok("task", "list", *self.account).json
        return task


def in_cloud(member: Connection) -> frozenset[str]:
    storage: Any = member.block_storage
    found = [v["id"] for v in storage.get("/volumes").json()["volumes"]]
    found += [s["id"] for s in storage.get("/snapshots").json()["snapshots"]]
    images: Any = member.image
    found += [i["id"] for i in images.get("/images?visibility=private").json()["images"]]
    return frozenset(found)
