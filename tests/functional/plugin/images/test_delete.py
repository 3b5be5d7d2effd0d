"""A deleted image is gone from the image service for good, and stays on record as history."""

import contextlib
import io
import sqlite3
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from openstack.compute.v2.server import Server
from openstack.exceptions import NotFoundException

from instance_images.db import images
from instance_images.instants import system_clock
from instance_images.model.records import Image, ImageStatus

from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.processes.command_line import CommandLine, SetClock

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def shared(embedded_cloud: EmbeddedCloud) -> tuple[Project, Server]:
    project = embedded_cloud.new_project()
    return project, embedded_cloud.boot(project, "web-1")


@dataclass(frozen=True)
class CapturingOwner:
    """An account with a ledger of the test's own, and the one instance that it captures."""

    cloud: EmbeddedCloud
    cli: CommandLine
    project: Project
    server: Server

    @property
    def account(self) -> list[str]:
        """The option that names the account."""
        return ["--account", self.project.name]

    def capture(self, name: str, *, wait: bool = True) -> Any:
        """Make an image; return what the command shows of it."""
        with self.cloud.connection() as connection:
            compute = connection.compute
            wait_for(lambda: compute.get_server(self.server.id).task_state is None, "idleness")
        more = ["--wait"] * wait
        command = ("image", "create", self.server.id, "--name", name, *self.account, *more)
        return self.cli.ok(*command).json

    def delete(self, *references: str) -> tuple[str, ...]:
        """Return the command that deletes images."""
        return ("image", "delete", *references, *self.account, "--yes")

    def listed(self) -> dict[str, str]:
        """Return the statuses of the images that the account is shown, by name."""
        found = self.cli.ok("image", "list", *self.account).json
        return {image["name"]: image["status"] for image in found}

    def on_record(self, image_id: str) -> Image:
        """Return the image's record, deleted or not."""
        with self.cli.application.database.reading() as connection:
            return images.get_image(connection, image_id)

    def in_glance(self, image: Any) -> bool:
        """Tell whether the image service has the image."""
        with self.cloud.connection() as connection:
            try:
                connection.image.get_image(image["cloud_image_id"])
            except NotFoundException:
                return False
            return True


@pytest.fixture
def owner(
    cloud: EmbeddedCloud, cli: CommandLine, shared: tuple[Project, Server]
) -> Iterator[CapturingOwner]:
    project, server = shared
    yield CapturingOwner(cloud, cli, project, server)


@pytest.mark.parametrize("by", ["id", "cloud_image_id", "name"])
def test_deleted_image_is_gone_from_glance_and_from_the_list(
    by: str, owner: CapturingOwner
) -> None:
    image = owner.capture("old")

    result = owner.cli.ok(*owner.delete(image[by]))

    assert result.out == f"Image old ({image['id']}) is deleted.\n"
    assert not owner.in_glance(image)
    assert owner.listed() == {}


def test_deleted_image_is_kept_as_history(owner: CapturingOwner) -> None:
    image = owner.capture("old")

    began = system_clock()
    owner.cli.ok(*owner.delete("old"))
    ended = system_clock()

    record = owner.on_record(image["id"])
    assert record.status is ImageStatus.DELETED
    assert record.deleted_at is not None
    assert began <= record.deleted_at <= ended
    assert record.size_bytes == image["size_bytes"]
    tasks = owner.cli.ok("task", "list", *owner.account).json
    assert {(task["kind"], task["state"]) for task in tasks} == {
        ("create", "succeeded"),
        ("delete", "succeeded"),
    }


def test_instances_deployed_from_a_deleted_image_are_not_affected(
    owner: CapturingOwner,
) -> None:
    image = owner.capture("base")
    task = owner.cli.ok(
        "image", "deploy", "base", "--name", "child", "--flavor", "m1.tiny", "--network", "none",
        *owner.account, "--wait",
    ).json  # fmt: skip

    owner.cli.ok(*owner.delete("base"))

    with owner.cloud.connection(owner.project.cloud) as member:
        server = member.compute.get_server(task["server_id"])
        assert server.status == "ACTIVE"
        assert server.image.id == image["cloud_image_id"]


def test_second_deletion_finds_no_image(owner: CapturingOwner) -> None:
    image = owner.capture("once")
    owner.cli.ok(*owner.delete("once"))

    for reference in ("once", image["id"], image["cloud_image_id"]):
        owner.cli.refused(3, "was not found", *owner.delete(reference))

    owner.cli.refused(3, "was not found", "image", "show", image["id"], *owner.account)


