"""An image of the account becomes its new instances, or a refusal that leaves nothing."""

import base64
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from instance_images.instants import parse_instant, system_clock

from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.processes.command_line import CommandLine, Result, write_config

pytestmark = pytest.mark.cloud


TINY = ("--name", "n", "--flavor", "m1.tiny")


@dataclass(frozen=True)
class ImageOwner:
    """A customer's project and ledger with one available image, named ``golden``."""

    cloud: EmbeddedCloud
    cli: CommandLine
    project: Project
    image: Any

    def deploy(self, *more: str, image: str = "golden") -> tuple[str, ...]:
        """Return the command that deploys the image, but for the options in ``more``."""
        return ("image", "deploy", image, "--account", self.project.name, *more)

    def ok(self, *more: str) -> Result:
        """Deploy an instance without a network, and wait for it."""
        return self.cli.ok(*self.deploy("--flavor", "m1.tiny", "--network", "none", *more))

    def left(self) -> tuple[set[str], set[str]]:
        """Return the ids of the project's instances and of the account's tasks."""
        with self.cloud.connection(self.project.cloud) as member:
            servers = {server.id for server in member.compute.servers()}
        tasks = self.cli.ok("task", "list", "--account", self.project.name).json
        return servers, {task["id"] for task in tasks}


@pytest.fixture(scope="module")
def owner(
    embedded_cloud: EmbeddedCloud, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ImageOwner]:
    project = embedded_cloud.new_project()
    embedded_cloud.boot(project, "web-1")
    directory = tmp_path_factory.mktemp("owner")
    url = f"sqlite:///{directory / 'instance-images.db'}"
    cli = CommandLine(write_config(directory / "instance-images.conf", url))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OS_CLIENT_CONFIG_FILE", str(embedded_cloud.clouds_yaml))
        cli.ok("db", "upgrade")
        created = cli.ok(
            "image", "create", "web-1", "--name", "golden", "--account", project.name, "--wait"
        )
        yield ImageOwner(embedded_cloud, cli, project, created.json)
        embedded_cloud.clear_faults()


def test_deployed_instance_runs_from_the_image_in_the_accounts_project(
    owner: ImageOwner,
) -> None:
    result = owner.ok("--name", "web-2", "--wait")

    task = result.json
    with owner.cloud.connection(owner.project.cloud) as member:
        server = member.compute.get_server(task["server_id"])
    assert (task["kind"], task["state"], task["progress"]) == ("deploy", "succeeded", 100)
    assert task["image_id"] == owner.image["id"]
    assert task["error"] is None
    assert server.status == "ACTIVE"
    assert server.name == "web-2"
    assert server.image.id == owner.image["cloud_image_id"]
    assert server.flavor.name == "m1.tiny"
    assert server.project_id == owner.project.id
    assert f"Instance web-2 ({server.id}): no address" in result.err


def test_deployment_that_nobody_waits_for_is_settled_by_the_next_look(
    owner: ImageOwner,
) -> None:
    begun = owner.ok("--name", "later").json

    with owner.cloud.connection(owner.project.cloud) as member:
        wait_for(
            lambda: member.compute.get_server(begun["server_id"]).status == "ACTIVE", "the instance"
        )
    settled = owner.cli.ok("task", "show", begun["id"], "--account", owner.project.name).json
    assert begun["state"] == "running"
    assert begun["progress"] < 100
    assert (settled["state"], settled["progress"]) == ("succeeded", 100)


def test_deployed_instance_gets_an_address_of_the_network_and_the_command_tells_it(
    owner: ImageOwner,
) -> None:
    result = owner.cli.ok(
        *owner.deploy(
            "--name", "wired", "--flavor", "m1.tiny", "--network", "private", "--wait"
        )
    )  # fmt: skip

    with owner.cloud.connection(owner.project.cloud) as member:
        [port] = member.compute.get_server(result.json["server_id"]).addresses["private"]
    assert port["addr"].startswith("10.20.")
    assert result.err.splitlines()[-1].endswith(f": {port['addr']}")


def test_deployed_instance_gets_the_key_pair_that_was_named(owner: ImageOwner) -> None:
    with owner.cloud.connection() as operator:
        operator.compute.create_keypair(name="ops")

    task = owner.ok("--name", "keyed", "--key-name", "ops").json

    with owner.cloud.connection(owner.project.cloud) as member:
        assert member.compute.get_server(task["server_id"]).key_name == "ops"


