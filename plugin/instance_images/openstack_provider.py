"""The driver for OpenStack: Keystone, Nova and Glance in our types and units.

It turns their answers into the types of ``instance_images.provider`` and their units into ours
(``disk`` is GiB, ``ram`` is MiB). Requests for an account are made with a token of the account's
own project, so that what they make belongs to it.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from instance_images.config import Location
from instance_images.domain import Account
from instance_images.errors import ConfigurationError, NotFound, Refused, WrongState
from instance_images.instants import format_instant, parse_instant
from instance_images.names import printable
from instance_images.openstack_api import OpenStackApi, reason_of
from instance_images.provider import (
    CloudImage,
    CloudImageStatus,
    Flavor,
    Provider,
    Server,
    ServerRequest,
    ServerStatus,
)

PAGE = 1000
REQUEST_PROPERTY = "instance_images_request"
ACCOUNT_PROPERTY = "instance_images_account"

_PROJECT_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_SERVER_ID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")

_IMAGE_STATUSES = {
    "queued": CloudImageStatus.QUEUED,
    "saving": CloudImageStatus.SAVING,
    "uploading": CloudImageStatus.SAVING,
    "importing": CloudImageStatus.SAVING,
    "active": CloudImageStatus.ACTIVE,
    "deactivated": CloudImageStatus.ACTIVE,  # its bytes are stored, only downloads are barred
}

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


class OpenStackProvider(Provider):
    """Drives one region of an OpenStack cloud with one entry of clouds.yaml."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._api = OpenStackApi(location)

    # ------------------------------------------------------------- accounts

    def account(self, reference: str | None) -> Account:
        """Return the account of that id or name, or the credentials' own. Raises NotFound."""
        own = Account(self._api.access.project_id or "", self._api.access.project_name or "")
        if reference is None:
            if not own.id:
                raise ConfigurationError(
                    f"The credentials of {self._location.cloud!r} are for no project: name the"
                    " account with --account."
                )
            return own
        if reference in (own.id, own.name):
            return own
        projects = self._projects(reference)
        if len(projects) > 1:
            raise Refused(
                f"{len(projects)} projects are named {printable(reference)!r}: give the id of one"
                f" of {', '.join(project['id'] for project in projects)}."
            )
        if not projects:
            raise NotFound("Account", reference, "Give the id or name of a Keystone project.")
        return Account(projects[0]["id"], projects[0]["name"])

    def _projects(self, reference: str) -> list[dict[str, Any]]:
        if _PROJECT_ID.fullmatch(reference):
            answer = self._api.ask(
                None, "identity", "GET", f"/projects/{reference}", allow=(403, 404)
            )
            if answer.status_code == 200:
                return [answer.json()["project"]]
        answer = self._api.ask(
            None,
            "identity",
            "GET",
            "/projects",
            params={"name": reference},
            allow=(400, 403),  # 400: no project can have such a name
        )
        return answer.json()["projects"] if answer.status_code == 200 else []

    def sees_all_accounts(self) -> bool:
        """Return whether the credentials hold the admin role, which hides no image from them."""
        return "admin" in self._api.access.role_names

    # -------------------------------------------------------------- servers

    def find_server(self, account: Account, reference: str) -> Server:
        """Return the account's instance of that id, or of that name if only one has it."""
        if _SERVER_ID.fullmatch(reference):
            server = self.get_server(account.id, reference)
            if server:
                return server
        name_filter = f"^{re.escape(reference)}$"  # Nova reads a regular expression
        named = [
            server
            for server in self._servers(account.id, {"name": name_filter})
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
                f"Account {printable(account.name)} has none of that id or name in"
                f" {self._location.name}.",
            )
        return named[0]

    def get_server(self, account_id: str, server_id: str) -> Server | None:
        """Return the account's instance, None if there is none."""
        answer = self._api.ask(account_id, "compute", "GET", f"/servers/{server_id}", allow=(404,))
        if answer.status_code == 404:
            return None
        server = _server(answer.json()["server"])
        # A token with the admin role is shown the instances of every project.
        return server if server.account_id == account_id else None

    def _servers(self, account_id: str, filters: dict[str, str]) -> list[Server]:
        servers: list[Server] = []
        marker: dict[str, str] = {}
        while True:
            params = {**filters, "limit": str(PAGE), **marker}
            answer = self._api.ask(account_id, "compute", "GET", "/servers/detail", params=params)
            page = answer.json()["servers"]
            servers += [s for s in map(_server, page) if s.account_id == account_id]
            if not page:
                return servers
            marker = {"marker": page[-1]["id"]}

    def find_flavor(self, account: Account, reference: str) -> Flavor:
        """Return the flavor of that id or name. Raises NotFound."""
        params = {"limit": str(PAGE)}
        answer = self._api.ask(account.id, "compute", "GET", "/flavors/detail", params=params)
        flavors = answer.json()["flavors"]
        for key in ("id", "name"):
            for flavor in flavors:
                if flavor[key] == reference:
                    return Flavor(flavor["id"], flavor["name"], flavor["ram"], flavor["disk"])
        known = ", ".join(sorted(printable(flavor["name"]) for flavor in flavors)[:20])
        raise NotFound("Flavor", reference, f"The account may use: {known}.")

    def request_server(self, account: Account, request: ServerRequest) -> str:
        """Start to make an instance; return its id. Raises NotFound and Refused."""
        body: dict[str, Any] = {
            "name": request.name,
            "imageRef": request.cloud_image_id,
            "flavorRef": request.flavor.id,
            "networks": self._networks(account.id, request.networks),
            "metadata": {REQUEST_PROPERTY: request.request_id},
        }
        if request.key_name is not None:
            body["key_name"] = request.key_name
        answer = self._api.ask(
            account.id,
            "compute",
            "POST",
            "/servers",
            json={"server": body},
            allow=(400, 403, 404, 409, 413),
        )
        if answer.status_code != 202:
            raise Refused(f"Nova refused to make the instance: {reason_of(answer)}")
        return str(answer.json()["server"]["id"])

    def _networks(self, account_id: str, references: Sequence[str]) -> Any:
        if not references:
            return "auto"
        if list(references) == ["none"]:
            return "none"
        networks = self._api.ask(account_id, "network", "GET", "/networks").json()["networks"]
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
        self, account_id: str, request_id: str, since: datetime
    ) -> Server | None:
        """Return the account's instance that is marked with the request id."""
        params = {"changes-since": format_instant(since), "limit": str(PAGE)}
        answer = self._api.ask(account_id, "compute", "GET", "/servers/detail", params=params)
        for server in answer.json()["servers"]:
            if (
                server["metadata"].get(REQUEST_PROPERTY) == request_id
                and server["tenant_id"] == account_id
                and server["status"] != "DELETED"
            ):
                return _server(server)
        return None

    # --------------------------------------------------------------- images

    def request_capture(self, account: Account, server_id: str, name: str, request_id: str) -> str:
        """Start to capture the instance's primary disk; return the new image's id."""
        metadata = {REQUEST_PROPERTY: request_id, ACCOUNT_PROPERTY: account.id}
        answer = self._api.ask(
            account.id,
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

    def find_captured(self, account_id: str, request_id: str) -> CloudImage | None:
        """Return the account's image that is marked with the request id."""
        params = {REQUEST_PROPERTY: request_id, "owner": account_id, "visibility": "all"}
        answer = self._api.ask(None, "image", "GET", "/images", params=params)
        for image in answer.json()["images"]:
            if image.get(REQUEST_PROPERTY) == request_id and image["owner"] == account_id:
                return _image(image)
        return None

    def get_image(self, cloud_image_id: str) -> CloudImage | None:
        """Return the image, None if the service has none of that id."""
        answer = self._api.ask(None, "image", "GET", f"/images/{cloud_image_id}", allow=(404,))
        return None if answer.status_code == 404 else _image(answer.json())

    def list_images(self) -> Iterator[CloudImage]:
        """Yield all images that the credentials see; raise, rather than end early."""
        params = {"limit": str(PAGE), "visibility": "all", "sort": "id:asc"}
        while True:
            answer = self._api.ask(None, "image", "GET", "/images", params=params).json()
            yield from map(_image, answer["images"])
            if "next" not in answer:
                return
            params["marker"] = answer["images"][-1]["id"]

    def delete_image(self, account_id: str, cloud_image_id: str) -> bool:
        """Delete the image; return whether there was one."""
        answer = self._api.ask(
            account_id,
            "image",
            "DELETE",
            f"/images/{cloud_image_id}",
            allow=(403, 404, 409),
        )
        if answer.status_code == 403:
            raise Refused(
                f"The image service refused to delete the image: {reason_of(answer)} If it is"
                " protected, remove the protection first."
            )
        if answer.status_code == 409:
            raise WrongState(
                f"The image is still in use in its store: {reason_of(answer)} Delete the instances"
                " or volumes that were made from it first."
            )
        return bool(answer.status_code != 404)


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
        account_id=body["tenant_id"],
        status=_SERVER_STATUSES.get(body["status"], ServerStatus.OTHER),
        task_state=body.get("OS-EXT-STS:task_state"),
        is_volume_backed=not body.get("image"),
        addresses=addresses,
        fault=(body.get("fault") or {}).get("message"),
    )


def _image(body: dict[str, Any]) -> CloudImage:
    return CloudImage(
        id=body["id"],
        name=body.get("name") or "",
        owner_id=body["owner"] or "",
        status=_IMAGE_STATUSES.get(body["status"], CloudImageStatus.LOST),
        size_bytes=body["size"],
        virtual_size_bytes=body.get("virtual_size"),
        min_disk_gib=body["min_disk"],
        min_ram_mib=body["min_ram"],
        changed_at=parse_instant(body["updated_at"]),
    )
