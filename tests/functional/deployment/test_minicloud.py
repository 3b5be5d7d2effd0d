"""The embedded cloud keeps what its README promises."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import openstack.exceptions
import pytest
import requests
from openstack.connection import Connection

from support.clouds import embedded_cloud as ec
from support.clouds.embedded_cloud import EmbeddedCloud, Project

pytestmark = pytest.mark.cloud


@pytest.fixture
def project(embedded_cloud: EmbeddedCloud) -> Iterator[Project]:
    yield embedded_cloud.new_project()
    embedded_cloud.clear_faults()


@pytest.fixture
def member(embedded_cloud: EmbeddedCloud, project: Project) -> Connection:
    return embedded_cloud.connection(project.cloud)


def snapshot(connection: Connection, server_id: str, name: str) -> str:
    """Ask Nova for an image of a server, and return the image's id."""
    return str(connection.compute.create_server_image(server_id, name=name).id)


def image_when(connection: Connection, image_id: str, status: str) -> int:
    """Wait until an image has a status, and return its size."""
    found = {}

    def reached() -> bool:
        found["image"] = connection.image.get_image(image_id)
        return bool(found["image"].status == status)

    ec.wait_for(reached, f"image {image_id} to be {status}")
    return int(found["image"].size)


def processes_of(state_dir: Path) -> set[int]:
    """Find the cloud's processes by their command line, or by the log that they write.

    A service may set its own title in place of the command line.
    """
    found = set()
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            words = (directory / "cmdline").read_bytes().split(b"\0")
            log = (directory / "fd" / "1").readlink()
            state = (directory / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        is_ours = os.fsencode(state_dir) in words or log.is_relative_to(state_dir)
        if state not in "ZX" and is_ours:
            found.add(int(directory.name))
    return found


def minicloud(*arguments: str) -> subprocess.Popen[str]:
    """Run the command as a person would."""
    return subprocess.Popen(
        [*ec.python(), "-m", "minicloud", *arguments],
        env={**os.environ, "PYTHONPATH": str(ec.CHECKOUT / "tests" / "minicloud")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )


def test_members_see_only_servers_and_images_of_their_own_project(
    embedded_cloud: EmbeddedCloud,
) -> None:
    ours, theirs = embedded_cloud.new_project(), embedded_cloud.new_project()
    servers = {p: embedded_cloud.boot(p) for p in (ours, theirs)}
    images = {}
    for project, server in servers.items():
        with embedded_cloud.connection(project.cloud) as connection:
            images[project] = snapshot(connection, server.id, "mine")

    for project, stranger in ((ours, theirs), (theirs, ours)):
        with embedded_cloud.connection(project.cloud) as connection:
            assert [s.id for s in connection.compute.servers()] == [servers[project].id]
            listed = {i.id for i in connection.image.images() if i.visibility != "public"}
            assert listed == {images[project]}
            with pytest.raises(openstack.exceptions.NotFoundException):
                connection.image.get_image(images[stranger])
            with pytest.raises(openstack.exceptions.NotFoundException):
                connection.compute.get_server(servers[stranger].id)


def test_operator_may_enter_every_project(embedded_cloud: EmbeddedCloud, project: Project) -> None:
    server = embedded_cloud.boot(project)

    with embedded_cloud.connection("admin", project=project) as connection:
        assert connection.current_project_id == project.id
        assert [s.id for s in connection.compute.servers()] == [server.id]


def test_snapshot_uploads_the_chosen_number_of_bytes(
    embedded_cloud: EmbeddedCloud, project: Project, member: Connection
) -> None:
    sizes_bytes = {"minicloud_snapshot_size": str(3_000_001)}
    server = embedded_cloud.boot(project, metadata=sizes_bytes)

    image_id = snapshot(member, server.id, "sized")

    assert image_when(member, image_id, "active") == 3_000_001
    content = member.image.download_image(image_id).content
    assert len(content) == 3_000_001
    assert content[1 << 20 :].count(0) == 3_000_001 - (1 << 20)


@pytest.mark.parametrize("step", ["extract", "upload"])
def test_snapshot_that_fails_leaves_no_image(
    step: str, embedded_cloud: EmbeddedCloud, project: Project, member: Connection
) -> None:
    server = embedded_cloud.boot(project, metadata={"minicloud_snapshot_fail": step})

    image_id = snapshot(member, server.id, "doomed")

    ec.wait_for(
        lambda: image_id not in {i.id for i in member.image.images()}, "the image to vanish"
    )
    assert member.compute.get_server(server.id).status == "ACTIVE"


def test_status_fault_hits_as_many_requests_as_asked(embedded_cloud: EmbeddedCloud) -> None:
    url = embedded_cloud.endpoints["glance"]

    embedded_cloud.fault("glance", "GET", "^/versions$", 429, 2, after=1, retry_after=7)

    answers = [requests.get(f"{url}/versions", timeout=10) for _ in range(4)]
    embedded_cloud.clear_faults()
    assert [answer.status_code for answer in answers] == [200, 429, 429, 200]
    assert answers[1].headers["Retry-After"] == "7"


@pytest.mark.parametrize(("action", "effect"), [("drop-before", 0), ("drop-after", 1)])
def test_dropped_request_has_taken_effect_only_if_dropped_after(
    action: ec.Action, effect: int, embedded_cloud: EmbeddedCloud, member: Connection
) -> None:
    name = f"dropped-{uuid.uuid4().hex}"
    headers = {"X-Auth-Token": str(member.auth_token)}
    body = {"name": name, "disk_format": "raw", "container_format": "bare"}
    embedded_cloud.fault("glance", "POST", "^/v2/images$", action)

    with pytest.raises(requests.ConnectionError, match=r"reset by peer|without response"):
        requests.post(
            f"{embedded_cloud.endpoints['glance']}/v2/images",
            headers=headers,
            json=body,
            timeout=10,
        )

    assert len(list(member.image.images(name=name))) == effect
    embedded_cloud.clear_faults()


def test_delay_fault_answers_late_and_right(embedded_cloud: EmbeddedCloud) -> None:
    began = time.monotonic()

    embedded_cloud.fault("placement", "GET", "^/$", "delay", delay_seconds=0.5)

    assert requests.get(embedded_cloud.endpoints["placement"], timeout=10).status_code == 200
    assert 0.5 <= time.monotonic() - began < 5
    embedded_cloud.clear_faults()


def test_stopped_service_refuses_connections_and_comes_back_on_its_port(
    embedded_cloud: EmbeddedCloud, project: Project, member: Connection
) -> None:
    embedded_cloud.stop_service("glance")
    with pytest.raises(requests.ConnectionError, match="refused"):
        requests.get(embedded_cloud.endpoints["glance"], timeout=10)

    embedded_cloud.start_service("glance")

    assert "base-linux" in {i.name for i in member.image.images()}


def test_restarted_nova_still_has_its_servers(
    embedded_cloud: EmbeddedCloud, project: Project, member: Connection
) -> None:
    server = embedded_cloud.boot(project)

    embedded_cloud.stop_service("nova")
    embedded_cloud.start_service("nova")

    image_id = snapshot(member, server.id, "after the restart")
    assert image_when(member, image_id, "active") == 1 << 20


def test_paused_service_does_not_answer(embedded_cloud: EmbeddedCloud) -> None:
    embedded_cloud.pause_service("placement")
    with pytest.raises(requests.Timeout):
        requests.get(embedded_cloud.endpoints["placement"], timeout=0.5)

    embedded_cloud.resume_service("placement")

    assert requests.get(embedded_cloud.endpoints["placement"], timeout=10).status_code == 200


def test_every_socket_is_on_127_0_0_1(embedded_cloud: EmbeddedCloud) -> None:
    pids = processes_of(embedded_cloud.state_dir)
    inodes = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            if found := re.match(r"socket:\[(\d+)\]", str(descriptor.readlink())):
                inodes.add(found[1])

    listening = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes and (fields[3] == "0A" or table.startswith("udp")):
                listening.append(fields[1].partition(":")[0])

    assert len(listening) == len(embedded_cloud.endpoints)
    assert set(listening) == {"0100007F"}


def test_second_cloud_comes_from_the_template_on_other_ports(
    embedded_cloud: EmbeddedCloud, tmp_path: Path
) -> None:
    began = time.monotonic()
    services = ("neutron", "heat")  # those of the shared cloud, which has left its template
    with EmbeddedCloud.running(tmp_path / "second", services=services, limits=True) as second:
        assert "from its template" in second.greeting
        assert time.monotonic() - began < 60
        assert not set(second.endpoints.values()) & set(embedded_cloud.endpoints.values())
        server = second.boot("demo")
        with second.connection("demo") as connection:
            image_id = snapshot(connection, server.id, "elsewhere")
            assert image_when(connection, image_id, "active") == 1 << 20
            urls = {e["url"] for s in connection.service_catalog for e in s["endpoints"]}

    first = {urlsplit(url).port for url in embedded_cloud.endpoints.values()}
    assert not {urlsplit(url).port for url in urls} & first
    assert not processes_of(second.state_dir)


def test_nothing_of_a_tied_cloud_survives_its_killed_parent(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; "
        "from support.clouds.embedded_cloud import EmbeddedCloud\n"
        "with EmbeddedCloud.running(Path(sys.argv[1]), services=()):\n"
        "    print('up', flush=True); time.sleep(600)\n"
    )
    tests = str(ec.CHECKOUT / "tests")
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "cloud")],
        env={**os.environ, "PYTHONPATH": tests},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "up\n"
    assert len(processes_of(tmp_path / "cloud")) > 7

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    ec.wait_for(lambda: not processes_of(tmp_path / "cloud"), "the cloud to end")
    parent.stdout.close()


def test_nothing_survives_an_interrupted_start(tmp_path: Path) -> None:
    state = tmp_path / "cloud"
    command = minicloud("up", "--state", str(state))
    ec.wait_for(lambda: len(processes_of(state)) > 3, "the services to be forked")

    command.send_signal(signal.SIGINT)
    said, _ = command.communicate(timeout=30)

    assert command.returncode == 130, said
    ec.wait_for(lambda: not processes_of(state), "the cloud to end")


def test_down_spares_a_stranger_who_has_the_pid_of_a_stale_file(tmp_path: Path) -> None:
    state = tmp_path / "cloud"
    (state / "run").mkdir(parents=True)
    document = {"state": "", "cache": str(tmp_path), "services": ["keystone"], "ports": {}}
    (state / "cloud.json").write_text(json.dumps(document))
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (state / "run" / "supervisor.pid").write_text(f"{stranger.pid} 1\n")

        said, _ = minicloud("down", "--state", str(state)).communicate(timeout=30)

        assert "no cloud was up" in said
        assert stranger.poll() is None
        stranger.kill()