@pytest.mark.parametrize("by", ["id", "cloud_image_id", "name"])
def test_image_is_deployed_by_id_by_the_clouds_id_or_by_name(by: str, owner: ImageOwner) -> None:
    command = owner.deploy(
        "--name", by, "--flavor", "m1.tiny", "--network", "none", image=owner.image[by]
    )

    assert owner.cli.ok(*command).json["image_id"] == owner.image["id"]


@pytest.mark.parametrize(
    ("options", "exit_code", "message"),
    [
        (("--name", "n", "--flavor", "m9.huge"), 3, "The account may use: m1.small, m1.tiny"),
        (("--name", "n", "--flavor", "m1.tiny", "--network", "dmz"), 3, "'dmz' was not found"),
        (("--name", "n", "--flavor", "m1.tiny", "--network", "dmz"), 3, "may use: private"),
        (
            ("--name", "n", "--flavor", "m1.tiny", "--network", "none", "--key-name", "lost"),
            3,
            "Key pair 'lost' was not found. The user of the credentials has: ",
        ),
        ((*TINY, "--network", "private", "--security-group", "web"), 3, "may use: default."),
        ((*TINY, "--server-group", "far"), 3, "'far' was not found. The account may use: none."),
        ((*TINY, "--availability-zone", "mars"), 3, "'mars' was not found. The account may use: "),
        ((*TINY, "--availability-zone", "nova:minicloud"), 3, "may use: nova."),
        ((*TINY, "--count", "0"), 2, "0 is not in the range"),
        ((*TINY, "--count", "51"), 2, "51 is not in the range"),
        ((*TINY, "--volume-gib", "0"), 2, "0 is not in the range"),
        ((*TINY, "--user-data", "/nowhere/init.sh"), 2, "No such file"),
        (
            (*TINY, "--network", "none", "--network", "private"),
            2,
            "cannot be combined with other networks",
        ),
        ((*TINY, "--network", "none", "--security-group", "default"), 2, "cannot be combined"),
        (("--flavor", "m1.tiny", "--name", "x" * 254, "--count", "10"), 2, "257 characters"),
        (("--name", "", "--flavor", "m1.tiny"), 2, "The name is empty"),
        (("--name", "x" * 256, "--flavor", "m1.tiny"), 2, "255"),
        (("--name", "a\x1b[31mb", "--flavor", "m1.tiny"), 2, "control or invisible"),
        (("--flavor", "m1.tiny"), 2, "Missing option '--name'"),
        (("--name", "n"), 2, "Missing option '--flavor'"),
    ],
)
def test_refused_deployment_says_why_and_leaves_nothing(
    options: tuple[str, ...], exit_code: int, message: str, owner: ImageOwner
) -> None:
    before = owner.left()

    owner.cli.refused(exit_code, message, *owner.deploy(*options))

    assert owner.left() == before


@pytest.mark.parametrize(
    ("needs", "message"),
    [
        ({"min_disk": 5}, "1 GiB of disk, and the image needs 5 GiB"),
        ({"min_ram": 128}, "64 MiB of memory, and the image needs 128"),
        ({"min_disk": 5}, "A volume of 4 GiB is too small for the image, which needs 5 GiB"),
    ],
)
def test_flavor_or_volume_that_is_too_small_for_the_image_is_refused(
    needs: dict[str, int], message: str, owner: ImageOwner
) -> None:
    volume = ("--volume-gib", "4") if "volume" in message else ()
    before = owner.left()
    with owner.cloud.connection(owner.project.cloud) as member:
        image: Any = member.image.get_image(owner.image["cloud_image_id"])
        was = {name: getattr(image, name) for name in needs}
        image = member.image.update_image(image, **needs)

        owner.cli.refused(3, message, *owner.deploy(*TINY, *volume))

        member.image.update_image(image, **was)
    assert owner.left() == before


def test_flavor_that_is_large_enough_is_taken(owner: ImageOwner) -> None:
    command = owner.deploy("--name", "large", "--flavor", "m1.small", "--network", "none", "--wait")

    assert owner.cli.ok(*command).json["state"] == "succeeded"


