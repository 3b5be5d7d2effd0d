"""Nova in our types: instances, found and captured."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from instance_images.drivers.openstack.api.answers import reason_of
from instance_images.drivers.openstack.service import (
    FLAVOR_MICROVERSION,
    GIB,
    PAGE,
    Service,
    accepted_name,
    marks,
)
from instance_images.errors import CloudUnavailable, NotFound, Refused, WrongState
from instance_images.model.cloud import Server, ServerStatus
from instance_images.names import printable, suggestion

_SERVER_ID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
# From here on, Nova tells the properties that the instance's image had.
IMAGE_MICROVERSION = "2.98"
_FREEZING = ("hw_qemu_guest_agent", "os_require_quiesce")

# What Nova says, with HTTP 500, where Glance answers 413: it has made nothing then.
_GLANCE_QUOTA = "glanceclient.exc.HTTPOverLimit"

_LOOKED_AT = 200  # instances, for one whose name is like the one that is wanted

_SERVER_STATUSES = {
    "ACTIVE": ServerStatus.RUNNING,
    "SHUTOFF": ServerStatus.STOPPED,
    "PAUSED": ServerStatus.PAUSED,
    "SUSPENDED": ServerStatus.SUSPENDED,
    "SHELVED": ServerStatus.SHELVED,
    "SHELVED_OFFLOADED": ServerStatus.SHELVED,
    "RESCUE": ServerStatus.RESCUED,
    "BUILD": ServerStatus.BUILDING,
    "ERROR": ServerStatus.FAILED,
    "DELETED": ServerStatus.DELETED,
    "SOFT_DELETED": ServerStatus.DELETED,
}


class Servers(Service):
    """Instances: found, and captured."""

    def find_server(self, project_id: str, reference: str) -> Server:
        """Return the project's instance of that id, or of that name if only one has it."""
        named = self._matching(project_id, reference)
        if len(named) > 1:
            raise Refused(
                f"{len(named)} instances are named {printable(reference)!r}: give the id of one of"
                f" {', '.join(server.id for server in named)}."
            )
        if not named:
            hint = f"Project {project_id} has none of that id or name in {self._location.name}."
            raise NotFound("Instance", reference, hint + self._suggestion(project_id, reference))
        return named[0]

    def _suggestion(self, project_id: str, reference: str) -> str:
        """Return which of the project's instances may be meant; one page of them is looked at."""
        params = {"limit": str(_LOOKED_AT)}
        answer = self._api.ask(project_id, "compute", "GET", "/servers/detail", params=params)
        own = [
            s.name for s in map(server_of, answer.json()["servers"]) if s.project_id == project_id
        ]
        return suggestion(reference, own)

    def find_servers(self, project_ids: Collection[str], reference: str) -> list[Server]:
        """Return every instance of that id or name in any of the projects.

        The admin role sees the instances of all projects in one request.
        """
        if len(project_ids) < 2 or "admin" not in self._api.access.role_names:
            return [s for project_id in project_ids for s in self._matching(project_id, reference)]
        if _SERVER_ID.fullmatch(reference):
            path = f"/servers/{reference}"
            answer = self._api.ask(None, "compute", "GET", path, allow=(404,))
            if answer.status_code != 404:
                server = server_of(answer.json()["server"])
                return [server] if server.project_id in project_ids else []
        found = self._all_servers(None, {**_named(reference), "all_tenants": "1"})
        return [s for s in found if s.name == reference and s.project_id in project_ids]

    def _matching(self, project_id: str, reference: str) -> list[Server]:
        """Return the project's instance of that id, or else those of that name."""
        if _SERVER_ID.fullmatch(reference):
            server = self.get_server(project_id, reference)
            if server:
                return [server]
        found = self._servers(project_id, _named(reference))
        return [server for server in found if server.name == reference]

    def get_server(self, project_id: str, server_id: str) -> Server | None:
        """Return the project's instance, None if there is none."""
        path = f"/servers/{server_id}"
        answer = self._api.ask(project_id, "compute", "GET", path, allow=(404,), by_id=True)
        if answer.status_code == 404:
            return None
        server = server_of(answer.json()["server"])
        # A token with the admin role is shown the instances of every project.
        return server if server.project_id == project_id else None

    def _servers(self, project_id: str, filters: dict[str, str]) -> list[Server]:
        return [s for s in self._all_servers(project_id, filters) if s.project_id == project_id]

    def _all_servers(self, project_id: str | None, filters: dict[str, str]) -> list[Server]:
        servers: dict[str, Server] = {}
        marker: dict[str, str] = {}
        while True:
            params = {**filters, "limit": str(PAGE), **marker}
            answer = self._api.ask(project_id, "compute", "GET", "/servers/detail", params=params)
            page = answer.json()["servers"]
            # An instance that gets its cell meanwhile may be on both pages.
            servers |= {body["id"]: server_of(body) for body in page}
            if not page:
                return list(servers.values())
            marker = {"marker": page[-1]["id"]}

    def disk_bytes(self, project_id: str, server: Server) -> int | None:
        """Return the size of the disk that the instance's flavor has; None where it has none.

        Then the instance's image decides.
        """
        path = f"/servers/{server.id}"
        answer = self._api.ask(
            project_id, "compute", "GET", path, (404,), microversion=FLAVOR_MICROVERSION
        )
        if answer.status_code == 404:
            return None
        return int(answer.json()["server"]["flavor"].get("disk") or 0) * GIB or None

    def freezes_file_systems(self, project_id: str, server: Server) -> bool:
        """Return whether a capture of the running instance certainly freezes its file systems.

        Nova asks the guest agent where the instance's image says that there is one, and gives up
        the capture where it cannot only if the image says that as well.
        """
        if server.is_volume_backed:
            return False
        return freezes(self._image_properties(project_id, server.id))

    def _image_properties(self, project_id: str, server_id: str) -> Mapping[str, Any]:
        """Return the properties that the instance's image had when the instance was made.

        Nova before 2.98 does not tell: then those that the image has now, if it is still there.
        """
        path = f"/servers/{server_id}"
        answer = self._api.ask(
            project_id, "compute", "GET", path, (404, 406), microversion=IMAGE_MICROVERSION
        )
        if answer.status_code == 200:
            found: Mapping[str, Any] = answer.json()["server"]["image"]["properties"]
            return found
        answer = self._api.ask(project_id, "compute", "GET", path, (404,))
        if answer.status_code == 404:
            return {}
        image_id = answer.json()["server"]["image"]["id"]
        answer = self._api.ask(project_id, "image", "GET", f"/images/{image_id}", (404,))
        now: Mapping[str, Any] = answer.json() if answer.status_code == 200 else {}
        return now

    def request_capture(
        self,
        project_id: str,
        server_id: str,
        name: str,
        request_id: str,
        *,
        is_of_project: bool = False,
    ) -> str:
        """Start to capture the instance's primary disk; return the new image's id.

        The admin role may capture instances of every project, and gets their disks for this one:
        the instance is looked for first, unless it is known to be one of the project.
        """
        if not is_of_project and self.get_server(project_id, server_id) is None:
            raise NotFound("Instance", server_id, f"Project {project_id} has none of that id.")
        metadata = marks(project_id, request_id)
        try:
            answer = self._api.ask(
                project_id,
                "compute",
                "POST",
                f"/servers/{server_id}/action",
                json={"createImage": {"name": accepted_name(name), "metadata": metadata}},
                allow=(400, 403, 404, 409, 413),
            )
        except CloudUnavailable as error:
            if _GLANCE_QUOTA not in str(error):
                raise
            raise Refused(
                f"The image service's own quota of project {project_id} does not allow another"
                " image. Delete unused images, or contact your provider to raise it."
            ) from error
        if answer.status_code == 409:
            raise WrongState(
                f"Nova cannot capture the instance now: {reason_of(answer)} Try again when what is"
                " being done to it has ended."
            )
        if answer.status_code != 202:
            raise Refused(f"Nova refused to capture the instance: {reason_of(answer)}")
        return str(answer.json()["image_id"])


def _named(name: str) -> dict[str, str]:
    """Return Nova's filter for a name: a regular expression."""
    return {"name": f"^{re.escape(name)}$"}


def freezes(properties: Mapping[str, Any]) -> bool:
    """Return whether an image's properties have Nova freeze file systems, or else give up."""
    return all(_is_true(properties.get(name)) for name in _FREEZING)


def _is_true(value: object) -> bool:
    """Return whether Nova takes the property's value for true."""
    return str(value).strip().lower() in ("1", "t", "true", "on", "y", "yes")


def server_of(body: dict[str, Any]) -> Server:
    """Return the instance that Nova describes."""
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
        cloud_status=body["status"],
    )
