"""A capture of a volume uses and deletes what it made itself: names and marks prove nothing.

Whoever may work in a project can write both, on snapshots, volumes and images of his own.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from openstack.compute.v2.server import Server
from openstack.connection import Connection

from instance_images.instants import system_clock
from instance_images.model.outcomes import GRACE

from conftest import ConfiguredCommandLine
from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.processes.command_line import CommandLine, SetClock
from support.worlds.volume_world import MORE_THAN_ENOUGH, VolumeTenant, in_cloud

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def shared(embedded_cloud: EmbeddedCloud) -> Iterator[tuple[Project, Server, Connection]]:
    project = embedded_cloud.new_project()
    server = embedded_cloud.boot_from_volume(project, "db-1")
    with embedded_cloud.connection(project.cloud) as member:
        yield project, server, member


@pytest.fixture
def tenant(
    cloud: EmbeddedCloud,
    configured: ConfiguredCommandLine,
    shared: tuple[Project, Server, Connection],
) -> VolumeTenant:
    project, server, member = shared
    cli = configured(location="volume_image_format = qcow2")
    return VolumeTenant(
        cloud=cloud,
        cli=cli,
        project=project,
        server=server,
        member=member,
        in_cloud_before=in_cloud(member),
    )


def begin(tenant: VolumeTenant) -> str:
    """Begin a capture; return its image's id, which is all that a mark takes."""
    tenant.cli("image", "create", "db-1", "--name", "golden", *tenant.account)
    return str(tenant.only_image()["id"])


def marked(image_id: str) -> dict[str, Any]:
    """Return what a snapshot or volume of the capture says of itself."""
    metadata = {"instance_images_request": image_id}
    return {"name": f"instance-images {image_id}", "metadata": metadata}


def new_volume(tenant: VolumeTenant, **values: Any) -> str:
    storage = tenant.member.block_storage
    made = storage.create_volume(size=1, **values)
    return str(storage.wait_for_status(made, "available", interval=0.2).id)


def new_snapshot(tenant: VolumeTenant, volume_id: str, **values: Any) -> str:
    storage = tenant.member.block_storage
    made = storage.create_snapshot(volume_id=volume_id, is_forced=True, **values)
    return str(storage.wait_for_status(made, "available", interval=0.2).id)


def the_snapshot(tenant: VolumeTenant, image_id: str) -> str:
    """Return the id of the snapshot that the capture has made."""
    storage = tenant.member.block_storage
    [found] = [s for s in storage.snapshots() if s.name == f"instance-images {image_id}"]
    storage.wait_for_status(found, "available", interval=0.2)
    return str(found.id)


def holds_the_disk(tenant: VolumeTenant, image: Any) -> bool:
    """Return whether the image has the bytes of the instance's disk; a blank one has none."""
    answer: Any = tenant.member.image.get(f"/images/{image['cloud_image_id']}/file")
    return tenant.cloud.base_image_content()[:4096] in answer.content


def ended(tenant: VolumeTenant, *beside: str) -> Any:
    """Return the image when all that the capture made is gone, and what is named is still there."""
    image = tenant.settled(*beside)
    assert set(beside) <= tenant.new_in_cloud()
    return image


def test_blank_volume_with_the_name_and_mark_of_a_capture_is_let_alone(
    tenant: VolumeTenant,
) -> None:
    image_id = begin(tenant)
    blank = new_volume(tenant, **marked(image_id))

    image = ended(tenant, blank)

    assert image["status"] == "available"
    assert holds_the_disk(tenant, image)
    assert tenant.complaints() == []


def test_imitations_are_let_alone_where_the_answers_of_the_block_storage_are_lost(
    tenant: VolumeTenant,
) -> None:
    own = new_volume(tenant)
    tenant.cloud.fault("cinder", "POST", "/snapshots$", "drop-after")
    image_id = begin(tenant)
    imitations = [
        new_snapshot(tenant, own, **marked(image_id)),
        new_volume(tenant, **marked(image_id)),
    ]
    tenant.cloud.fault("cinder", "POST", "/volumes$", "drop-after")

    image = ended(tenant, own, *imitations)

    assert image["status"] == "available"
    assert holds_the_disk(tenant, image)
    assert tenant.made() == {"snapshots": 2, "volumes": 2}  # one of each is an imitation


def test_imitations_are_let_alone_where_the_image_is_deleted_meanwhile(
    tenant: VolumeTenant,
) -> None:
    own = new_volume(tenant)
    tenant.cloud.fault("cinder", "POST", "/snapshots$", "drop-after")
    image_id = begin(tenant)
    imitations = {
        new_snapshot(tenant, own, **marked(image_id)),
        new_volume(tenant, **marked(image_id)),
    }

    tenant.cli.ok("image", "delete", "golden", *tenant.account, "--yes")

    clock = SetClock(system_clock())
    tenant.cli.clock = clock
    for _ in range(MORE_THAN_ENOUGH):
        tenant.cli.ok("image", "list", *tenant.account)
        if tenant.new_in_cloud() <= imitations | {own}:
            break
        clock.now += timedelta(seconds=30)
    assert tenant.new_in_cloud() == imitations | {own}


