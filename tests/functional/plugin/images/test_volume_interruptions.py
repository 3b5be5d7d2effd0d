"""What the capture of a volume needs goes away in the middle of it, or is tampered with."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from openstack.compute.v2.server import Server
from openstack.connection import Connection

from instance_images.drivers.openstack.api import operator as openstack_api
from instance_images.drivers.openstack.driver import OpenStackProvider
from instance_images.model.cloud import PartKind

from conftest import ConfiguredCommandLine
from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.worlds.volume_world import VolumeTenant, in_cloud

pytestmark = pytest.mark.cloud

STEPS = ["snapshot", "volume", "upload"]
ONCE = {"snapshots": 1, "volumes": 1}


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


def are_ready(tenant: VolumeTenant, kind: str) -> bool:
    storage: Any = tenant.member.block_storage
    return all(found["status"] == "available" for found in storage.get(f"/{kind}").json()[kind])


def begin(tenant: VolumeTenant, step: str, instance: str = "db-1") -> None:
    """Begin a capture, and leave it where what the step makes is there, or on its way."""
    tenant.cli.ok("image", "create", instance, "--name", "golden", *tenant.account)
    wait_for(lambda: are_ready(tenant, "snapshots"), "the snapshot")
    if step == "volume":
        tenant.cloud.fault("cinder", "POST", "/action$", 429, None)
        wait_for(
            lambda: tenant.cli("task", "list", *tenant.account).exit_code == 4,
            "the volume",
        )
        tenant.cloud.clear_faults()
    if step == "upload":
        tenant.cloud.fault("glance", "PUT", "/file$", "delay", delay_seconds=2)
        wait_for(lambda: tenant.task()["stage"].startswith("image"), "the upload")


def root_volume_of(tenant: VolumeTenant, server: Server) -> str:
    path = f"/servers/{server.id}/os-volume_attachments"
    attachments: Any = tenant.member.compute.get(path).json()["volumeAttachments"]
    return str(attachments[0]["volumeId"])


# --------------------------------------------------------------------- the source instance


@pytest.mark.parametrize("step", STEPS)
def test_capture_outlives_its_source_instance(step: str, tenant: VolumeTenant) -> None:
    """Cinder keeps a volume that has a snapshot, so Nova leaves the instance's volume behind."""
    source = tenant.cloud.boot_from_volume(tenant.project, "short-lived")
    root_id = root_volume_of(tenant, source)
    begin(tenant, step, source.id)
    tenant.member.compute.delete_server(source)
    tenant.member.compute.wait_for_delete(source, interval=0.1)

    image = tenant.settled(root_id)

    assert (image["status"], tenant.task()["state"]) == ("available", "succeeded")
    assert tenant.complaints() == []
    storage: Any = tenant.member.block_storage
    assert storage.delete(f"/volumes/{root_id}").status_code == 202  # nothing holds it any more