def test_several_instances_are_numbered_and_all_belong_to_the_task(
    owner: ImageOwner,
) -> None:
    result = owner.ok("--name", "fleet", "--count", "3", "--wait")

    task = result.json
    with owner.cloud.connection(owner.project.cloud) as member:
        servers = [member.compute.get_server(server_id) for server_id in task["server_ids"]]
    assert [server.name for server in servers] == ["fleet-1", "fleet-2", "fleet-3"]
    assert {server.status for server in servers} == {"ACTIVE"}
    assert {server.image.id for server in servers} == {owner.image["cloud_image_id"]}
    assert task["server_id"] == task["server_ids"][0]
    assert [line.split()[1] for line in result.err.splitlines()[-3:]] == [s.name for s in servers]


def test_of_several_instances_one_that_is_deleted_meanwhile_is_missed(
    owner: ImageOwner,
) -> None:
    begun = owner.ok("--name", "pair", "--count", "2").json
    with owner.cloud.connection(owner.project.cloud) as member:
        compute = member.compute
        compute.delete_server(begun["server_ids"][1])
        wait_for(lambda: compute.find_server(begun["server_ids"][1]) is None, "the deletion")
        wait_for(
            lambda: compute.get_server(begun["server_ids"][0]).status == "ACTIVE", "the other one"
        )

    task = owner.cli.ok("task", "show", begun["id"], "--account", owner.project.name).json

    assert task["state"] == "failed"
    assert task["error"] == "1 of 2 instances do not exist: they were deleted or never created."


def test_instances_that_novas_lists_would_leave_out_are_not_missed(
    owner: ImageOwner,
) -> None:
    begun = owner.ok("--name", "twin", "--count", "2").json
    with owner.cloud.connection(owner.project.cloud) as member:
        compute = member.compute
        for server_id in begun["server_ids"]:
            wait_for(lambda id=server_id: compute.get_server(id).status == "ACTIVE", "the twins")
        compute.delete_server_metadata(begun["server_ids"][0], ["instance_images_request"])
    # As Nova leaves an instance that is scheduled, until its host has begun with it.
    nova_db = owner.cloud.state_dir / "db" / "nova_cell1.sqlite"
    with contextlib.closing(sqlite3.connect(nova_db, timeout=60)) as nova, nova:
        ids = begun["server_ids"]
        nova.execute("UPDATE instances SET updated_at = NULL WHERE uuid IN (?, ?)", ids)

    found = owner.cli.site().provider.find_requested_servers(
        owner.project.id, begun["id"], parse_instant(begun["created_at"])
    )
    task = owner.cli.ok("task", "show", begun["id"], "--account", owner.project.name).json

    assert [server.id for server in found] == begun["server_ids"][1:]
    assert (task["state"], task["server_ids"]) == ("succeeded", begun["server_ids"])


@pytest.mark.parametrize("option", ["--volume-gib", "--volume-gb"])
def test_instance_boots_from_a_new_volume_that_is_deleted_with_it(
    option: str, owner: ImageOwner
) -> None:
    task = owner.ok("--name", "from-volume", option, "1", "--wait").json

    with owner.cloud.connection(owner.project.cloud) as member:
        server = member.compute.get_server(task["server_id"])
        [volume] = server.attached_volumes
        disk: Any = member.block_storage.get_volume(volume.id)
        assert (disk.size, disk.is_bootable) == (1, True)
        assert disk.volume_image_metadata["image_id"] == owner.image["cloud_image_id"]
        assert not (server.image or {}).get("id")
        member.compute.delete_server(server)
        wait_for(
            lambda: volume.id not in {left.id for left in member.block_storage.volumes()},
            "the volume to go too",
        )


def test_instance_gets_all_that_was_ordered_for_it(owner: ImageOwner, tmp_path: Path) -> None:
    script = tmp_path / "init.sh"
    script.write_bytes(b"#!/bin/sh\necho \xff\n")
    with owner.cloud.connection(owner.project.cloud) as member:
        member.network.create_security_group(name="web")
        group = member.compute.create_server_group(name="far", policies=["anti-affinity"])

    task = owner.cli.ok(*owner.deploy(
        "--name", "full", "--flavor", "m1.tiny", "--network", "private", "--wait",
        "--security-group", "web", "--security-group", "default", "--server-group", "far",
        "--availability-zone", "nova", "--user-data", str(script),
    )).json  # fmt: skip

    with owner.cloud.connection() as operator:
        server = operator.compute.get_server(task["server_id"])
    with owner.cloud.connection(owner.project.cloud) as member:
        group = member.compute.get_server_group(group.id)
    assert {g["name"] for g in server.security_groups} == {"web", "default"}
    assert group.member_ids == [server.id]
    assert server.availability_zone == "nova"
    assert base64.b64decode(server.user_data) == script.read_bytes()


