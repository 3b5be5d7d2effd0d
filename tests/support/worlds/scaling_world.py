"""An account with scaling groups on real Heat, and what its customer may have made there."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.processes.command_line import CommandLine, write_config

NO_NETWORK = [{"allocate_network": "none"}]


def template(size: int, image: Any, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what a customer may have written: a group of plain instances."""
    server = {"image": image, "flavor": "m1.tiny", "networks": NO_NETWORK}
    group = {
        "min_size": 0,
        "max_size": 3,
        "desired_capacity": size,
        "resource": {"type": "OS::Nova::Server", "properties": server},
    }
    return {
        "heat_template_version": "2018-08-31",
        "parameters": parameters or {},
        "resources": {"workers": {"type": "OS::Heat::AutoScalingGroup", "properties": group}},
    }


@dataclass(kw_only=True)
class ScalingProject:
    """An account with the images ``golden`` and ``silver``, and a Heat beside it.

    ``project`` is one of the account, which has the instance ``web-1``.
    """

    cloud: EmbeddedCloud
    cli: CommandLine
    project: Project
    account_name: str
    golden: Any = None
    silver: Any = None

    @property
    def account(self) -> tuple[str, str]:
        """The option that names the account."""
        return ("--account", self.account_name)

    def group(self, *command: str) -> Any:
        """Run a command on a scaling group that must succeed; return the group that it shows."""
        return self.cli.ok("scaling-group", *command, *self.account).json

    def refused(self, exit_code: int, message: str, *command: str) -> None:
        """Run a command on a scaling group that must be refused."""
        self.cli.refused(exit_code, message, "scaling-group", *command, *self.account)

    def heat(self, method: str, path: str, project: Project | None = None, **more: Any) -> Any:
        """Ask Heat as a member of the project, or of another one of the account."""
        with self.cloud.connection((project or self.project).cloud) as member:
            answer = member.orchestration.request(path, method, **more)
            return answer.json() if "json" in answer.headers.get("Content-Type", "") else None

    def stack(
        self, name: str, body: dict[str, Any], project: Project | None = None, **parameters: Any
    ) -> None:
        """Have the customer make a stack, and wait for it."""
        body = {"stack_name": name, "template": body, "parameters": parameters}
        self.heat("POST", "/stacks", project, json=body)
        wait_for(lambda: self.status(name, project) == "CREATE_COMPLETE", f"stack {name}")

    def capture(self, name: str) -> Any:
        """Make an image of the account's instance ``web-1``."""
        with self.cloud.connection(self.project.cloud) as member:
            compute = member.compute
            [server] = [found for found in compute.servers() if found.name == "web-1"]
            wait_for(lambda: compute.get_server(server.id).task_state is None, "an idle instance")
        return self.cli.ok("image", "create", "web-1", "--name", name, *self.account, "--wait").json

    def status(self, name: str, project: Project | None = None) -> str:
        """Return Heat's word for the status of a stack."""
        return str(self.heat("GET", f"/stacks/{name}", project)["stack"]["stack_status"])


def images_of(group: Any) -> dict[str, str]:
    """Return the image of each instance of a group, by the instances' ids."""
    return {member["server_id"]: member["cloud_image_id"] for member in group["members"]}


@contextlib.contextmanager
def opened(
    cloud: EmbeddedCloud, directory: Path, project: Project, account_name: str, **more: str
) -> Iterator[ScalingProject]:
    """Open a project on a ledger of its own in the directory; ``more`` is text for its options.

    A context, because the module's tests share it.
    """
    url = f"sqlite:///{directory / 'instance-images.db'}"
    cli = CommandLine(write_config(directory / "instance-images.conf", url, **more))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OS_CLIENT_CONFIG_FILE", str(cloud.clouds_yaml))
        cli.ok("db", "upgrade")
        yield ScalingProject(cloud=cloud, cli=cli, project=project, account_name=account_name)
        cloud.clear_faults()
