"""An instance's primary disk becomes an image of the account, or an error with its reason."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from openstack.compute.v2.server import Server

from instance_images.instants import format_instant, system_clock

from support.clouds.embedded_cloud import PATIENCE_SECONDS, EmbeddedCloud, Project, wait_for
from support.processes.command_line import CommandLine, Result, SetClock, write_config

pytestmark = pytest.mark.cloud

SIZE_BYTES = 3_000_001


@pytest.fixture(scope="module")
def owner(embedded_cloud: EmbeddedCloud) -> Project:
    return embedded_cloud.new_project()


@pytest.fixture(scope="module")
def web(embedded_cloud: EmbeddedCloud, owner: Project) -> Server:
    """A running instance whose disk has a size that no default gives."""
    return embedded_cloud.boot(
        owner, "web-1", metadata={"minicloud_snapshot_size": str(SIZE_BYTES)}
    )


@dataclass(frozen=True)
class Captured:
    """One capture that went well, and the instants around it."""

    result: Result
    began: str
    ended: str

    @property
    def image(self) -> Any:
        """The image as the command showed it."""
        return self.result.json


@pytest.fixture(scope="module")
def captured(
    embedded_cloud: EmbeddedCloud,
    owner: Project,
    web: Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Captured]:
    directory = tmp_path_factory.mktemp("captured")
    url = f"sqlite:///{directory / 'instance-images.db'}"
    cli = CommandLine(write_config(directory / "instance-images.conf", url))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OS_CLIENT_CONFIG_FILE", str(embedded_cloud.clouds_yaml))
        cli.ok("db", "upgrade")
        began = format_instant(system_clock())
        result = cli.ok(
            "image", "create", "web-1", "--name", "golden", "--account", owner.name, "--wait"
        )
        yield Captured(result, began, format_instant(system_clock()))


def images_in_glance(cloud: EmbeddedCloud, project: Project) -> list[Any]:
    with cloud.connection() as connection:
        return list(connection.image.images(owner=project.id, visibility="all"))


def wait_until_idle(cloud: EmbeddedCloud, server: Server) -> None:
    with cloud.connection() as connection:
        wait_for(
            lambda: connection.compute.get_server(server.id).task_state is None, "an idle instance"
        )


def image_when_settled(cli: CommandLine, account: str) -> Any:
    """Look, as a customer does, until the account's only image is no longer being created."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        [image] = cli.ok("image", "list", "--account", account).json
        if image["status"] != "creating" or time.monotonic() > deadline:
            return image
        time.sleep(0.1)


def test_captured_image_is_available_with_the_size_that_glance_has(
    captured: Captured, cloud: EmbeddedCloud, owner: Project
) -> None:
    [in_glance] = images_in_glance(cloud, owner)

    assert captured.image["status"] == "available"
    assert captured.image["cloud_image_id"] == in_glance.id
    assert captured.image["size_bytes"] == in_glance.size == SIZE_BYTES
    assert captured.image["virtual_size_bytes"] == in_glance.virtual_size
    assert captured.image["name"] == in_glance.name == "golden"
    assert in_glance.status == "active"


def test_image_belongs_to_the_accounts_project_although_the_credentials_are_the_operators(
    captured: Captured, cloud: EmbeddedCloud, owner: Project
) -> None:
    with cloud.connection(owner.cloud) as member:
        seen_by_member = member.image.get_image(captured.image["cloud_image_id"])

    assert captured.image["account_id"] == owner.id
    assert seen_by_member.owner_id == owner.id
    assert seen_by_member.visibility == "private"


def test_image_tells_its_source_instance(captured: Captured, web: Server) -> None:
    assert captured.image["source_instance_id"] == web.id
    assert captured.image["source_instance_name"] == "web-1"
    assert captured.image["location"] == "RegionOne"


def test_disk_of_a_running_instance_is_crash_consistent(captured: Captured) -> None:
    assert captured.image["consistency"] == "crash"


def test_image_became_available_between_the_request_and_now(captured: Captured) -> None:
    created_at, available_at = captured.image["created_at"], captured.image["available_at"]

    assert captured.began <= created_at <= available_at <= captured.ended
    assert captured.image["deleted_at"] is None


def test_waiting_shows_the_stages_on_stderr_and_the_record_on_stdout(captured: Captured) -> None:
    lines = captured.result.err.splitlines()

    assert len(lines) >= 2
    assert all(line.startswith("create [") for line in lines)
    assert "running: image_" in captured.result.err
    assert lines[-1].endswith("100 % succeeded: done")
    progress = [int(line.partition("]")[2].split()[0]) for line in lines]
    assert progress == sorted(progress)