def test_protected_image_is_not_deleted_and_goes_on_being_billed(
    owner: CapturingOwner,
) -> None:
    image = owner.capture("guarded")
    with owner.cloud.connection(owner.project.cloud) as member:
        in_glance: Any = member.image.get_image(image["cloud_image_id"])
        in_glance = member.image.update_image(in_glance, is_protected=True)

        owner.cli.refused(3, "protected", *owner.delete("guarded"))

        shown = owner.cli.ok("image", "show", "guarded", *owner.account).json
        owner.cli.ok("meter", "run")
        [status] = owner.cli.ok("meter", "status").json
        still_there = owner.in_glance(image)
        member.image.update_image(in_glance, is_protected=False)
    assert shown["status"] == "available"
    assert shown["deleted_at"] is None
    assert status["billable_images"] == 1
    assert still_there
    owner.cli.ok(*owner.delete("guarded"))
    assert not owner.in_glance(image)


def test_image_that_is_gone_from_glance_already_is_recorded_as_deleted(
    owner: CapturingOwner,
) -> None:
    image = owner.capture("lost")
    with owner.cloud.connection(owner.project.cloud) as member:
        member.image.delete_image(image["cloud_image_id"])

    result = owner.cli.ok(*owner.delete("lost"))

    assert "was already gone from the image service" in result.out
    record = owner.on_record(image["id"])
    assert record.status is ImageStatus.DELETED
    assert record.deleted_at == record.available_at  # nobody saw it later than that
    assert owner.listed() == {}


def test_image_that_somebody_deletes_meanwhile_is_billed_until_it_was_seen(
    owner: CapturingOwner,
) -> None:
    image = owner.capture("raced")
    time.sleep(1.1)  # instants are whole seconds
    began = system_clock()
    owner.cloud.fault("glance", "DELETE", "/images/", 404, performed=True)  # others were faster

    result = owner.cli.ok(*owner.delete("raced"))

    assert "was already gone from the image service" in result.out
    deleted_at = owner.on_record(image["id"]).deleted_at
    assert deleted_at is not None
    assert began.replace(microsecond=0) <= deleted_at <= system_clock()


@pytest.mark.parametrize("deleted", [0, 1])
def test_image_whose_deletion_is_delayed_by_glance_is_gone_at_once(
    deleted: int, owner: CapturingOwner
) -> None:
    image = owner.capture("slowly")
    # As Glance leaves an image with delayed_delete until its scrubber has removed the bytes: first
    # it says so, then it hides the image.
    with contextlib.closing(
        sqlite3.connect(owner.cloud.state_dir / "db" / "glance.sqlite")
    ) as glance:
        glance.execute(
            "UPDATE images SET status = 'pending_delete', deleted = ? WHERE id = ?",
            (deleted, image["cloud_image_id"]),
        )
        glance.commit()

    result = owner.cli.ok("image", "sync")

    assert [(one["event"], one["image_id"]) for one in result.json] == [("deleted", image["id"])]
    assert owner.on_record(image["id"]).status is ImageStatus.DELETED
    assert owner.listed() == {}


def test_image_that_the_store_still_needs_is_not_deleted_and_is_billed(
    owner: CapturingOwner,
) -> None:
    image = owner.capture("cloned")
    # What Glance answers where the store has copy-on-write clones of the image.
    owner.cloud.fault("glance", "DELETE", f"/v2/images/{image['cloud_image_id']}", 409)

    owner.cli.refused(3, "still in use in its store", *owner.delete("cloned"))

    record = owner.on_record(image["id"])
    assert (record.status, record.deleted_at) == (ImageStatus.AVAILABLE, None)
    [failed] = [t for t in owner.cli.ok("task", "list", *owner.account).json if t["error"]]
    assert (failed["kind"], failed["state"]) == ("delete", "failed")
    owner.cli.ok(*owner.delete("cloned"))


