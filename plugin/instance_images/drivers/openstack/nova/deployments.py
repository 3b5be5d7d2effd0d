"""Nova in our types and units: new instances, and all that they are made of.

``disk`` of a flavor and the size of a volume are GiB, ``ram`` is MiB.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from instance_images.drivers.openstack.api.answers import reason_of
from instance_images.drivers.openstack.nova.servers import server_of
from instance_images.drivers.openstack.service import PAGE, REQUEST_PROPERTY, Service
from instance_images.errors import NotFound, Refused
from instance_images.instants import parse_instant
from instance_images.model.cloud import Flavor, Server, ServerRequest
from instance_images.names import printable

_SHOWN = 20  # names in an error
_NEWEST = 50  # instances in a page of the newest: what one order makes at most
_CLOCKS_DIFFER = timedelta(hours=1)  # Nova's and ours, at most
_USABLE = "The account may use"


class Deployments(Service):
    """Instances that are to be made."""

    def find_flavor(self, project_id: str, reference: str) -> Flavor:
        """Return the flavor of that id or name that the project may use. Raises NotFound."""
        # Without is_public, the admin role is not shown what single projects were given.
        params = {"limit": str(PAGE), "is_public": "None"}
        answer = self._api.ask(project_id, "compute", "GET", "/flavors/detail", params=params)
        flavors = answer.json()["flavors"]
        for key in ("id", "name"):
            for flavor in flavors:
                if flavor[key] == reference and self._may_use(project_id, flavor):
                    return Flavor(flavor["id"], flavor["name"], flavor["ram"], flavor["disk"])
        known = [flavor["name"] for flavor in flavors if _is_public(flavor)]
        raise NotFound("Flavor", reference, f"{_USABLE}: {_listed(known)}.")

    def _may_use(self, project_id: str, flavor: dict[str, Any]) -> bool:
        """Return whether the flavor is public, or was given to the project."""
        if _is_public(flavor) or "admin" not in self._api.access.role_names:
            return True  # who has not the admin role is shown what he may use
        path = f"/flavors/{flavor['id']}/os-flavor-access"
        answer = self._api.ask(project_id, "compute", "GET", path, allow=(404,))
        given = answer.json().get("flavor_access", [])
        return any(access["tenant_id"] == project_id for access in given)

    def resolve_request(self, project_id: str, request: ServerRequest) -> ServerRequest:
        """Return the request with ids in place of names. Raises NotFound and Refused."""
        networks = request.networks
        if networks and list(networks) != ["none"]:
            networks = self._of_neutron(project_id, "network", networks)
        groups = request.security_groups
        if groups:
            groups = self._of_neutron(project_id, "security group", groups)
        server_group = request.server_group
        if server_group is not None:
            known = self._server_groups(project_id)
            server_group = _chosen("Server group", server_group, known)
        if request.key_name is not None:
            self._require_key_pair(project_id, request.key_name)
        if request.availability_zone is not None:
            self._require_zone(project_id, request.availability_zone)
        return replace(
            request, networks=networks, security_groups=groups, server_group=server_group
        )

    def _of_neutron(self, project_id: str, kind: str, references: Sequence[str]) -> list[str]:
        """Return the ids of networks or security groups that are the project's, or shared."""
        path = f"/{kind.replace(' ', '-')}s"
        answer = self._api.ask(project_id, "network", "GET", path).json()
        # The admin role is shown those of every project.
        known = [
            (found["id"], found["name"])
            for found in answer[f"{kind.replace(' ', '_')}s"]
            if found["project_id"] == project_id or found.get("shared")
        ]
        return [_chosen(kind.capitalize(), reference, known) for reference in references]

    def _server_groups(self, project_id: str) -> list[tuple[str, str]]:
        answer = self._api.ask(project_id, "compute", "GET", "/os-server-groups")
        groups = answer.json()["server_groups"]
        return [(g["id"], g["name"]) for g in groups if g["project_id"] == project_id]

    def _require_key_pair(self, project_id: str, name: str) -> None:
        answer = self._api.ask(project_id, "compute", "GET", "/os-keypairs")
        known = [found["keypair"]["name"] for found in answer.json()["keypairs"]]
        if name not in known:
            raise NotFound(
                "Key pair",
                name,
                f"The user of the credentials has: {_listed(known)}. Key pairs belong to users, not"
                " to accounts: create it as this user, or put the public key into the user data.",
                case="user data",
            )

    def _require_zone(self, project_id: str, name: str) -> None:
        answer = self._api.ask(project_id, "compute", "GET", "/os-availability-zone")
        zones = answer.json()["availabilityZoneInfo"]
        known = [zone["zoneName"] for zone in zones if zone["zoneState"]["available"]]
        if name not in known:
            raise NotFound("Availability zone", name, f"{_USABLE}: {_listed(known)}.")

    def request_server(self, project_id: str, request: ServerRequest) -> str:
        """Start to make the instances, all or none; return the id of the first."""
        answer = self._api.ask(
            project_id,
            "compute",
            "POST",
            "/servers",
            json=_body(request),
            allow=(400, 403, 404, 409, 413),
        )
        if answer.status_code != 202:
            raise Refused(f"Nova refused to make the instance: {reason_of(answer)}")
        return str(answer.json()["server"]["id"])

    def find_requested_servers(
        self, project_id: str, request_id: str, since: datetime
    ) -> list[Server]:
        """Return the project's instances that are marked with the request id, by name.

        Nova's own ``changes-since`` leaves out an instance between its scheduling and its first
        change, so the newest are read until one is older.
        """
        params = {"sort_key": "created_at", "sort_dir": "desc", "limit": str(_NEWEST)}
        found: dict[str, Server] = {}  # one that gets its cell meanwhile may be on two pages
        while True:
            answer = self._api.ask(project_id, "compute", "GET", "/servers/detail", params=params)
            page = answer.json()["servers"]
            found |= {
                server["id"]: server_of(server)
                for server in page
                if server["metadata"].get(REQUEST_PROPERTY) == request_id
                and server["tenant_id"] == project_id
                and server["status"] not in ("DELETED", "SOFT_DELETED")
            }
            if not page or parse_instant(page[-1]["created"]) < since - _CLOCKS_DIFFER:
                return sorted(found.values(), key=lambda server: (len(server.name), server.name))
            params["marker"] = page[-1]["id"]