def test_user_data_is_taken_up_to_the_clouds_limit(owner: ImageOwner, tmp_path: Path) -> None:
    init = tmp_path / "init"
    init.write_bytes(b"#" * 49149)
    owner.ok("--name", "longest", "--user-data", str(init))
    init.write_bytes(b"#" * 49150)
    before = owner.left()

    owner.cli.refused(
        2, "The user data has 49150 bytes; the cloud accepts at most 49149",
        *owner.deploy(*TINY, "--user-data", str(init)),
    )  # fmt: skip

    assert owner.left() == before


def test_order_beyond_the_quota_is_refused_in_novas_words_and_makes_none(
    owner: ImageOwner,
) -> None:
    before = owner.left()
    with owner.cloud.connection() as operator:
        operator.compute.update_quota_set(owner.project.id, instances=len(before[0]) + 1)

        owner.cli.refused(
            3, "Nova refused to make the instance: Quota exceeded for instances: Requested 2",
            *owner.deploy(*TINY, "--network", "none", "--count", "2"),
        )  # fmt: skip

        operator.compute.update_quota_set(owner.project.id, instances=-1)
    assert owner.left() == before


def test_nothing_of_another_project_goes_into_an_instance(owner: ImageOwner) -> None:
    before = owner.left()
    stranger = owner.cloud.new_project()
    with owner.cloud.connection(stranger.cloud) as other:
        network = other.network.create_network(name="theirs")
        guard = other.network.create_security_group(name="theirs")
        group = other.compute.create_server_group(name="theirs", policies=["affinity"])
    with owner.cloud.connection() as operator:
        flavor = operator.compute.create_flavor(
            name=f"for-{stranger.name}", ram=64, vcpus=1, disk=1, is_public=False
        )
        operator.compute.flavor_add_tenant_access(flavor, stranger.id)

    for options in (
        (*TINY, "--network", network.id),
        (*TINY, "--network", "theirs"),
        (*TINY, "--network", "private", "--security-group", guard.id),
        (*TINY, "--server-group", group.id),
        ("--name", "n", "--flavor", flavor.name),
        ("--name", "n", "--flavor", flavor.id),
    ):
        owner.cli.refused(3, "was not found", *owner.deploy(*options))

    assert owner.left() == before


def test_flavor_that_only_this_project_was_given_can_be_used(owner: ImageOwner) -> None:
    with owner.cloud.connection() as operator:
        flavor = operator.compute.create_flavor(
            name=f"for-{owner.project.name}", ram=64, vcpus=1, disk=1, is_public=False
        )
        operator.compute.flavor_add_tenant_access(flavor, owner.project.id)

    command = owner.deploy("--name", "own", "--flavor", flavor.name, "--network", "none")

    assert owner.cli.ok(*command).json["state"] == "running"


@pytest.mark.parametrize("status", [503, 429])
def test_deployment_that_nova_did_not_take_fails_when_nobody_can_wait_for_it(
    status: int, owner: ImageOwner
) -> None:
    before = owner.left()
    owner.cloud.fault("nova", "POST", "/servers$", status)

    owner.cli.refused(
        4, f"Nova of location RegionOne answered HTTP {status}",
        *owner.deploy(*TINY, "--network", "none", "--count", "2"),
    )  # fmt: skip

    servers, tasks = owner.left()
    [task_id] = tasks - before[1]
    show = ("task", "show", task_id, "--account", owner.project.name)
    assert owner.cli.ok(*show).json["state"] == "pending"
    after_the_grace = replace(owner.cli, clock=lambda: system_clock() + timedelta(minutes=3))
    assert after_the_grace.ok(*show).json["state"] == "failed"
    assert servers == before[0]