def test_instance_that_is_gone_before_its_snapshot_is_refused_and_leaves_nothing(
    tenant: VolumeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tenant.cloud.boot_from_volume(tenant.project, "shorter-lived")
    request_snapshot = OpenStackProvider.request_snapshot

    def deleted_just_before(self: OpenStackProvider, *arguments: str) -> str:
        tenant.member.compute.delete_server(source)
        tenant.member.compute.wait_for_delete(source, interval=0.1)
        wait_for(lambda: tenant.new_in_cloud() == set(), "the volume to be gone")
        return request_snapshot(self, *arguments)

    monkeypatch.setattr(OpenStackProvider, "request_snapshot", deleted_just_before)

    tenant.cli.refused(
        3,
        "could not be found",
        "image",
        "create",
        source.id,
        "--name",
        "n",
        *tenant.account,
    )

    assert tenant.cli.ok("image", "list", *tenant.account).json == []
    assert tenant.held() == 0


# ------------------------------------------------------------------------ the block storage


@contextlib.contextmanager
def cinder_stopped(tenant: VolumeTenant) -> Iterator[None]:
    tenant.cloud.stop_service("cinder")
    try:
        yield
    finally:
        tenant.cloud.start_service("cinder")


def test_capture_goes_on_when_cinder_has_been_away(tenant: VolumeTenant) -> None:
    begin(tenant, "volume")
    with cinder_stopped(tenant):
        tenant.cli.refused(4, "Cinder of location RegionOne", "task", "list", *tenant.account)
        tenant.cli.ok("meter", "run")  # nothing that is billed hangs on it

    image = tenant.settled()

    assert (image["status"], tenant.task()["attempts"]) == ("available", 1)
    assert tenant.made() == ONCE
    assert tenant.complaints() == []


def test_volume_that_cinder_has_forgotten_to_release_is_removed_nevertheless(
    tenant: VolumeTenant,
) -> None:
    """Cinder was killed while it uploaded: for ever after, the volume is "uploading"."""
    begin(tenant, "upload")
    with cinder_stopped(tenant):
        pass

    image = tenant.settled(apart=timedelta(minutes=4))

    assert (image["status"], tenant.task()["state"]) == ("available", "succeeded")
    assert tenant.made() == ONCE
    assert tenant.complaints() == []


def test_frozen_cinder_delays_a_capture_and_nothing_is_asked_for_twice(
    tenant: VolumeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(tenant, "snapshot")
    tenant.cloud.pause_service("cinder")
    try:
        with monkeypatch.context() as impatient:
            impatient.setattr(openstack_api, "TIMEOUT_SECONDS", 0.5)
            tenant.cli.refused(4, "Cinder of location RegionOne", "task", "list", *tenant.account)
    finally:
        tenant.cloud.resume_service("cinder")

    image = tenant.settled()

    assert (image["status"], tenant.task()["attempts"]) == ("available", 1)
    assert tenant.made() == ONCE
    assert tenant.complaints() == []


# ------------------------------------------------------------------------------ the tokens


def test_tokens_that_are_rejected_on_the_way_are_renewed_and_nothing_is_made_twice(
    tenant: VolumeTenant,
) -> None:
    for service, method, path in (
        ("nova", "GET", "/os-volume_attachments"),
        ("cinder", "POST", "/snapshots$"),
        ("cinder", "GET", "/snapshots/detail"),
        ("cinder", "POST", "/volumes$"),
        ("cinder", "GET", "/volumes/detail"),
        ("cinder", "POST", "/action$"),
        ("glance", "GET", "^/v2/images/"),
        ("glance", "PATCH", "^/v2/images/"),
        ("cinder", "DELETE", "/volumes/"),
        ("cinder", "DELETE", "/snapshots/"),
    ):
        tenant.cloud.fault(service, method, path, 401)

    tenant.cli.ok(*tenant.capture)
    image = tenant.settled()

    assert (image["status"], tenant.task()["attempts"]) == ("available", 1)
    assert tenant.made() == ONCE
    assert tenant.complaints() == []


def test_capture_that_no_token_is_good_for_leaves_nothing_on_record(
    tenant: VolumeTenant,
) -> None:
    tenant.cloud.fault("cinder", "POST", "/snapshots$", 401, None)

    tenant.cli.refused(2, "Cinder of location RegionOne rejects the token", *tenant.capture)

    assert tenant.cli.ok("image", "list", *tenant.account).json == []
    assert tenant.held() == 0


# ------------------------------------------------------------------------------- the owner


def test_what_the_owner_has_taken_the_marks_off_is_removed_nevertheless(
    tenant: VolumeTenant,
) -> None:
    begin(tenant, "volume")
    storage: Any = tenant.member.block_storage
    for kind in ("snapshot", "volume"):
        for found in storage.get(f"/{kind}s").json()[f"{kind}s"]:
            if found["id"] not in tenant.in_cloud_before:
                path, bare = f"/{kind}s/{found['id']}", {"metadata": {}}
                assert storage.put(path, json={kind: {"name": "mine"}}).status_code == 200
                assert storage.put(f"{path}/metadata", json=bare).status_code == 200

    image = tenant.settled()

    assert image["status"] == "available"
    assert tenant.complaints() == []


def test_part_that_was_given_to_another_project_is_let_alone(tenant: VolumeTenant) -> None:
    provider = tenant.cli.site().provider
    volume_id = root_volume_of(tenant, tenant.server)
    other = tenant.cloud.new_project()

    ours = provider.get_part(tenant.project.id, PartKind.VOLUME, volume_id)
    theirs = provider.get_part(other.id, PartKind.VOLUME, volume_id)

    assert ours is not None
    assert (ours.id, theirs) == (volume_id, None)