def test_disk_of_a_stopped_instance_is_consistent(
    cli: CommandLine, cloud: EmbeddedCloud, project: Project
) -> None:
    server = cloud.boot(project, "batch")
    with cloud.connection(project.cloud) as member:
        member.compute.stop_server(server)
        member.compute.wait_for_server(server, "SHUTOFF", interval=0.1)

    image = cli.ok(
        "image", "create", server.id, "--name", "off", "--account", project.name, "--wait"
    ).json

    assert image["status"] == "available"
    assert image["consistency"] == "offline"
    assert image["size_bytes"] == images_in_glance(cloud, project)[0].size
    with cloud.connection(project.cloud) as member:
        assert member.compute.get_server(server.id).status == "SHUTOFF"


@pytest.mark.parametrize("look", ["image list", "image show", "task show"])
def test_capture_that_nobody_waits_for_is_settled_by_the_next_look(
    look: str, cli: CommandLine, cloud: EmbeddedCloud, owner: Project, web: Server
) -> None:
    wait_until_idle(cloud, web)
    account = ["--account", owner.name]

    created = cli.ok("image", "create", "web-1", "--name", "later", *account).json
    with cloud.connection(owner.cloud) as member:
        cloud_image_id = created["cloud_image_id"]
        wait_for(lambda: member.image.get_image(cloud_image_id).status == "active", "the bytes")
    match look:
        case "image list":
            [image] = cli.ok("image", "list", *account).json
        case "image show":
            image = cli.ok("image", "show", "later", *account).json
        case "task show":
            task = cli.ok("task", "show", created["task_id"], *account).json
            assert (task["state"], task["progress"]) == ("succeeded", 100)
            image = cli.ok("image", "show", created["id"], *account).json

    assert created["status"] == "creating"
    assert created["size_bytes"] is None
    assert created["available_at"] is None
    assert image["status"] == "available"
    assert image["size_bytes"] == SIZE_BYTES
    assert created["created_at"] <= image["available_at"] <= format_instant(system_clock())


@pytest.mark.parametrize("step", ["extract", "upload"])
def test_capture_that_fails_leaves_an_error_with_its_reason_and_no_image(
    step: str, cli: CommandLine, cloud: EmbeddedCloud, project: Project
) -> None:
    server = cloud.boot(project, metadata={"minicloud_snapshot_fail": step})
    account = ["--account", project.name]

    result = cli.refused(
        1, "The create task failed: The image disappeared",
        "image", "create", server.id, "--name", "doomed", *account, "--wait",
    )  # fmt: skip

    [image] = cli.ok("image", "list", *account).json
    [task] = cli.ok("task", "list", *account).json
    assert image == result.json
    assert image["status"] == "error"
    assert image["available_at"] is None
    assert image["size_bytes"] is None
    assert task["state"] == "failed"
    assert task["id"] == image["task_id"]
    assert task["error"] == image["error"]
    assert "too little space" in image["error"]
    assert images_in_glance(cloud, project) == []


def test_failed_capture_frees_its_slot(
    cli: CommandLine, cloud: EmbeddedCloud, project: Project
) -> None:
    server = cloud.boot(project, metadata={"minicloud_snapshot_fail": "extract"})
    account = ["--account", project.name]

    created = cli.ok("image", "create", server.id, "--name", "doomed", *account).json
    held_meanwhile = cli.ok("limit", "show", *account).json["held"]
    failed = image_when_settled(cli, project.name)

    assert (created["status"], held_meanwhile) == ("creating", 1)
    assert failed["status"] == "error"
    assert cli.ok("limit", "show", *account).json["held"] == 0


def test_image_of_zero_bytes_never_becomes_available(
    cli: CommandLine, cloud: EmbeddedCloud, project: Project
) -> None:
    server = cloud.boot(project, metadata={"minicloud_snapshot_size": "0"})
    account = ["--account", project.name]

    image = cli.refused(
        1, "0 bytes", "image", "create", server.id, "--name", "hollow", *account, "--wait"
    ).json

    assert image["status"] == "error"
    assert image["available_at"] is None
    assert image["size_bytes"] in (None, 0)
    assert cli.ok("limit", "show", *account).json["held"] == 0


def test_image_without_bytes_stays_creating(
    cli: CommandLine, cloud: EmbeddedCloud, project: Project
) -> None:
    server = cloud.boot(project, metadata={"minicloud_snapshot_fail": "noupload"})
    account = ["--account", project.name]

    cli.ok("image", "create", server.id, "--name", "silent", *account)
    wait_until_idle(cloud, server)

    [image] = cli.ok("image", "list", *account).json
    [task] = cli.ok("task", "list", *account).json
    assert image["status"] == "creating"
    assert image["available_at"] is None
    assert task["state"] == "running"
    assert task["progress"] < 100


