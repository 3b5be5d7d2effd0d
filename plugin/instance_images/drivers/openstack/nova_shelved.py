"""Nova's shelved instances: their disks are images that are no customer's images."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from instance_images.drivers.openstack.service import PAGE, OpenStackPart
from instance_images.parallel import in_parallel

_SHELVED = ("SHELVED", "SHELVED_OFFLOADED")


class OpenStackShelves(OpenStackPart):
    """The driver's method about shelved instances."""

    def shelved(self, instance_ids: Collection[str]) -> Mapping[str, str]:
        """Return those of the instances that are shelved, with their projects.

        Those that are on their way into or out of that state are listed in no other way than one
        by one; there are few.
        """
        wanted = set(instance_ids)
        if not wanted:
            return {}
        listed = [server for status in _SHELVED for server in self._listed(status)]
        found = {server["id"]: server["tenant_id"] for server in listed if server["id"] in wanted}
        for body in in_parallel(self._server, sorted(wanted - found.keys())):
            if body is not None and _is_shelved(body["server"]):
                found[body["server"]["id"]] = body["server"]["tenant_id"]
        return found

    def _server(self, instance_id: str) -> Any:
        return self._api.read("compute", f"/servers/{instance_id}")

    def _listed(self, status: str) -> Iterator[dict[str, Any]]:
        params = {"all_tenants": "1", "status": status, "limit": str(PAGE)}
        while page := self._api.read("compute", "/servers/detail", **params)["servers"]:
            yield from page
            params["marker"] = page[-1]["id"]


def _is_shelved(server: dict[str, Any]) -> bool:
    task_state = server.get("OS-EXT-STS:task_state") or ""
    return server["status"] in _SHELVED or task_state.startswith(("shelving", "unshelving"))
