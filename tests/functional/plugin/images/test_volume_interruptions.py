"""What the capture of a volume needs goes away in the middle of it, or is tampered with."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from openstack.compute.v2.server import Server
from openstack.connection import Connection

from instance_images.drivers.openstack import api as openstack_api
from instance_images.drivers.openstack.driver import OpenStackProvider
from instance_images.model.cloud import PartKind

from conftest import ConfiguredCommandLine
from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.worlds.volume_world import Bench, in_cloud

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
def bench(
    cloud: EmbeddedCloud,
    configured: ConfiguredCommandLine,
    shared: tuple[Project, Server, Connection],
) -> Bench:
    project, server, member = shared
    cli = configured(location="volume_image_format = qcow2")
    return Bench(cloud, cli, project, server, member, in_cloud(member))


def are_ready(bench: Bench, kind: str) -> bool:
    storage: Any = bench.member.block_storage
    return all(found["status"] == "available" for found in storage.get(f"/{kind}").json()[kind])


def begin(bench: Bench, step: str, instance: str = "db-1") -> None:
    """Begin a capture, and leave it where what the step makes is there, or on its way."""
    bench.cli.ok("image", "create", instance, "--name", "golden", *bench.account)
    wait_for(lambda: are_ready(bench, "snapshots"), "the snapshot")
    if step == "volume":
        bench.cloud.fault("cinder", "POST", "/action$", 429, None)
        wait_for(lambda: bench.cli("task", "list", *bench.account).exit_code == 4, "the volume")
        bench.cloud.clear_faults()
    if step == "upload":
        bench.cloud.fault("glance", "PUT", "/file$", "delay", delay_seconds=2)
        wait_for(lambda: bench.task()["stage"].startswith("image"), "the upload")


def root_volume_of(bench: Bench, server: Server) -> str:
    path = f"/servers/{server.id}/os-volume_attachments"
    attachments: Any = bench.member.compute.get(path).json()["volumeAttachments"]
    return str(attachments[0]["volumeId"])


# --------------------------------------------------------------------- the source instance


@pytest.mark.parametrize("step", STEPS)
def test_capture_outlives_its_source_instance(step: str, bench: Bench) -> None:
    """Cinder keeps a volume that has a snapshot, so Nova leaves the instance's volume behind."""
    source = bench.cloud.boot_from_volume(bench.project, "short-lived")
    root_id = root_volume_of(bench, source)
    begin(bench, step, source.id)
    bench.member.compute.delete_server(source)
    bench.member.compute.wait_for_delete(source, interval=0.1)

    image = bench.settled(root_id)

    assert (image["status"], bench.task()["state"]) == ("available", "succeeded")
    assert bench.complaints() == []
    storage: Any = bench.member.block_storage
    assert storage.delete(f"/volumes/{root_id}").status_code == 202  # nothing holds it any more


def test_instance_that_is_gone_before_its_snapshot_is_refused_and_leaves_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = bench.cloud.boot_from_volume(bench.project, "shorter-lived")
    request_snapshot = OpenStackProvider.request_snapshot

    def deleted_just_before(self: OpenStackProvider, *arguments: str) -> str:
        bench.member.compute.delete_server(source)
        bench.member.compute.wait_for_delete(source, interval=0.1)
        wait_for(lambda: bench.new_in_cloud() == set(), "the volume to be gone")
        return request_snapshot(self, *arguments)

    monkeypatch.setattr(OpenStackProvider, "request_snapshot", deleted_just_before)

    bench.cli.refused(
        3, "could not be found", "image", "create", source.id, "--name", "n", *bench.account
    )

    assert bench.cli.ok("image", "list", *bench.account).json == []
    assert bench.held() == 0


# ------------------------------------------------------------------------ the block storage


@contextlib.contextmanager
def cinder_stopped(bench: Bench) -> Iterator[None]:
    bench.cloud.stop_service("cinder")
    try:
        yield
    finally:
        bench.cloud.start_service("cinder")


def test_capture_goes_on_when_cinder_has_been_away(bench: Bench) -> None:
    begin(bench, "volume")
    with cinder_stopped(bench):
        bench.cli.refused(4, "Cinder of location RegionOne", "task", "list", *bench.account)
        bench.cli.ok("meter", "run")  # nothing that is billed hangs on it

    image = bench.settled()

    assert (image["status"], bench.task()["attempts"]) == ("available", 1)
    assert bench.made() == ONCE
    assert bench.complaints() == []


def test_volume_that_cinder_has_forgotten_to_release_is_removed_nevertheless(bench: Bench) -> None:
    """Cinder was killed while it uploaded: for ever after, the volume is "uploading"."""
    begin(bench, "upload")
    with cinder_stopped(bench):
        pass

    image = bench.settled(apart=timedelta(minutes=4))

    assert (image["status"], bench.task()["state"]) == ("available", "succeeded")
    assert bench.made() == ONCE
    assert bench.complaints() == []


def test_frozen_cinder_delays_a_capture_and_nothing_is_asked_for_twice(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(bench, "snapshot")
    bench.cloud.pause_service("cinder")
    try:
        with monkeypatch.context() as impatient:
            impatient.setattr(openstack_api, "TIMEOUT_SECONDS", 0.5)
            bench.cli.refused(4, "Cinder of location RegionOne", "task", "list", *bench.account)
    finally:
        bench.cloud.resume_service("cinder")

    image = bench.settled()

    assert (image["status"], bench.task()["attempts"]) == ("available", 1)
    assert bench.made() == ONCE
    assert bench.complaints() == []


# ------------------------------------------------------------------------------ the tokens


def test_tokens_that_are_rejected_on_the_way_are_renewed_and_nothing_is_made_twice(
    bench: Bench,
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
        bench.cloud.fault(service, method, path, 401)

    bench.cli.ok(*bench.capture)
    image = bench.settled()

    assert (image["status"], bench.task()["attempts"]) == ("available", 1)
    assert bench.made() == ONCE
    assert bench.complaints() == []


def test_capture_that_no_token_is_good_for_leaves_nothing_on_record(bench: Bench) -> None:
    bench.cloud.fault("cinder", "POST", "/snapshots$", 401, None)

    bench.cli.refused(2, "Cinder of location RegionOne rejects the token", *bench.capture)

    assert bench.cli.ok("image", "list", *bench.account).json == []
    assert bench.held() == 0


# ------------------------------------------------------------------------------- the owner


def test_what_the_owner_has_taken_the_marks_off_is_removed_nevertheless(bench: Bench) -> None:
    begin(bench, "volume")
    storage: Any = bench.member.block_storage
    for kind in ("snapshot", "volume"):
        for found in storage.get(f"/{kind}s").json()[f"{kind}s"]:
            if found["id"] not in bench.in_cloud_before:
                path, bare = f"/{kind}s/{found['id']}", {"metadata": {}}
                assert storage.put(path, json={kind: {"name": "mine"}}).status_code == 200
                assert storage.put(f"{path}/metadata", json=bare).status_code == 200

    image = bench.settled()

    assert image["status"] == "available"
    assert bench.complaints() == []


def test_part_that_was_given_to_another_project_is_let_alone(bench: Bench) -> None:
    provider = bench.cli.site().provider
    volume_id = root_volume_of(bench, bench.server)
    other = bench.cloud.new_project()

    ours = provider.get_part(bench.project.id, PartKind.VOLUME, volume_id)
    theirs = provider.get_part(other.id, PartKind.VOLUME, volume_id)

    assert ours is not None
    assert (ours.id, theirs) == (volume_id, None)
