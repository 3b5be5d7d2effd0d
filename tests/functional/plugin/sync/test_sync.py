"""What Nova and Glance hold, however it came there, is on record after a reading."""

import contextlib
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from openstack.connection import Connection

from instance_images.drivers.openstack.glance import images as openstack_images
from instance_images.drivers.openstack.service import REQUEST_PROPERTY

from conftest import ConfiguredCommandLine
from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.processes.command_line import CommandLine

pytestmark = pytest.mark.cloud


@dataclass
class SyncedProject:
    """A project that works without us, and a ledger that learns of it."""

    cloud: EmbeddedCloud
    cli: CommandLine
    project: Project
    operator: Connection
    member: Connection

    def put(self, name: str = "disk", owner: str = "", **properties: Any) -> Any:
        """Upload an image of one byte, as the owner could."""
        unique = f"{name}-{uuid.uuid4().hex[:8]}"  # the SDK refuses a second one of a name
        image: Any = self.operator.image.create_image(
            unique, data=b"x", container_format="bare", disk_format="raw",
            owner=owner or self.project.id, wait=True, **properties,
        )  # fmt: skip
        return image

    def sync(self, *more: str) -> dict[str, str]:
        """Read the cloud; return what was learned of this project's images, by Glance's id."""
        learned = self.cli.ok("image", "sync", *more).json
        own = (one for one in learned if one["account_id"] == self.project.id)
        return {one["cloud_image_id"]: one["event"] for one in own}

    def listed(self) -> dict[str, Any]:
        """Return the account's images by Glance's id."""
        found = self.cli.ok("image", "list", "--account", self.project.id).json
        return {image["cloud_image_id"]: image for image in found}


@pytest.fixture
def synced(cloud: EmbeddedCloud, configured: ConfiguredCommandLine) -> Iterator[SyncedProject]:
    project = cloud.new_project()
    cli = configured(reconcile="adopt = snapshots")
    with cloud.connection() as operator, cloud.connection(project.cloud) as member:
        yield SyncedProject(cloud, cli, project, operator, member)


def test_what_nova_makes_without_us_is_adopted_but_for_the_disks_of_shelved_instances(
    synced: SyncedProject,
) -> None:
    server = synced.cloud.boot(synced.project, "web")
    compute, image = synced.member.compute, synced.member.image

    def idle() -> bool:
        return compute.get_server(server.id).task_state is None

    def made() -> set[str]:
        wait_for(idle, "an idle instance")
        return {one.id for one in image.images(owner=synced.project.id)}

    spoofed = {"image_type": "base", "instance_uuid": str(uuid.uuid4()), "base_image_ref": "x"}
    compute.create_server_image(server, "by hand", metadata=spoofed)
    by_hand = made()
    compute.backup_server(server, "nightly", "daily", 1)
    backup = made() - by_hand
    compute.shelve_server(server)
    wait_for(lambda: compute.get_server(server.id).status.startswith("SHELVED"), "the shelving")
    shelf = made() - by_hand - backup
    uploaded = synced.put()

    adopted = synced.sync()

    assert [len(by_hand), len(backup), len(shelf)] == [1, 1, 1]
    assert adopted == dict.fromkeys(by_hand | backup, "adopted")
    images = synced.listed()
    assert {one["status"] for one in images.values()} == {"available"}
    assert {one["origin"] for one in images.values()} == {"adopted"}
    assert {one["consistency"] for one in images.values()} == {"unknown"}
    assert synced.sync() == {}

    compute.unshelve_server(server)
    wait_for(lambda: compute.get_server(server.id).status == "ACTIVE", "the unshelving")
    wait_for(lambda: not shelf & made(), "the end of the shelf")
    assert synced.sync() == {}
    assert uploaded.id not in synced.listed()


def test_what_owners_do_to_their_images_hides_none_from_being_billed(
    synced: SyncedProject, configured: ConfiguredCommandLine
) -> None:
    synced.cli = configured(reconcile="adopt = private")
    disks = [synced.put() for _ in range(4)]
    ours: Any = synced.member.image
    ours.update_image(disks[0].id, visibility="community")
    ours.update_image(disks[1].id, visibility="shared")
    ours.update_image(disks[2].id, is_hidden=True)
    public = synced.put(visibility="public")

    assert synced.sync() == dict.fromkeys((one.id for one in disks), "adopted")

    synced.operator.image.delete_image(public.id)
    ours.update_image(disks[0].id, name="new name")
    ours.delete_image(disks[1].id)
    other = synced.cloud.new_project()
    synced.operator.image.update_image(disks[3].id, owner=other.id)
    expected = {disks[0].id: "renamed", disks[1].id: "deleted", disks[3].id: "changed"}
    assert synced.sync("--dry-run") == expected
    assert synced.sync() == expected
    assert synced.listed()[disks[0].id]["name"] == "new name"
    assert synced.listed().keys() == {disks[0].id, disks[2].id}
    found = synced.cli.ok("image", "list", "--account", other.id).json
    assert [one["cloud_image_id"] for one in found] == [disks[3].id]


def test_an_image_whose_project_is_gone_is_still_adopted(synced: SyncedProject) -> None:
    project = synced.cloud.new_project()
    orphan = synced.put(owner=project.id, image_type="snapshot")
    identity: Any = synced.operator.identity
    identity.delete_project(project.id)

    learned = synced.cli.ok("image", "sync").json

    assert [one["account_id"] for one in learned if one["cloud_image_id"] == orphan.id] == [
        project.id
    ]


def test_nothing_of_a_disabled_location_is_adopted(
    synced: SyncedProject, configured: ConfiguredCommandLine
) -> None:
    synced.cli = configured(reconcile="adopt = private", location="enabled = false")
    synced.put(**{REQUEST_PROPERTY: "x"})

    assert synced.sync() == {}


def test_pages_are_complete_while_images_come_and_go(
    synced: SyncedProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openstack_images, "PAGE", 1)
    mine = sorted(synced.put().id for _ in range(5))
    provider = synced.cli.site().provider

    seen = []
    deleted = None
    with contextlib.closing(provider.list_images()) as listing:  # type: ignore[type-var]
        for found in listing:
            seen.append(found.id)
            if found.id == mine[1]:
                time.sleep(0.5)  # the next page has been asked for: the one after it is begun from
                deleted = mine[2]  # an image that is not there any more
                synced.member.image.delete_image(deleted)

    assert deleted is not None
    assert set(mine) - {deleted} <= set(seen)
    assert len(seen) == len(set(seen))


def test_a_location_that_cannot_be_read_is_told_and_left_as_it_is(
    synced: SyncedProject,
) -> None:
    disk = synced.put(image_type="snapshot")
    synced.sync()
    synced.member.image.delete_image(disk.id)
    synced.cloud.fault("glance", "GET", r"^/v2/images\?.*os_hidden=true", "drop-after", count=None)

    synced.cli.refused(4, "cannot be reached", "image", "sync")

    assert synced.listed().keys() == {disk.id}


def test_of_two_locations_the_one_that_can_be_read_is(
    synced: SyncedProject, configured: ConfiguredCommandLine
) -> None:
    synced.cli = configured(
        reconcile="adopt = snapshots",
        DEFAULT="locations = Elsewhere,RegionOne",
        **{"location:Elsewhere": "cloud = nowhere"},
    )
    disk = synced.put(image_type="snapshot")

    result = synced.cli("image", "sync")

    assert result.exit_code == 1
    assert (
        "Error: Skipped location Elsewhere: Location Elsewhere: the entry 'nowhere'" in result.err
    )
    assert disk.id in [one["cloud_image_id"] for one in result.json]
