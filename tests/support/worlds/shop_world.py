"""A customer with an instance and two images, who uses the client against the API."""

from dataclasses import dataclass
from typing import Any

import yaml
from openstack.config import OpenStackConfig
from openstack.connection import Connection

from instance_images_client.sdk import add_to
from instance_images_client.sdk.proxy import Proxy

from support.clouds.embedded_cloud import Project
from support.processes.openstack_client import OpenStackClient
from support.worlds.api_world import Office


@dataclass(frozen=True)
class Shop:
    """A customer, the instance web-1, and the images golden and golden-2 that were made of it."""

    office: Office
    project: Project
    server_id: str
    images: dict[str, Any]
    customer: OpenStackClient
    operator: OpenStackClient

    def proxy(self, project: Project | None = None, **settings: Any) -> Proxy:
        """Return the service for a project's member, by default the customer's."""
        return add_to(self.connection(project, **settings))

    def connection(self, project: Project | None = None, **settings: Any) -> Connection:
        """Connect as a project's member with more settings, as in clouds.yaml."""
        user = (project or self.project).cloud
        entry = yaml.safe_load(self.office.cloud.clouds_yaml.read_text())["clouds"][user]
        config = OpenStackConfig(load_yaml_config=False, load_envvars=False)
        return Connection(config=config.get_one(**(entry | settings)))


def open_shop(office: Office) -> Shop:
    """Make the customer, the instance and the images."""
    cloud = office.cloud
    project = cloud.new_project("shop")
    cloud.enter_in_clouds_yaml(project)
    server = cloud.boot(project, "web-1")
    made = {}
    with cloud.connection(project.cloud) as connection:
        proxy = add_to(connection)
        for name in ("golden", "golden-2"):
            image = proxy.create_image(name=name, source_instance_id=server.id)
            proxy.wait_for_task(image.task_id, interval=0.2)
            made[name] = proxy.get_image(image.id)
    return Shop(
        office=office,
        project=project,
        server_id=server.id,
        images=made,
        customer=OpenStackClient(cloud.clouds_yaml, project.cloud),
        operator=OpenStackClient(cloud.clouds_yaml, "admin"),
    )