def _body(request: ServerRequest) -> dict[str, Any]:
    """Return what Nova is sent. Nova numbers several instances by itself."""
    networks: Any = [{"uuid": network} for network in request.networks] or "auto"
    if list(request.networks) == ["none"]:
        networks = "none"
    server: dict[str, Any] = {
        "name": request.name,
        "flavorRef": request.flavor.id,
        "networks": networks,
        "metadata": {REQUEST_PROPERTY: request.request_id},
        "min_count": request.count,
        "max_count": request.count,
        **_disk(request),
    }
    if request.security_groups:
        server["security_groups"] = [{"name": group} for group in request.security_groups]
    for key in ("key_name", "user_data", "availability_zone"):
        if getattr(request, key) is not None:
            server[key] = getattr(request, key)
    hints = {"group": request.server_group} if request.server_group else {}
    return {"server": server, "os:scheduler_hints": hints}


def _disk(request: ServerRequest) -> dict[str, Any]:
    if request.volume_gib is None:
        return {"imageRef": request.cloud_image_id}
    volume = {
        "boot_index": 0,
        "source_type": "image",
        "uuid": request.cloud_image_id,
        "destination_type": "volume",
        "volume_size": request.volume_gib,
        "delete_on_termination": True,  # as the disk of any other instance
    }
    return {"block_device_mapping_v2": [volume]}


def _is_public(flavor: dict[str, Any]) -> bool:
    return bool(flavor.get("os-flavor-access:is_public", True))


def _chosen(kind: str, reference: str, known: Sequence[tuple[str, str]]) -> str:
    """Return the id of what is named by id, or else by a name that only one has."""
    ids = [id for id, _ in known if id == reference]
    ids = ids or [id for id, name in known if name == reference]
    if not ids:
        raise NotFound(kind, reference, f"{_USABLE}: {_listed(name for _, name in known)}.")
    if len(ids) > 1:
        raise Refused(
            f"{len(ids)} {kind.lower()}s are named {printable(reference)!r}: give the id of one"
            f" of {', '.join(ids)}."
        )
    return ids[0]


def _listed(names: Iterable[str]) -> str:
    shown = sorted(printable(name) for name in names)
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return (", ".join(shown[:_SHOWN]) or "none") + more
