"""Whatever breaks in the capture of a volume: it goes on or ends, and leaves nothing behind."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from openstack.compute.v2.server import Server
from openstack.connection import Connection

from instance_images.drivers.openstack.api import OpenStackApi
from instance_images.instants import system_clock

from conftest import ConfiguredCommandLine
from support.clouds.embedded_cloud import EmbeddedCloud, Project
from support.processes.command_line import SetClock
from support.processes.killing import Killer, was_killed
from support.worlds.volume_world import MORE_THAN_ENOUGH, Bench, in_cloud

pytestmark = pytest.mark.cloud

UPLOAD = r"/volumes/[^/]*/action$"


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


@pytest.mark.parametrize(
    ("path", "after"),
    [("/snapshots$", 0), ("/volumes$", 0), (UPLOAD, 5)],
    ids=["snapshot", "volume", "upload"],
)
def test_step_whose_answer_is_lost_is_found_and_not_taken_twice(
    path: str, after: int, bench: Bench
) -> None:
    # Before the upload, three properties are taken from the volume, and ours are set.
    bench.cloud.fault("cinder", "POST", path, "drop-after", after=after)

    bench.cli(*bench.capture)

    image = bench.settled()
    assert image["status"] == "available"
    assert bench.task()["attempts"] == 1


@pytest.mark.parametrize("status", [500, 503])
def test_capture_goes_on_when_cinder_answers_again(status: int, bench: Bench) -> None:
    bench.cloud.fault("cinder", "GET", "/volumes/detail", status, count=2, after=1)

    image = bench.cli.ok(*bench.capture).json

    assert image["status"] == "available"
    assert bench.new_in_cloud() == {image["cloud_image_id"]}


def test_first_request_that_cinder_puts_off_leaves_nothing_on_record(bench: Bench) -> None:
    bench.cloud.fault("cinder", "POST", "/snapshots$", 429, retry_after=1)

    bench.cli.refused(4, "answered HTTP 429", *bench.capture)

    assert bench.cli.ok("image", "list", *bench.account).json == []
    assert bench.cli.ok(*bench.capture).json["status"] == "available"


def test_later_request_that_cinder_puts_off_is_repeated_when_it_said(bench: Bench) -> None:
    bench.cloud.fault("cinder", "POST", "/volumes$", 429, retry_after=2)
    began = system_clock()

    assert bench.cli.ok(*bench.capture).json["status"] == "available"

    assert system_clock() - began >= timedelta(seconds=2)


def test_refusal_of_cinder_is_told_and_gives_the_slot_back(bench: Bench) -> None:
    bench.cloud.fault("cinder", "POST", "/snapshots$", 413)

    bench.cli.refused(3, "Cinder of location RegionOne answered HTTP 413", *bench.capture)

    assert bench.cli.ok("image", "list", *bench.account).json == []
    assert bench.cli.ok("limit", "show", *bench.account).json["held"] == 0


def test_upload_that_glance_breaks_off_is_an_error_and_a_retry_makes_the_same_image(
    bench: Bench,
) -> None:
    bench.cloud.fault("glance", "PUT", "/file$", 500)
    bench.cli.refused(1, "The create task failed", *bench.capture)
    failed = bench.settled()
    assert failed["status"] == "error"
    assert bench.new_in_cloud() == set()
    assert bench.cli.ok("limit", "show", *bench.account).json["held"] == 0

    [first] = bench.cli.ok("task", "list", *bench.account).json
    task = bench.cli.ok("task", "retry", failed["task_id"], *bench.account, "--wait").json

    image = bench.only_image()
    assert task["request_id"] not in (first["request_id"], None)
    assert (image["id"], image["status"], image["error"]) == (failed["id"], "available", None)
    assert (task["id"], task["attempts"], task["state"]) == (failed["task_id"], 2, "succeeded")
    assert bench.new_in_cloud() == {image["cloud_image_id"]}
    bench.cli.refused(3, "cannot be retried", "task", "retry", task["id"], *bench.account)


def test_watch_ends_when_all_have_ended_and_tells_a_failure(bench: Bench) -> None:
    assert "No task is unfinished" in bench.cli.ok("task", "watch", *bench.account).err
    task_id = bench.cli.ok(*bench.capture[:-1]).json["task_id"]

    watched = bench.cli.ok("task", "watch", *bench.account)

    lines = watched.err.splitlines()
    assert lines[-1].endswith("100 % succeeded: done")
    assert all(line.startswith(f"{task_id} create [") for line in lines)
    task = bench.task()
    assert task["elapsed_seconds"] >= 0
    assert task["estimated_seconds_left"] is None
    assert (task["image_name"], task["location"]) == ("golden", "RegionOne")
    bench.cloud.fault("glance", "PUT", "/file$", 500)
    second = bench.cli.ok("image", "create", "db-1", "--name", "doomed", *bench.account).json[
        "task_id"
    ]
    shown = bench.cli.ok("task", "show", second, *bench.account).json
    assert shown["estimated_seconds_left"] is not None  # the first one tells how long it takes
    bench.cli.refused(
        1, f"The create task {second} failed", "task", "watch", second, *bench.account
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


def killed_after(change: int, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
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
        bench.cli(*bench.capture)

    return work


@pytest.mark.parametrize(
    "change",
    [1, 2, 3, 4, 5, 6],
    ids=["snapshot", "volume", "upload", "completed", "volume deleted", "snapshot deleted"],
)
def test_capture_that_is_killed_when_a_request_has_taken_effect_is_completed(
    change: int, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert was_killed(killed_after(change, bench, monkeypatch))

    image = bench.settled()

    assert image["status"] == "available"
    assert image["available_at"] >= image["created_at"]
    assert bench.task()["state"] == "succeeded"
    assert bench.task()["attempts"] == 1


def test_image_that_is_deleted_while_its_volume_is_captured_leaves_nothing(bench: Bench) -> None:
    bench.cli.ok(*bench.capture[:-1])

    bench.cli.ok("image", "delete", "golden", *bench.account, "--yes")

    clock = SetClock(system_clock())
    bench.cli.clock = clock
    for _ in range(MORE_THAN_ENOUGH):
        assert bench.cli.ok("image", "list", *bench.account).json == []
        if not bench.new_in_cloud():
            break
        clock.now += timedelta(seconds=30)
    assert bench.new_in_cloud() == set()
