"""A root volume becomes an image with bytes of its own, and nothing stays in the block storage."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from openstack.compute.v2.server import Server
from openstack.connection import Connection

from conftest import ConfiguredCommandLine
from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.processes.command_line import CommandLine, write_config

pytestmark = pytest.mark.cloud

GIB = 2**30
QCOW2 = "volume_image_format = qcow2"
SIGNATURE = {
    "img_signature": "of other bytes",
    "img_signature_hash_method": "SHA-256",
    "img_signature_key_type": "RSA-PSS",
    "img_signature_certificate_uuid": "6d1ce1f5-0b4a-4b4c-9d3c-2d9d9f7d5b3a",
}
CARRIED = {"hw_disk_bus": "scsi", "os_type": "linux", "architecture": "x86_64"}


@pytest.fixture(scope="module")
def owner(embedded_cloud: EmbeddedCloud) -> Project:
    return embedded_cloud.new_project()


@pytest.fixture(scope="module")
def member(embedded_cloud: EmbeddedCloud, owner: Project) -> Iterator[Connection]:
    with embedded_cloud.connection(owner.cloud) as connection:
        yield connection


@pytest.fixture(scope="module")
def database_server(embedded_cloud: EmbeddedCloud, owner: Project) -> Server:
    """A running instance on a volume, with a second one for its data."""
    return embedded_cloud.boot_from_volume(owner, "db-1", data_volumes=1)


def root_volume_id(member: Connection, server: Server) -> str:
    path = f"/servers/{server.id}/os-volume_attachments"
    attachments: Any = member.compute.get(path).json()["volumeAttachments"]
    [root] = [a["volumeId"] for a in attachments if a["device"].endswith("da")]
    return str(root)


def in_block_storage(connection: Connection) -> dict[str, list[str]]:
    storage: Any = connection.block_storage
    return {
        "volumes": [v["id"] for v in storage.get("/volumes").json()["volumes"]],
        "snapshots": [s["id"] for s in storage.get("/snapshots").json()["snapshots"]],
    }


@dataclass(frozen=True)
class Captured:
    """One capture that went well, and what Glance has of it."""

    image: Any
    in_glance: Any
    stages: str
    volumes_before: list[str]
    left: dict[str, list[str]]


@pytest.fixture(scope="module")
def captured(
    embedded_cloud: EmbeddedCloud,
    owner: Project,
    member: Connection,
    database_server: Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Captured]:
    directory = tmp_path_factory.mktemp("volume")
    url = f"sqlite:///{directory / 'instance-images.db'}"
    cli = CommandLine(write_config(directory / "instance-images.conf", url, location=QCOW2))
    storage: Any = member.block_storage
    path = f"/volumes/{root_volume_id(member, database_server)}/action"
    metadata = {"metadata": SIGNATURE | CARRIED | {"os_glance_x": "1", "note": "mine"}}
    assert storage.post(path, json={"os-set_image_metadata": metadata}).status_code == 200
    before = in_block_storage(member)["volumes"]
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OS_CLIENT_CONFIG_FILE", str(embedded_cloud.clouds_yaml))
        cli.ok("db", "upgrade")
        result = cli.ok(
            "image", "create", "db-1", "--name", "golden ☕", "--account", owner.name, "--wait"
        )
    image = result.json
    in_glance: Any = member.image.get(f"/images/{image['cloud_image_id']}").json()
    yield Captured(image, in_glance, result.err, before, in_block_storage(member))


def test_image_of_a_volume_is_available_with_bytes_of_its_own(captured: Captured) -> None:
    assert captured.image["status"] == "available"
    assert captured.in_glance["status"] == "active"
    assert captured.image["size_bytes"] == captured.in_glance["size"] > 0
    assert captured.image["virtual_size_bytes"] == captured.in_glance["virtual_size"] == GIB
    assert "block_device_mapping" not in captured.in_glance


def test_nothing_of_the_capture_stays_in_the_block_storage(captured: Captured) -> None:
    assert captured.left == {"volumes": captured.volumes_before, "snapshots": []}


def test_image_of_a_volume_belongs_to_the_accounts_project(
    captured: Captured, owner: Project
) -> None:
    assert captured.image["account_id"] == captured.in_glance["owner"] == owner.id
    assert captured.in_glance["visibility"] == "private"
    assert captured.in_glance["name"] == captured.image["name"] == "golden ☕"
    assert captured.in_glance["instance_images_request"] == captured.image["id"]


def test_image_keeps_how_its_disk_is_booted_and_no_word_of_trust(captured: Captured) -> None:
    assert captured.in_glance["min_disk"] == 1
    assert {name: captured.in_glance[name] for name in CARRIED} == CARRIED
    assert captured.in_glance["os_distro"] == "linux"
    assert not {*SIGNATURE, "os_glance_x", "note", "owner_specified.openstack.md5"} & set(
        captured.in_glance
    )


def test_running_instance_on_a_volume_is_crash_consistent(captured: Captured) -> None:
    assert captured.image["consistency"] == "crash"


def test_stages_are_those_of_the_cloud(captured: Captured) -> None:
    lines = captured.stages.splitlines()

    assert lines[-1].endswith("100 % succeeded: done")
    progress = [int(line.partition("]")[2].split()[0]) for line in lines]
    assert progress == sorted(progress)


def test_image_outlives_the_instance_and_its_volumes_and_can_be_booted(
    cloud: EmbeddedCloud, configured: ConfiguredCommandLine, project: Project
) -> None:
    cli = configured(location=QCOW2)
    account = ["--account", project.name]
    server = cloud.boot_from_volume(project, "short-lived")
    image = cli.ok("image", "create", "short-lived", "--name", "heir", *account, "--wait").json
    with cloud.connection(project.cloud) as owner:
        owner.compute.delete_server(server)
        owner.compute.wait_for_delete(server, interval=0.1)
        wait_for(lambda: in_block_storage(owner)["volumes"] == [], "the volumes to be gone")

        booted = cloud.boot_from_volume(project, "again", image=image["cloud_image_id"])
        content = cloud.volume_content(root_volume_id(owner, booted))

        assert owner.compute.get_server(booted.id).status == "ACTIVE"
    assert content.startswith(cloud.base_image_content())
    assert len(content) == GIB


def test_raw_image_holds_the_volume_byte_by_byte(
    cloud: EmbeddedCloud,
    cli: CommandLine,
    owner: Project,
    member: Connection,
    database_server: Server,
) -> None:
    image = cli.ok(
        "image", "create", "db-1", "--name", "raw", "--account", owner.name, "--wait"
    ).json

    in_glance: Any = member.image.get(f"/images/{image['cloud_image_id']}").json()
    content = cloud.volume_content(root_volume_id(member, database_server))
    assert image["size_bytes"] == in_glance["size"] == GIB
    assert in_glance["os_hash_value"] == hashlib.sha512(content).hexdigest()
