"""Nova in our types and units: instances, flavors, captures (``disk`` is GiB, ``ram`` is MiB)."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from instance_images.errors import NotFound, Refused, WrongState
from instance_images.instants import format_instant
from instance_images.names import printable
from instance_images.openstack_api import reason_of
from instance_images.openstack_part import (
    ACCOUNT_PROPERTY,
    PAGE,
    REQUEST_PROPERTY,
    OpenStackPart,
)
from instance_images.provider import Flavor, Server, ServerRequest, ServerStatus

_SERVER_ID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")

_SERVER_STATUSES = {
    "ACTIVE": ServerStatus.RUNNING,
    "SHUTOFF": ServerStatus.STOPPED,
    "PAUSED": ServerStatus.PAUSED,
    "SUSPENDED": ServerStatus.SUSPENDED,
    "BUILD": ServerStatus.BUILDING,
    "ERROR": ServerStatus.FAILED,
    "DELETED": ServerStatus.DELETED,
    "SOFT_DELETED": ServerStatus.DELETED,
}


class OpenStackServers(OpenStackPart):
    """The driver's methods about instances."""

    def kept_name(self, name: str) -> str:
        """Return the name that the image service keeps for an image that we named so."""
        return _accepted_name(name)

    def find_server(self, project_id: str, reference: str) -> Server:
        """Return the project's instance of that id, or of that name if only one has it."""
        if _SERVER_ID.fullmatch(reference):
            server = self.get_server(project_id, reference)
            if server:
                return server
        name_filter = f"^{re.escape(reference)}$"  # Nova reads a regular expression
        named = [
            server
            for server in self._servers(project_id, {"name": name_filter})
            if server.name == reference
        ]
        if len(named) > 1:
            raise Refused(
                f"{len(named)} instances are named {printable(reference)!r}: give the id of one of"
                f" {', '.join(server.id for server in named)}."
            )
        if not named:
            raise NotFound(
                "Instance",
                reference,
                f"Project {project_id} has none of that id or name in {self._location.name}.",
            )
        return named[0]

    def get_server(self, project_id: str, server_id: str) -> Server | None:
        """Return the project's instance, None if there is none."""
        answer = self._api.ask(project_id, "compute", "GET", f"/servers/{server_id}", allow=(404,))
        if answer.status_code == 404:
            return None
        server = _server(answer.json()["server"])
        # A token with the admin role is shown the instances of every project.
        return server if server.project_id == project_id else None

    def _servers(self, project_id: str, filters: dict[str, str]) -> list[Server]:
        servers: list[Server] = []
        marker: dict[str, str] = {}
        while True:
            params = {**filters, "limit": str(PAGE), **marker}
            answer = self._api.ask(project_id, "compute", "GET", "/servers/detail", params=params)
            page = answer.json()["servers"]
            servers += [s for s in map(_server, page) if s.project_id == project_id]
            if not page:
                return servers
            marker = {"marker": page[-1]["id"]}

    def find_flavor(self, project_id: str, reference: str) -> Flavor:
        """Return the flavor of that id or name. Raises NotFound."""
        params = {"limit": str(PAGE)}
        answer = self._api.ask(project_id, "compute", "GET", "/flavors/detail", params=params)
        flavors = answer.json()["flavors"]
        for key in ("id", "name"):
            for flavor in flavors:
                if flavor[key] == reference:
                    return Flavor(flavor["id"], flavor["name"], flavor["ram"], flavor["disk"])
        known = ", ".join(sorted(printable(flavor["name"]) for flavor in flavors)[:20])
        raise NotFound("Flavor", reference, f"The account may use: {known}.")

    def request_server(self, project_id: str, request: ServerRequest) -> str:
        """Start to make an instance; return its id. Raises NotFound and Refused."""
        body: dict[str, Any] = {
            "name": request.name,
            "imageRef": request.cloud_image_id,
            "flavorRef": request.flavor.id,
            "networks": self._networks(project_id, request.networks),
            "metadata": {REQUEST_PROPERTY: request.request_id},
        }
        if request.key_name is not None:
            body["key_name"] = request.key_name
        answer = self._api.ask(
            project_id,
            "compute",
            "POST",
            "/servers",
            json={"server": body},
            allow=(400, 403, 404, 409, 413),
        )
        if answer.status_code != 202:
            raise Refused(f"Nova refused to make the instance: {reason_of(answer)}")
        return str(answer.json()["server"]["id"])

    def _networks(self, project_id: str, references: Sequence[str]) -> Any:
        if not references:
            return "auto"
        if list(references) == ["none"]:
            return "none"
        networks = self._api.ask(project_id, "network", "GET", "/networks").json()["networks"]
        found = []
        for reference in references:
            ids = [n["id"] for n in networks if reference in (n["id"], n["name"])]
            if not ids:
                known = ", ".join(sorted(printable(n["name"]) for n in networks)[:20]) or "none"
                raise NotFound("Network", reference, f"The account may use: {known}.")
            if len(ids) > 1:
                raise Refused(
                    f"{len(ids)} networks are named {printable(reference)!r}: give the id of one"
                    f" of {', '.join(ids)}."
                )
            found.append({"uuid": ids[0]})
        return found

    def find_requested_server(
        self, project_id: str, request_id: str, since: datetime
    ) -> Server | None:
        """Return the project's instance that is marked with the request id."""
        params = {"changes-since": format_instant(since), "limit": str(PAGE)}
        answer = self._api.ask(project_id, "compute", "GET", "/servers/detail", params=params)
        for server in answer.json()["servers"]:
            if (
                server["metadata"].get(REQUEST_PROPERTY) == request_id
                and server["tenant_id"] == project_id
                and server["status"] != "DELETED"
            ):
                return _server(server)
        return None

    def request_capture(self, project_id: str, server_id: str, name: str, request_id: str) -> str:
        """Start to capture the instance's primary disk; return the new image's id."""
        metadata = {REQUEST_PROPERTY: request_id, ACCOUNT_PROPERTY: project_id}
        answer = self._api.ask(
            project_id,
            "compute",
            "POST",
            f"/servers/{server_id}/action",
            json={"createImage": {"name": _accepted_name(name), "metadata": metadata}},
            allow=(400, 403, 404, 409, 413),
        )
        if answer.status_code == 409:
            raise WrongState(
                f"Nova cannot capture the instance now: {reason_of(answer)} Try again when what is"
                " being done to it has ended."
            )
        if answer.status_code != 202:
            raise Refused(f"Nova refused to capture the instance: {reason_of(answer)}")
        return str(answer.json()["image_id"])


def _accepted_name(name: str) -> str:
    """Return the name with what Nova refuses in one replaced: what lies beyond U+FFFF, and joiners.

    Our record keeps the name as it was given.
    """
    return "".join("?" if ord(c) > 0xFFFF or unicodedata.category(c) == "Cf" else c for c in name)


def _server(body: dict[str, Any]) -> Server:
    addresses = tuple(
        address["addr"] for port in body.get("addresses", {}).values() for address in port
    )
    return Server(
        id=body["id"],
        name=body["name"],
        project_id=body["tenant_id"],
        status=_SERVER_STATUSES.get(body["status"], ServerStatus.OTHER),
        task_state=body.get("OS-EXT-STS:task_state"),
        is_volume_backed=not body.get("image"),
        addresses=addresses,
        fault=(body.get("fault") or {}).get("message"),
    )
