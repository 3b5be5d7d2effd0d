"""Nova's shelved instances: their disks are images that are no customer's images."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from instance_images.drivers.openstack.glance.images import cloud_image
from instance_images.drivers.openstack.service import (
    FLAVOR_MICROVERSION,
    GIB,
    PAGE,
    Service,
)
from instance_images.model.cloud import CloudImage, Shelf
from instance_images.parallel import in_parallel

_SHELVED = ("SHELVED", "SHELVED_OFFLOADED")
# What the formats of images add to a full disk, which is far less.
_EXTRA_BYTES = 16 * 1024**2
_EXTRA_PART = 64


class ShelvedServers(Service):
    """Shelved instances, and how large their images can be."""

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
        # Empty where the disk is a volume.
        on_images = {one: server for one, server in servers.items() if server.get("image")}
        bases = self._bases(on_images.values())
        return {
            server_id: Shelf(
                server["tenant_id"],
                max_shelf_bytes(_disk_gib(server), bases.get(server["image"]["id"])),
            )
            for server_id, server in on_images.items()
        }

    def _bases(self, servers: Iterable[dict[str, Any]]) -> dict[str, CloudImage]:
        """Return the images, by id, that decide how large the disk is: the flavor does not."""
        wanted = {one["image"]["id"] for one in servers if not _disk_gib(one)}
        found = {}
        for image_id in sorted(wanted):
            body = self._api.read("image", f"/images/{image_id}")
            if body is not None:
                found[image_id] = cloud_image(body)
        return found

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


def max_shelf_bytes(disk_gib: int, base: CloudImage | None) -> int:
    """Return how large an image of the instance's disk can be, 0 where nothing bounds it.

    ``disk_gib`` is the flavor's, 0 where the image decides that the instance was made of: ``base``,
    None where it is gone. A customer can write any size into the header of an image of his own, so
    only an image that the operator offers decides.
    """
    disk_bytes = disk_gib * GIB
    if not disk_gib and base is not None and base.is_public:
        disk_bytes = max(base.size_bytes or 0, base.virtual_size_bytes or 0)
    return disk_bytes + disk_bytes // _EXTRA_PART + _EXTRA_BYTES if disk_bytes else 0


def _disk_gib(server: dict[str, Any]) -> int:
    return int(server["flavor"].get("disk") or 0)


def _is_shelved(server: dict[str, Any]) -> bool:
    task_state = server.get("OS-EXT-STS:task_state") or ""
    return server["status"] in _SHELVED or task_state.startswith(("shelving", "unshelving"))
