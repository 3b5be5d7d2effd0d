"""The embedded OpenStack cloud as the suite for drivers needs it: made with openstacksdk alone."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from openstack.connection import Connection

from instance_images.config.settings import Location
from instance_images.drivers.openstack.api import retries as openstack_retries
from instance_images.drivers.openstack.driver import OpenStackProvider
from instance_images.model.cloud import Project
from instance_images.testing import Capability, CloudBench

from support.clouds import embedded_cloud
from support.clouds.embedded_cloud import EmbeddedCloud, wait_for

LOCATION = Location(
    name="RegionOne",
    enabled=True,
    provider="openstack",
    cloud="admin",
    region_name="RegionOne",
    currency="EUR",
    max_images=None,
    stack_cloud="stacks",
)
# What begins captures and instances; faults hit other services' requests too, which these are not.
_BEGINNING = r"^/v2\.1/servers(/[^/]+/action)?$"


class EmbeddedBench(CloudBench):
    """The embedded cloud, in which everything can be done."""

    capabilities = frozenset(Capability)
    flavor = "m1.tiny"
    patience_seconds = embedded_cloud.PATIENCE_SECONDS
    # Glance takes no name with what lies beyond U+FFFF.
    foreign_names = tuple(name for name in CloudBench.foreign_names if max(name) <= "\uffff")

    def __init__(self, cloud: EmbeddedCloud) -> None:
        self.cloud = cloud
        self.projects: dict[str, embedded_cloud.Project] = {}
        self._connections: dict[str, Connection] = {}

    def close(self) -> None:
        """Close what was connected for the tests."""
        for connection in self._connections.values():
            connection.close()

    def _connected(self, project_id: str | None = None) -> Any:
        """Return a connection of the project's member, or of the operator; made once."""
        name = "admin" if project_id is None else self.projects[project_id].cloud
        if name not in self._connections:
            self._connections[name] = self.cloud.connection(name)
        return self._connections[name]

    def new_provider(self) -> OpenStackProvider:
        return OpenStackProvider(LOCATION)

    def new_project(self) -> Project:
        made = self.cloud.new_project("contract")
        self.projects[made.id] = made
        return Project(made.id, made.name)

    def new_server(self, project_id: str, name: str) -> str:
        return str(self.cloud.boot(self.projects[project_id], name).id)

    def new_volume_server(self, project_id: str, name: str) -> str:
        return str(self.cloud.boot_from_volume(self.projects[project_id], name).id)

    def imitate_volume(self, project_id: str, volume_id: str) -> str:
        storage = self._connected(project_id).block_storage
        like = storage.get_volume(volume_id)
        made = storage.create_volume(
            name=like.name, description=like.description, metadata=like.metadata, size=1
        )
        return str(storage.wait_for_status(made, "available", interval=0.2).id)

    def volume_image_format(self) -> str:
        return "qcow2"  # a volume is 1 GiB of nothing

    def put_image(self, project_id: str, name: str) -> str:
        image = self._connected(project_id).image
        body = {"name": name, "disk_format": "raw", "container_format": "bare"}
        made = image.post("/images", json=body).json()
        image.put(
            f"/images/{made['id']}/file",
            data=b"contract" * 64,
            headers={"Content-Type": "application/octet-stream"},
        )
        return str(made["id"])

    def let_pass(self) -> None:
        time.sleep(0.5)  # who looks more often keeps the cloud from its work

    def stop(self, project_id: str, server_id: str) -> None:
        self._act(project_id, server_id, "os-stop", "SHUTOFF")

    def shelve(self, project_id: str, server_id: str) -> None:
        self._act(project_id, server_id, "shelve", "SHELVED_OFFLOADED")

    def _act(self, project_id: str, server_id: str, action: str, status: str) -> None:
        compute = self._connected(project_id).compute
        compute.post(f"/servers/{server_id}/action", json={action: None})
        wait_for(lambda: compute.get_server(server_id).status == status, f"{action} to end")

    def hide(self, image_id: str) -> None:
        self._change(image_id, is_hidden=True)

    def protect(self, image_id: str) -> None:
        self._change(image_id, is_protected=True)

    def unprotect(self, image_id: str) -> None:
        self._change(image_id, is_protected=False)

    def publish(self, image_id: str) -> None:
        self._change(image_id, visibility="public")

    def _change(self, image_id: str, **values: Any) -> None:
        image = self._connected().image
        image.update_image(image.get_image(image_id), **values)

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as environment:
            environment.setattr(openstack_retries, "FIRST_PAUSE_SECONDS", 0.001)
            for service in self.cloud.endpoints:
                self.cloud.fault(service, ".*", "", 503, count=None)
            try:
                yield
            finally:
                self.cloud.clear_faults()

    @contextmanager
    def losing_answers(self) -> Iterator[None]:
        self.cloud.fault("nova", "POST", _BEGINNING, "drop-after", count=None)
        try:
            yield
        finally:
            self.cloud.clear_faults()
