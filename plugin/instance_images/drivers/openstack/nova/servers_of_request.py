"""Instances as one request of a caller finds them: each is read once, with all that is needed."""

from collections.abc import Mapping
from typing import Any

from instance_images.config.settings import Location
from instance_images.drivers.openstack.api.operator import OpenStackApi
from instance_images.drivers.openstack.nova.servers import (
    IMAGE_MICROVERSION,
    Servers,
    freezes,
    server_of,
)
from instance_images.model.cloud import Server


class ServersOfRequest(Servers):
    """Instances that the caller finds. Lives as long as his request, and remembers them.

    ``operator`` is the operator's connection to the same Nova, and knows how old that is.
    """

    def __init__(self, location: Location, api: OpenStackApi, operator: OpenStackApi) -> None:
        super().__init__(location, api)
        self._operator = operator
        self._properties: dict[tuple[str, str], Mapping[str, Any] | None] = {}

    def has_found(self, project_id: str, server_id: str) -> bool:
        """Return whether the instance is known to be one of the project."""
        return (project_id, server_id) in self._properties

    def freezes_if_known(self, project_id: str, server: Server) -> bool | None:
        """Return what ``freezes_file_systems`` does, None where that is not known yet."""
        properties = self._properties.get((project_id, server.id))
        return None if properties is None else freezes(properties)

    def get_server(self, project_id: str, server_id: str) -> Server | None:
        """Return the project's instance, None if there is none."""
        body = self._with_image(project_id, server_id)
        if body is None:
            server = super().get_server(project_id, server_id)
            properties = None
        else:
            server = server_of(body) if body["tenant_id"] == project_id else None
            properties = body["image"]["properties"] if body["image"] else {}
        if server is not None:
            self._properties[project_id, server.id] = properties
        return server

    def _with_image(self, project_id: str, server_id: str) -> dict[str, Any] | None:
        """Return what Nova tells of an instance and its image; None where it does not tell."""
        if not self._operator.tells_image_properties:
            return None
        answer = self._api.ask(
            project_id,
            "compute",
            "GET",
            f"/servers/{server_id}",
            (404, 406),
            by_id=True,
            microversion=IMAGE_MICROVERSION,
        )
        if answer.status_code == 406:
            self._operator.tells_image_properties = False
        if answer.status_code != 200:
            return None
        body: dict[str, Any] = answer.json()["server"]
        return body if "image" in body else None  # not where the cell is down