def test_customer_is_asked_about_the_images_that_he_meant(
    owner: CapturingOwner, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = owner.capture("asked")
    command = ("image", "delete", image["id"], *owner.account)

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    declined = owner.cli(*command)
    kept = owner.in_glance(image)
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    owner.cli.ok(*command)

    assert declined.exit_code == 130
    assert f"asked ({image['id']}), 1.05 MB" in declined.err
    assert "cannot be undone" in declined.err
    assert kept
    assert not owner.in_glance(image)


def test_image_that_is_being_created_can_be_deleted(
    cli: CommandLine, cloud: EmbeddedCloud, project: Project
) -> None:
    server = cloud.boot(project, metadata={"minicloud_snapshot_delay": "1.5"})
    owner = CapturingOwner(cloud, cli, project, server)
    image = owner.capture("hasty", wait=False)

    owner.cli.ok(*owner.delete("hasty"))

    record = owner.on_record(image["id"])
    held = cli.ok("limit", "show", *owner.account).json["held"]
    assert image["status"] == "creating"
    assert (record.status, record.available_at, held) == (ImageStatus.DELETED, None, 0)
    tasks = {task["kind"]: task for task in cli.ok("task", "list", *owner.account).json}
    assert tasks["create"]["state"] == "failed"
    assert "deleted before it was available" in tasks["create"]["error"]
    assert tasks["delete"]["state"] == "succeeded"
    with cloud.connection(project.cloud) as member:
        wait_for(lambda: member.compute.get_server(server.id).task_state is None, "idleness")
        time.sleep(0.3)
        assert list(member.image.images(owner=project.id)) == []


def test_image_in_error_can_be_deleted(
    cli: CommandLine, cloud: EmbeddedCloud, project: Project
) -> None:
    server = cloud.boot(project, metadata={"minicloud_snapshot_size": "0"})
    owner = CapturingOwner(cloud, cli, project, server)
    command = (
        "image",
        "create",
        server.id,
        "--name",
        "hollow",
        *owner.account,
        "--wait",
    )
    image = cli.refused(1, "0 bytes", *command).json

    cli.ok(*owner.delete("hollow"))

    assert owner.on_record(image["id"]).status is ImageStatus.DELETED
    assert not owner.in_glance(image)
    assert owner.listed() == {}


def test_of_several_images_the_unknown_one_is_told_and_the_others_are_deleted(
    owner: CapturingOwner,
) -> None:
    first, second = owner.capture("first"), owner.capture("second")

    result = owner.cli.refused(1, "", *owner.delete("first", "unknown", "second"))

    assert result.err.count("Error: ") == 1
    assert "'unknown' was not found" in result.err
    assert result.out.splitlines() == [
        f"Image first ({first['id']}) is deleted.",
        f"Image second ({second['id']}) is deleted.",
    ]
    assert not owner.in_glance(first)
    assert not owner.in_glance(second)


def test_several_images_that_are_all_there_are_all_deleted(
    owner: CapturingOwner,
) -> None:
    owner.capture("first")
    owner.capture("second")

    owner.cli.ok(*owner.delete("first", "second"))

    assert owner.listed() == {}


def test_nothing_is_deleted_unasked_where_nobody_can_be_asked(
    owner: CapturingOwner, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = owner.capture("kept")
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))

    owner.cli.refused(2, "add --yes", "image", "delete", "kept", *owner.account)

    assert owner.in_glance(image)
    assert owner.listed() == {"kept": "available"}


def test_of_two_images_of_one_name_none_is_deleted_by_it(
    owner: CapturingOwner,
) -> None:
    first, second = owner.capture("twin"), owner.capture("twin")

    result = owner.cli.refused(3, "2 images are named 'twin'", *owner.delete("twin"))

    assert first["id"] in result.err
    assert second["id"] in result.err
    owner.cli.refused(3, "give the id of one", "image", "show", "twin", *owner.account)
    assert owner.listed() == {"twin": "available"}
    owner.cli.ok(*owner.delete(first["id"]))
    assert owner.in_glance(second)
    owner.cli.ok(*owner.delete("twin"))
    assert not owner.in_glance(second)


def test_image_is_billed_until_its_deletion_and_no_longer(
    owner: CapturingOwner,
) -> None:
    owner.cli.ok("rate", "set", "RegionOne", "0.05")
    image = owner.capture("brief")
    owner.cli.ok(*owner.delete("brief"))
    deleted_at = owner.on_record(image["id"]).deleted_at
    assert deleted_at is not None
    owner.cli.clock = SetClock(datetime.fromtimestamp(deleted_at.timestamp() + 7200, UTC))

    owner.cli.ok("meter", "run")

    [status] = owner.cli.ok("meter", "status").json
    assert status["billable_images"] == 0
