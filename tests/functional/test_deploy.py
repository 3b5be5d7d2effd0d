"""An image of the account becomes its new instances, or a refusal that leaves nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from command_line import CommandLine, Result, write_config
from embedded_cloud import EmbeddedCloud, Project, wait_for

pytestmark = pytest.mark.cloud


@dataclass(frozen=True)
class Home:
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
def home(embedded_cloud: EmbeddedCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    project = embedded_cloud.new_project()
    embedded_cloud.boot(project, "web-1")
    directory = tmp_path_factory.mktemp("home")
    url = f"sqlite:///{directory / 'instance-images.db'}"
    cli = CommandLine(write_config(directory / "instance-images.conf", url))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OS_CLIENT_CONFIG_FILE", str(embedded_cloud.clouds_yaml))
        cli.ok("db", "upgrade")
        created = cli.ok(
            "image", "create", "web-1", "--name", "golden", "--account", project.name, "--wait"
        )
        yield Home(embedded_cloud, cli, project, created.json)


def test_deployed_instance_runs_from_the_image_in_the_accounts_project(home: Home) -> None:
    result = home.ok("--name", "web-2", "--wait")

    task = result.json
    with home.cloud.connection(home.project.cloud) as member:
        server = member.compute.get_server(task["server_id"])
    assert (task["kind"], task["state"], task["progress"]) == ("deploy", "succeeded", 100)
    assert task["image_id"] == home.image["id"]
    assert task["error"] is None
    assert server.status == "ACTIVE"
    assert server.name == "web-2"
    assert server.image.id == home.image["cloud_image_id"]
    assert server.flavor.name == "m1.tiny"
    assert server.project_id == home.project.id
    assert f"Instance web-2 ({server.id}): no address" in result.err


def test_deployment_that_nobody_waits_for_is_settled_by_the_next_look(home: Home) -> None:
    begun = home.ok("--name", "later").json

    with home.cloud.connection(home.project.cloud) as member:
        wait_for(
            lambda: member.compute.get_server(begun["server_id"]).status == "ACTIVE", "the instance"
        )
    settled = home.cli.ok("task", "show", begun["id"], "--account", home.project.name).json
    assert begun["state"] == "running"
    assert begun["progress"] < 100
    assert (settled["state"], settled["progress"]) == ("succeeded", 100)


def test_deployed_instance_gets_an_address_of_the_network_and_the_command_tells_it(
    home: Home,
) -> None:
    result = home.cli.ok(
        *home.deploy(
            "--name", "wired", "--flavor", "m1.tiny", "--network", "private", "--wait"
        )
    )  # fmt: skip

    with home.cloud.connection(home.project.cloud) as member:
        [port] = member.compute.get_server(result.json["server_id"]).addresses["private"]
    assert port["addr"].startswith("10.20.")
    assert result.err.splitlines()[-1].endswith(f": {port['addr']}")


def test_deployed_instance_gets_the_key_pair_that_was_named(home: Home) -> None:
    with home.cloud.connection() as operator:
        operator.compute.create_keypair(name="ops")

    task = home.ok("--name", "keyed", "--key-name", "ops").json

    with home.cloud.connection(home.project.cloud) as member:
        assert member.compute.get_server(task["server_id"]).key_name == "ops"


@pytest.mark.parametrize("by", ["id", "cloud_image_id", "name"])
def test_image_is_deployed_by_id_by_the_clouds_id_or_by_name(by: str, home: Home) -> None:
    command = home.deploy(
        "--name", by, "--flavor", "m1.tiny", "--network", "none", image=home.image[by]
    )

    assert home.cli.ok(*command).json["image_id"] == home.image["id"]


@pytest.mark.parametrize(
    ("options", "exit_code", "message"),
    [
        (("--name", "n", "--flavor", "m9.huge"), 3, "The account may use: m1.small, m1.tiny"),
        (("--name", "n", "--flavor", "m1.tiny", "--network", "dmz"), 3, "'dmz' was not found"),
        (("--name", "n", "--flavor", "m1.tiny", "--network", "dmz"), 3, "may use: private"),
        (
            ("--name", "n", "--flavor", "m1.tiny", "--network", "none", "--key-name", "lost"),
            3,
            "Nova refused to make the instance: Invalid key_name",
        ),
        (("--name", "", "--flavor", "m1.tiny"), 2, "The name is empty"),
        (("--name", "x" * 256, "--flavor", "m1.tiny"), 2, "255"),
        (("--name", "a\x1b[31mb", "--flavor", "m1.tiny"), 2, "control or invisible"),
        (("--flavor", "m1.tiny"), 2, "Missing option '--name'"),
        (("--name", "n"), 2, "Missing option '--flavor'"),
    ],
)
def test_refused_deployment_says_why_and_leaves_nothing(
    options: tuple[str, ...], exit_code: int, message: str, home: Home
) -> None:
    before = home.left()

    home.cli.refused(exit_code, message, *home.deploy(*options))

    assert home.left() == before


@pytest.mark.parametrize(
    ("needs", "message"),
    [
        ({"min_disk": 5}, "1 GiB of disk, and the image needs 5 GiB"),
        ({"min_ram": 128}, "64 MiB of memory, and the image needs 128"),
    ],
)
def test_flavor_that_is_too_small_for_the_image_is_refused(
    needs: dict[str, int], message: str, home: Home
) -> None:
    before = home.left()
    with home.cloud.connection(home.project.cloud) as member:
        image: Any = member.image.get_image(home.image["cloud_image_id"])
        was = {name: getattr(image, name) for name in needs}
        image = member.image.update_image(image, **needs)

        home.cli.refused(3, message, *home.deploy("--name", "n", "--flavor", "m1.tiny"))

        member.image.update_image(image, **was)
    assert home.left() == before


def test_flavor_that_is_large_enough_is_taken(home: Home) -> None:
    command = home.deploy("--name", "large", "--flavor", "m1.small", "--network", "none", "--wait")

    assert home.cli.ok(*command).json["state"] == "succeeded"


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
        3, "no longer in the image service",
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

    assert result.json["state"] == "failed"
    assert "No valid host was found" in result.json["error"]
    assert cli.ok("image", "show", "alien", *account).json["status"] == "available"