def test_what_the_owner_makes_of_the_captures_snapshot_is_his(
    tenant: VolumeTenant,
) -> None:
    image_id = begin(tenant)
    his = new_volume(tenant, name="mine", snapshot_id=the_snapshot(tenant, image_id))

    image = ended(tenant, his)

    assert image["status"] == "available"
    assert tenant.made() == {"snapshots": 1, "volumes": 1}


def test_snapshot_of_the_root_volume_that_the_owner_takes_himself_is_his(
    tenant: VolumeTenant,
) -> None:
    attachments: Any = tenant.member.compute.get(
        f"/servers/{tenant.server.id}/os-volume_attachments"
    )
    root_id = attachments.json()["volumeAttachments"][0]["volumeId"]
    tenant.cloud.fault("cinder", "POST", "/snapshots$", "drop-after")
    begin(tenant)
    his = new_snapshot(tenant, root_id, name="mine")

    image = ended(tenant, his)

    assert image["status"] == "available"
    assert tenant.made() == {"snapshots": 1, "volumes": 1}


# --------------------------------------------------------------------- images by their mark


def upload(member: Connection, **values: str) -> str:
    body = {"name": "mine", "disk_format": "raw", "container_format": "bare", **values}
    glance: Any = member.image
    image_id = glance.post("/images", json=body).json()["id"]
    headers = {"Content-Type": "application/octet-stream"}
    assert glance.put(f"/images/{image_id}/file", data=b"mine", headers=headers).ok
    return str(image_id)


def test_image_that_is_older_than_the_request_is_not_taken_for_the_captured_one(
    cloud: EmbeddedCloud, cli: CommandLine, project: Project
) -> None:
    """The mark of a capture that is repeated is known before the second attempt."""
    account = ("--account", project.name)
    server = cloud.boot(project, "web-1")
    cloud.fault("nova", "POST", f"{server.id}/action$", "drop-before", count=2)
    clock = SetClock(system_clock())
    cli.clock = clock
    assert cli("image", "create", "web-1", "--name", "golden", *account).exit_code == 4
    clock.now += GRACE
    [task] = cli.ok("task", "list", *account).json
    assert task["state"] == "failed"
    with cloud.connection(project.cloud) as member:
        clock.now += timedelta(minutes=15)
        cli.ok("image", "list", *account)  # nothing comes of the first attempt any more
        his = upload(member, instance_images_request=task["image_id"])

        assert cli("task", "retry", task["id"], *account).exit_code == 4
        cli.ok("image", "list", *account)
        clock.now += GRACE
        [image] = cli.ok("image", "list", *account).json
        clock.now += timedelta(minutes=5)
        cli.ok("image", "list", *account)

        assert (image["status"], image["cloud_image_id"]) == ("error", None)
        assert member.image.get_image(his).status == "active"


def test_image_that_is_uploaded_in_the_place_of_the_captured_one_is_billed_by_its_bytes(
    cloud: EmbeddedCloud, cli: CommandLine, project: Project
) -> None:
    """Its owner alone can do that, to himself; the captured one is adopted when it is there."""
    account = ("--account", project.name)
    server = cloud.boot(project, "web-1")
    cloud.fault("nova", "POST", f"{server.id}/action$", "drop-before")
    assert cli("image", "create", "web-1", "--name", "golden", *account).exit_code == 4
    [image] = cli.ok("image", "list", *account).json
    with cloud.connection(project.cloud) as member:
        his = upload(member, instance_images_request=image["id"])

    [image] = cli.ok("image", "list", *account).json

    assert (image["status"], image["cloud_image_id"]) == ("available", his)
    assert (image["size_bytes"], image["account_id"]) == (4, project.id)


def test_the_oldest_of_several_marked_images_is_the_captured_one(
    cloud: EmbeddedCloud, cli: CommandLine, project: Project
) -> None:
    account = ("--account", project.name)
    server = cloud.boot(project, "web-1")
    cloud.fault("nova", "POST", f"{server.id}/action$", "drop-after")
    assert cli("image", "create", "web-1", "--name", "golden", *account).exit_code == 4
    with cli.site().database.reading() as connection:
        image_id = connection.exec_driver_sql("SELECT image_id FROM images").scalar_one()
    with cloud.connection(project.cloud) as member:
        wait_for(lambda: len(list(member.image.images(visibility="private"))) == 1, "the image")
        [captured] = member.image.images(visibility="private")
        wait_for(lambda: system_clock() > in_whole_seconds(captured.created_at), "another second")
        upload(member, instance_images_request=image_id)

    cli.ok("task", "watch", *account)

    [image] = cli.ok("image", "list", *account).json
    assert (image["status"], image["cloud_image_id"]) == ("available", captured.id)


def in_whole_seconds(text: str) -> Any:
    from instance_images.instants import parse_instant

    return parse_instant(text)
