"""What the capture of a volume needs goes away in the middle of it, or is tampered with."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from openstack.compute.v2.server import Server
from openstack.connection import Connection

from conftest import ConfiguredCommandLine
from embedded_cloud import EmbeddedCloud, Project, wait_for
from instance_images import openstack_api
from instance_images.openstack_api import OpenStackApi
from instance_images.openstack_provider import OpenStackProvider
from volume_world import Bench, in_cloud

pytestmark = pytest.mark.cloud

STEPS = ["snapshot", "volume", "upload"]


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


def begin(bench: Bench, step: str, instance: str = "db-1") -> None:
    """Begin a capture, and leave it where what the step makes is there, or on its way."""
    bench.cli.ok("image", "create", instance, "--name", "golden", *bench.account)
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


def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count what the product asks Cinder to make from now on, whatever the answers are."""
    asked: Counter[str] = Counter()
    ask = OpenStackApi.ask

    def counting(self: OpenStackApi, *arguments: Any, **more: Any) -> Any:
        service, method, path = arguments[1:4]
        if (service, method) == ("block_storage", "POST") and "image_metadata" not in str(more):
            asked[path.rpartition("/")[2]] += 1
        return ask(self, *arguments, **more)

    monkeypatch.setattr(OpenStackApi, "ask", counting)
    return asked


ONCE = {"snapshots": 1, "volumes": 1, "action": 1}


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


@pytest.mark.parametrize("step", STEPS)
def test_capture_goes_on_when_cinder_has_been_away(
    step: str, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = counted(monkeypatch)
    begin(bench, step)
    bench.cloud.stop_service("cinder")
    try:
        bench.cli.refused(4, "Cinder of location RegionOne", "task", "list", *bench.account)
        bench.cli.ok("meter", "run")  # nothing that is billed hangs on it
    finally:
        bench.cloud.start_service("cinder")

    image = bench.settled()

    print(step, image, bench.task(), asked)
    assert bench.complaints() == []
    assert 0


def test_frozen_cinder_delays_a_capture_and_nothing_is_asked_for_twice(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = counted(monkeypatch)
    begin(bench, "volume")
    asked.clear()
    monkeypatch.setattr(openstack_api, "TIMEOUT_SECONDS", 0.5)
    bench.cloud.pause_service("cinder")
    try:
        bench.cli.refused(4, "Cinder of location RegionOne", "task", "list", *bench.account)
    finally:
        bench.cloud.resume_service("cinder")
    monkeypatch.setattr(openstack_api, "TIMEOUT_SECONDS", 60)

    image = bench.settled()

    assert (image["status"], bench.task()["attempts"]) == ("available", 1)
    assert asked == {"action": 1}
    assert bench.complaints() == []
