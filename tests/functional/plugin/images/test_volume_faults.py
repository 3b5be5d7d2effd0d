"""Whatever breaks in the capture of a volume: it goes on or ends, and leaves nothing behind."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from openstack.compute.v2.server import Server
from openstack.connection import Connection

from instance_images.drivers.openstack.api.operator import OpenStackApi
from instance_images.instants import system_clock

from conftest import ConfiguredCommandLine
from support.clouds.embedded_cloud import EmbeddedCloud, Project
from support.processes.command_line import SetClock
from support.processes.killing import Killer, was_killed
from support.worlds.volume_world import MORE_THAN_ENOUGH, VolumeTenant, in_cloud

pytestmark = pytest.mark.cloud

UPLOAD = r"/volumes/[^/]*/action$"


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


@pytest.mark.parametrize(
    ("path", "after"),
    [("/snapshots$", 0), ("/volumes$", 0), (UPLOAD, 5)],
    ids=["snapshot", "volume", "upload"],
)
def test_step_whose_answer_is_lost_is_found_and_not_taken_twice(
    path: str, after: int, tenant: VolumeTenant
) -> None:
    # Before the upload, three properties are taken from the volume, and ours are set.
    tenant.cloud.fault("cinder", "POST", path, "drop-after", after=after)

    tenant.cli(*tenant.capture)

    image = tenant.settled()
    assert image["status"] == "available"
    assert tenant.task()["attempts"] == 1


@pytest.mark.parametrize("status", [500, 503])
def test_capture_goes_on_when_cinder_answers_again(status: int, tenant: VolumeTenant) -> None:
    tenant.cloud.fault("cinder", "GET", "/volumes/detail", status, count=2, after=1)

    image = tenant.cli.ok(*tenant.capture).json

    assert image["status"] == "available"
    assert tenant.new_in_cloud() == {image["cloud_image_id"]}


def test_first_request_that_cinder_puts_off_leaves_nothing_on_record(
    tenant: VolumeTenant,
) -> None:
    tenant.cloud.fault("cinder", "POST", "/snapshots$", 429, retry_after=1)

    tenant.cli.refused(4, "answered HTTP 429", *tenant.capture)

    assert tenant.cli.ok("image", "list", *tenant.account).json == []
    assert tenant.cli.ok(*tenant.capture).json["status"] == "available"


def test_later_request_that_cinder_puts_off_is_repeated_when_it_said(
    tenant: VolumeTenant,
) -> None:
    tenant.cloud.fault("cinder", "POST", "/volumes$", 429, retry_after=2)
    began = system_clock()

    assert tenant.cli.ok(*tenant.capture).json["status"] == "available"

    assert system_clock() - began >= timedelta(seconds=2)


def test_refusal_of_cinder_is_told_and_gives_the_slot_back(tenant: VolumeTenant) -> None:
    tenant.cloud.fault("cinder", "POST", "/snapshots$", 413)

    tenant.cli.refused(3, "Cinder of location RegionOne answered HTTP 413", *tenant.capture)

    assert tenant.cli.ok("image", "list", *tenant.account).json == []
    assert tenant.cli.ok("limit", "show", *tenant.account).json["held"] == 0


def test_upload_that_glance_breaks_off_is_an_error_and_a_retry_makes_the_same_image(
    tenant: VolumeTenant,
) -> None:
    tenant.cloud.fault("glance", "PUT", "/file$", 500)
    tenant.cli.refused(1, "The create task failed", *tenant.capture)
    failed = tenant.settled()
    assert failed["status"] == "error"
    assert tenant.new_in_cloud() == set()
    assert tenant.cli.ok("limit", "show", *tenant.account).json["held"] == 0

    [first] = tenant.cli.ok("task", "list", *tenant.account).json
    task = tenant.cli.ok("task", "retry", failed["task_id"], *tenant.account, "--wait").json

    image = tenant.only_image()
    assert task["request_id"] not in (first["request_id"], None)
    assert (image["id"], image["status"], image["error"]) == (failed["id"], "available", None)
    assert (task["id"], task["attempts"], task["state"]) == (failed["task_id"], 2, "succeeded")
    assert tenant.new_in_cloud() == {image["cloud_image_id"]}
    tenant.cli.refused(3, "cannot be retried", "task", "retry", task["id"], *tenant.account)


def test_watch_ends_when_all_have_ended_and_tells_a_failure(tenant: VolumeTenant) -> None:
    assert "No task is unfinished" in tenant.cli.ok("task", "watch", *tenant.account).err
    task_id = tenant.cli.ok(*tenant.capture[:-1]).json["task_id"]

    watched = tenant.cli.ok("task", "watch", *tenant.account)

    lines = watched.err.splitlines()
    assert lines[-1].endswith("100 % succeeded: done")
    assert all(line.startswith(f"{task_id} create [") for line in lines)
    task = tenant.task()
    assert task["elapsed_seconds"] >= 0
    assert task["estimated_seconds_left"] is None
    assert (task["image_name"], task["location"]) == ("golden", "RegionOne")
    tenant.cloud.fault("glance", "PUT", "/file$", 500)
    second = tenant.cli.ok("image", "create", "db-1", "--name", "doomed", *tenant.account).json[
        "task_id"
    ]
    shown = tenant.cli.ok("task", "show", second, *tenant.account).json
    assert shown["estimated_seconds_left"] is not None  # the first one tells how long it takes
    tenant.cli.refused(
        1, f"The create task {second} failed", "task", "watch", second, *tenant.account
    )


def test_file_systems_are_at_rest_in_the_volume_of_a_stopped_instance_alone(
    cloud: EmbeddedCloud, configured: ConfiguredCommandLine, project: Project
) -> None:
    cli = configured(location="volume_image_format = qcow2")
    server = cloud.boot_from_volume(project, "db-1")
    command = ("image", "create", "db-1", "--name", "n", "--account", project.name)
    cli.refused(3, "primary disk is a volume", *command, "--require-quiesce")
    with cloud.connection(project.cloud) as member:
        member.compute.stop_server(server)
        member.compute.wait_for_server(server, "SHUTOFF", interval=0.2)
        image = cli.ok(*command, "--require-quiesce", "--wait").json
        member.compute.shelve_server(server)
        member.compute.wait_for_server(server, "SHELVED_OFFLOADED", interval=0.2)

    assert (image["status"], image["consistency"]) == ("available", "offline")
    cli.refused(3, "It is shelved: unshelve it first.", *command)


def killed_after(
    change: int, tenant: VolumeTenant, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """Return the capture, in a process that is killed after so many requests that change much."""
    killer, ask = Killer(change), OpenStackApi.ask

    def counted(self: OpenStackApi, *arguments: Any, **more: Any) -> Any:
        answer = ask(self, *arguments, **more)
        method, path = arguments[2:4]
        if method != "GET" and "image_metadata" not in str(more):
            print(f"{os.getpid()}: {method} {path}")
            killer()
        return answer

    def work() -> None:
        monkeypatch.setattr(OpenStackApi, "ask", counted)
        tenant.cli(*tenant.capture)

    return work


@pytest.mark.parametrize(
    "change",
    [1, 2, 3, 4, 5, 6],
    ids=["snapshot", "volume", "upload", "completed", "volume deleted", "snapshot deleted"],
)
def test_capture_that_is_killed_when_a_request_has_taken_effect_is_completed(
    change: int, tenant: VolumeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert was_killed(killed_after(change, tenant, monkeypatch))

    image = tenant.settled()

    assert image["status"] == "available"
    assert image["available_at"] >= image["created_at"]
    assert tenant.task()["state"] == "succeeded"
    assert tenant.task()["attempts"] == 1


def test_image_that_is_deleted_while_its_volume_is_captured_leaves_nothing(
    tenant: VolumeTenant,
) -> None:
    tenant.cli.ok(*tenant.capture[:-1])

    tenant.cli.ok("image", "delete", "golden", *tenant.account, "--yes")

    clock = SetClock(system_clock())
    tenant.cli.clock = clock
    for _ in range(MORE_THAN_ENOUGH):
        assert tenant.cli.ok("image", "list", *tenant.account).json == []
        if not tenant.new_in_cloud():
            break
        clock.now += timedelta(seconds=30)
    assert tenant.new_in_cloud() == set()