def test_image_survives_the_deletion_of_its_instance_during_the_upload(
    cli: CommandLine, cloud: EmbeddedCloud, project: Project
) -> None:
    server = cloud.boot(project, "short-lived", metadata={"minicloud_upload_delay": "6"})
    account = ["--account", project.name]

    created = cli.ok("image", "create", server.id, "--name", "heir", *account).json
    with cloud.connection(project.cloud) as member:
        cloud_image_id = created["cloud_image_id"]
        wait_for(lambda: member.image.get_image(cloud_image_id).status == "saving", "the upload")
        member.compute.delete_server(server)
        member.compute.wait_for_delete(server, interval=0.1)
    image = image_when_settled(cli, project.name)

    assert image["status"] == "available"
    assert image["size_bytes"] == images_in_glance(cloud, project)[0].size
    assert image["source_instance_name"] == "short-lived"


def test_deletion_of_the_instance_before_the_upload_fails_the_capture(
    cli: CommandLine, cloud: EmbeddedCloud, project: Project
) -> None:
    server = cloud.boot(project, metadata={"minicloud_snapshot_delay": "1.5"})
    account = ["--account", project.name]

    cli.ok("image", "create", server.id, "--name", "orphan", *account)
    with cloud.connection(project.cloud) as member:
        compute = member.compute
        wait_for(
            lambda: compute.get_server(server.id).task_state == "image_pending_upload",
            "the disk to be read",
        )
        compute.delete_server(server)
    image = image_when_settled(cli, project.name)

    assert image["status"] == "error"
    assert image["error"]
    assert cli.ok("limit", "show", *account).json["held"] == 0
    assert images_in_glance(cloud, project) == []


def test_deletion_of_the_instance_that_nova_does_not_notice_fails_the_capture(
    cli: CommandLine, cloud: EmbeddedCloud, project: Project
) -> None:
    """Nova leaves the image queued where the instance goes before the compute host begins."""
    server = cloud.boot(project, metadata={"minicloud_snapshot_fail": "noupload"})
    account = ["--account", project.name]
    clock = cli.clock = SetClock(system_clock())
    cli.ok("image", "create", server.id, "--name", "orphan", *account)
    with cloud.connection(project.cloud) as member:
        compute = member.compute
        wait_for(lambda: compute.get_server(server.id).task_state is None, "nothing to be uploaded")
        compute.delete_server(server)
        compute.wait_for_delete(server, interval=0.1)

    for minutes, status in ((0, "creating"), (1, "creating"), (1, "error")):
        clock.now += timedelta(minutes=minutes)
        [image] = cli.ok("image", "list", *account).json
        assert image["status"] == status

    assert image["error"] == "The instance was deleted before its disk was uploaded."
    assert cli.ok("limit", "show", *account).json["held"] == 0
    assert images_in_glance(cloud, project) == []


def test_instance_is_found_by_its_exact_name_and_not_by_a_pattern(
    cli: CommandLine, cloud: EmbeddedCloud, project: Project
) -> None:
    dotted = cloud.boot(project, "web.1*")
    cloud.boot(project, "web-11")

    image = cli.ok("image", "create", "web.1*", "--name", "exact", "--account", project.name).json

    assert image["source_instance_id"] == dotted.id


@pytest.mark.parametrize(
    "name", ["Bücher 数据 данные ☕ =1+1 <b>'\";--", "x" * 255], ids=["languages", "longest"]
)
def test_name_of_any_language_reaches_glance_unchanged(
    name: str, cli: CommandLine, cloud: EmbeddedCloud, owner: Project, web: Server
) -> None:
    wait_until_idle(cloud, web)

    image = cli.ok("image", "create", web.id, "--name", name, "--account", owner.name).json

    assert image["name"] == name
    with cloud.connection(owner.cloud) as member:
        assert member.image.get_image(image["cloud_image_id"]).name == name


@pytest.mark.parametrize(
    "name", ["rocket 🚀 " + "é" * 246, "team 👩\u200d💻"], ids=["255 with emoji", "joined emoji"]
)
def test_name_with_emoji_is_kept_on_record(
    name: str, cli: CommandLine, cloud: EmbeddedCloud, owner: Project, web: Server
) -> None:
    wait_until_idle(cloud, web)
    account = ["--account", owner.name]

    image = cli.ok("image", "create", web.id, "--name", name, *account, "--wait").json

    assert (image["name"], image["status"]) == (name, "available")
    assert cli.ok("image", "show", name, *account).json == image
