"""The API, the embedded cloud, and the command line on the same database."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import requests

from support.clouds.embedded_cloud import EmbeddedCloud, Project
from support.processes.api_server import (
    ApiServer,
    enter_in_catalog,
    running_api,
    token_section,
)
from support.processes.command_line import CommandLine, write_config

PRICE = "0.05"


@dataclass(frozen=True)
class Office:
    """Where customers and the operator send requests with their tokens."""

    api: ApiServer
    cloud: EmbeddedCloud
    cli: CommandLine

    def token(self, cloud: str = "admin", project: Project | None = None) -> str:
        """Return a token of a user of the cloud, by default the operator's."""
        with self.cloud.connection(cloud, project) as connection:
            session: Any = connection.session
            return str(session.get_token())

    def ask(
        self, method: str, path: str, sender: Project | None, status: int, **more: Any
    ) -> requests.Response:
        """Send a request of a project's member, or of the operator; require this status."""
        answer = self.api(method, path, self.token(sender.cloud if sender else "admin"), **more)
        assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
        return answer

    @cached_property
    def customers(self) -> "Customers":
        """Two customers of the run: the first has an image."""
        project, stranger = self.cloud.new_project(), self.cloud.new_project()
        reader = self.cloud.new_user_of(project, "reader")
        outsider = self.cloud.new_user_of(project, "foo")
        server = self.cloud.boot(project, "web-1")
        image = self.cli.ok(
            *("image", "create", server.id, "--name", "golden", "--wait"),
            *("--account", project.id),
        ).json
        return Customers(
            member=project,
            reader=reader,
            outsider=outsider,
            stranger=stranger,
            server_id=server.id,
            image=image,
        )


@dataclass(frozen=True, kw_only=True)
class Customers:
    """A project with an image: its member, a reader, somebody with another role; and a stranger."""

    member: Project
    reader: Project
    outsider: Project
    stranger: Project
    server_id: str
    image: dict[str, Any]


@contextlib.contextmanager
def open_office(cloud: EmbeddedCloud, empty_database: Path, directory: Path) -> Iterator[Office]:
    """Run the API on a database of its own, and enter it in the catalog.

    The location has a rate before a test can set one: only the first begins with the present hour.
    """
    database = directory / "instance-images.db"
    shutil.copy(empty_database, database)
    config = write_config(
        directory / "instance-images.conf",
        f"sqlite:///{database}",
        location="volume_image_format = qcow2",  # a raw one is as large as its volume
        keystone_authtoken=token_section(cloud),
        healthcheck=f"disable_by_file_path = {directory / 'disabled'}",
    )
    cli = CommandLine(config)
    cli.ok("rate", "set", "RegionOne", PRICE)
    with running_api(config, directory, cloud) as api:
        enter_in_catalog(cloud, api.url)
        yield Office(api, cloud, cli)