def test_all_instances_are_found_although_the_answer_was_lost(
    owner: ImageOwner,
) -> None:
    before = owner.left()
    owner.cloud.fault("nova", "POST", "/servers$", "drop-after")

    owner.cli.refused(
        4, "The deployment is recorded as task",
        *owner.deploy("--name", "lost", "--flavor", "m1.tiny", "--network", "none", "--count", "2"),
    )  # fmt: skip

    servers, tasks = owner.left()
    [task_id] = tasks - before[1]
    show = ("task", "show", task_id, "--account", owner.project.name)
    wait_for(lambda: owner.cli.ok(*show).json["state"] == "succeeded", "the instances")
    assert set(owner.cli.ok(*show).json["server_ids"]) == servers - before[0]
    assert len(servers - before[0]) == 2


@pytest.mark.parametrize(("killed", "made"), [("before", 0), ("after", 2)])
def test_what_became_of_a_killed_deployment_is_found_out_by_the_next_command(
    killed: str, made: int, owner: ImageOwner
) -> None:
    before = owner.left()

    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "support.processes.deploy_worker",
         str(owner.cli.config_file), owner.project.name, killed],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )  # fmt: skip

    assert process.returncode == -signal.SIGKILL
    servers, tasks = owner.left()
    [task_id] = tasks - before[1]
    show = ("task", "show", task_id, "--account", owner.project.name)
    command_line = owner.cli
    if not made:
        assert owner.cli.ok(*show).json["state"] == "pending"
        command_line = replace(owner.cli, clock=lambda: system_clock() + timedelta(minutes=3))
    wait_for(lambda: command_line.ok(*show).json["state"] in ("succeeded", "failed"), "the end")
    task = command_line.ok(*show).json
    assert task["state"] == ("succeeded" if made else "failed")
    assert set(task["server_ids"]) == servers - before[0]
    assert len(task["server_ids"]) == made


def test_image_that_is_still_being_created_cannot_be_deployed(
    cli: CommandLine, cloud: EmbeddedCloud, project: Project
) -> None:
    server = cloud.boot(project, metadata={"minicloud_snapshot_delay": "3"})
    account = ["--account", project.name]
    cli.ok("image", "create", server.id, "--name", "young", *account)

    cli.refused(
        3, "is creating: only an available image can be deployed",
        "image", "deploy", "young", "--name", "n", "--flavor", "m1.tiny", *account,
    )  # fmt: skip

    assert [task["kind"] for task in cli.ok("task", "list", *account).json] == ["create"]
    with cloud.connection(project.cloud) as member:
        assert [found.id for found in member.compute.servers()] == [server.id]


def test_image_that_was_deleted_in_glance_cannot_be_deployed(
    cli: CommandLine, cloud: EmbeddedCloud, project: Project
) -> None:
    server = cloud.boot(project)
    account = ["--account", project.name]
    created = cli.ok("image", "create", server.id, "--name", "lost", *account, "--wait").json
    with cloud.connection(project.cloud) as member:
        member.image.delete_image(created["cloud_image_id"])

    cli.refused(
        3, "was deleted from the image service, or no longer belongs",
        "image", "deploy", "lost", "--name", "n", "--flavor", "m1.tiny", *account,
    )  # fmt: skip

    assert [task["kind"] for task in cli.ok("task", "list", *account).json] == ["create"]


def test_instance_that_nova_cannot_place_fails_the_task_with_novas_words(
    cli: CommandLine, cloud: EmbeddedCloud, project: Project
) -> None:
    server = cloud.boot(project)
    account = ["--account", project.name]
    created = cli.ok("image", "create", server.id, "--name", "alien", *account, "--wait").json
    with cloud.connection(project.cloud) as member:
        image: Any = member.image.get_image(created["cloud_image_id"])
        member.image.update_image(image, architecture="s390x")  # no host here has it

    result = cli.refused(
        1, "The deploy task failed: No valid host was found",
        "image", "deploy", "alien", "--name", "n", "--flavor", "m1.tiny", "--network", "none",
        *account, "--wait",
    )  # fmt: skip

    task = result.json
    assert task["state"] == "failed"
    assert task["error"].startswith("No valid host was found. ")
    assert f"Instance n ({task['server_id']}) is in error. It is left for you" in task["error"]
    with cloud.connection(project.cloud) as member:
        assert member.compute.get_server(task["server_id"]).status == "ERROR"
    assert cli.ok("image", "show", "alien", *account).json["status"] == "available"
