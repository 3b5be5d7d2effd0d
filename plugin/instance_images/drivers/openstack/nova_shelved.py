"""Nova's shelved instances: their disks are images that are no customer's images."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from instance_images.drivers.openstack.service import (
    FLAVOR_MICROVERSION,
    GIB,
    PAGE,
    OpenStackPart,
)
from instance_images.model.cloud import Shelf
from instance_images.parallel import in_parallel

_SHELVED = ("SHELVED", "SHELVED_OFFLOADED")
# What the formats of images add to a full disk, which is far less.
_EXTRA_BYTES = 16 * 1024**2
_EXTRA_PART = 64


class OpenStackShelves(OpenStackPart):
    """The driver's methods about shelved instances."""

    def shelved(self, instance_ids: Collection[str]) -> Mapping[str, str]:
        """Return those of the instances that are shelved, with their projects."""
        return {one: shelf.project_id for one, shelf in self.shelf_of(instance_ids).items()}

    def shelf_of(self, instance_ids: Collection[str]) -> Mapping[str, Shelf]:
        """Return those of the instances that are shelved and have their disk in an image.

        One whose disk is a volume has none. Those that are on their way into or out of that state
        are listed in no other way than one by one; there are few.
        """
        wanted = set(instance_ids)
        if not wanted:
            return {}
        listed = [server for status in _SHELVED for server in self._listed(status)]
        servers = {server["id"]: server for server in listed if server["id"] in wanted}
        for body in in_parallel(self._server, sorted(wanted - servers.keys())):
            if body is not None and _is_shelved(body["server"]):
                servers[body["server"]["id"]] = body["server"]
        return {
            server_id: Shelf(server["tenant_id"], _max_bytes(server))
            for server_id, server in servers.items()
            if server.get("image")  # empty where the disk is a volume
        }

    def _server(self, instance_id: str) -> Any:
        path = f"/servers/{instance_id}"
        answer = self._api.ask(
            None, "compute", "GET", path, allow=(404,), microversion=FLAVOR_MICROVERSION
        )
        return None if answer.status_code == 404 else answer.json()

    def _listed(self, status: str) -> Iterator[dict[str, Any]]:
        params = {"all_tenants": "1", "status": status, "limit": str(PAGE)}
        while page := self._shelved_page(params):
            yield from page
            params["marker"] = page[-1]["id"]

    def _shelved_page(self, params: dict[str, str]) -> list[dict[str, Any]]:
        answer = self._api.ask(
            None,
            "compute",
            "GET",
            "/servers/detail",
            params=params,
            microversion=FLAVOR_MICROVERSION,
        )
        servers: list[dict[str, Any]] = answer.json()["servers"]
        return servers


def _max_bytes(server: dict[str, Any]) -> int | None:
    """Return how large an image of the instance's disk can be; None where its image decides."""
    disk_gib = server["flavor"].get("disk")
    if not disk_gib:
        return None
    disk_bytes = int(disk_gib) * GIB
    return disk_bytes + disk_bytes // _EXTRA_PART + _EXTRA_BYTES


def _is_shelved(server: dict[str, Any]) -> bool:
    task_state = server.get("OS-EXT-STS:task_state") or ""
    return server["status"] in _SHELVED or task_state.startswith(("shelving", "unshelving"))
