"""Cinder in our types and units: the root volume of an instance, and an image made of it.

Glance has no part in how the image is marked: Cinder gives an image that it uploads the properties
that its volume has as "image metadata". So the temporary volume is labelled before the upload, and
the image bears our mark from its first moment.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from instance_images.drivers.openstack.api.answers import reason_of
from instance_images.drivers.openstack.service import (
    PAGE,
    REQUEST_PROPERTY,
    Service,
    accepted_name,
    marks,
)
from instance_images.errors import CloudUnavailable, NotFound, WrongState
from instance_images.instants import parse_instant
from instance_images.model.cloud import (
    CapturePart,
    MarkedPart,
    PartKind,
    PartStatus,
    RootVolume,
)

# How the disk is to be booted. Not: what vouches for other bytes (img_signature*, checksums), what
# belongs to the image service (os_glance_*, os_hash_*, os_hidden), and what anybody wrote there.
_CARRIED = {"architecture", "hypervisor_type", "kernel_id", "ramdisk_id", "vm_mode"}
_CARRIED_PREFIXES = ("hw_", "os_", "trait:")
_NOT_CARRIED_PREFIXES = ("os_glance_", "os_hash_", "os_hidden")
# What Cinder keeps to itself: glance_core_properties of its configuration.
_CORE = {"checksum", "container_format", "disk_format", "image_id", "image_name", "min_disk"}
_CORE |= {"min_ram", "name", "size"}

_STATUSES = {
    "available": PartStatus.READY,
    "deleting": PartStatus.DELETING,
    "error": PartStatus.FAILED,
    "error_deleting": PartStatus.FAILED,
    "error_managing": PartStatus.FAILED,
}
_OWNER = {
    PartKind.SNAPSHOT: "os-extended-snapshot-attributes:project_id",
    PartKind.VOLUME: "os-vol-tenant-attr:tenant_id",
}
_SOURCE = {PartKind.SNAPSHOT: "volume_id", PartKind.VOLUME: "snapshot_id"}
_PATHS = {PartKind.SNAPSHOT: "snapshots", PartKind.VOLUME: "volumes"}
_ROOT_DEVICE = "OS-EXT-SRV-ATTR:root_device_name"


def is_carried(name: str) -> bool:
    """Return whether an image takes over the property from the image that its disk was made of."""
    return name in _CARRIED or (
        name.startswith(_CARRIED_PREFIXES) and not name.startswith(_NOT_CARRIED_PREFIXES)
    )


class Volumes(Service):
    """Volumes and snapshots, and the image that is made of a volume."""

    def find_root_volume(self, project_id: str, server_id: str) -> RootVolume:
        """Return the volume that is the instance's primary disk."""
        answer = self._api.ask(project_id, "compute", "GET", f"/servers/{server_id}", (404,))
        server = answer.json().get("server", {})
        if server.get("tenant_id") != project_id:
            raise NotFound("Instance", server_id, f"Project {project_id} has none of that id.")
        path = f"/servers/{server_id}/os-volume_attachments"
        attachments = self._api.ask(project_id, "compute", "GET", path).json()["volumeAttachments"]
        root_device = server.get(_ROOT_DEVICE)
        if root_device is None and len(attachments) > 1 and "admin" in self._api.access.role_names:
            # Shown to the admin role alone, which the token of a project need not have.
            answer = self._api.ask(None, "compute", "GET", f"/servers/{server_id}", (404,))
            root_device = answer.json().get("server", {}).get(_ROOT_DEVICE)
        if root_device is None and len(attachments) == 1:
            root_device = attachments[0]["device"]
        for attachment in attachments:
            if attachment["device"] == root_device:
                return self._root_volume(project_id, attachment["volumeId"])
        raise WrongState(
            "Nova does not tell which of the instance's volumes is its primary disk: its root"
            f" device is {root_device}, and attached are"
            f" {', '.join(str(a['device']) for a in attachments) or 'none'}. Detach the other"
            " volumes, capture the instance, and attach them again; or contact your provider."
        )

    def _root_volume(self, project_id: str, volume_id: str) -> RootVolume:
        volume = self._volume(project_id, volume_id)
        return RootVolume(
            id=volume["id"],
            size_gib=volume["size"],
            is_encrypted=volume["encrypted"],
            min_ram_mib=int(_image_metadata(volume).get("min_ram") or 0),
        )

    def _volume(self, project_id: str, volume_id: str) -> dict[str, Any]:
        answer = self._api.ask(project_id, "block_storage", "GET", f"/volumes/{volume_id}")
        found: dict[str, Any] = answer.json()["volume"]
        return found

    def request_snapshot(self, project_id: str, volume_id: str, request_id: str) -> str:
        """Start to take a snapshot of a volume that may be in use; return the snapshot's id."""
        body = {"volume_id": volume_id, "force": True, **_marked(project_id, request_id)}
        return self._post(project_id, PartKind.SNAPSHOT, body)

    def request_volume(self, project_id: str, snapshot_id: str, request_id: str) -> str:
        """Start to make a volume of the snapshot; return the volume's id."""
        body = {"snapshot_id": snapshot_id, **_marked(project_id, request_id)}
        return self._post(project_id, PartKind.VOLUME, body)

    def _post(self, project_id: str, kind: PartKind, body: Mapping[str, object]) -> str:
        path, wanted = f"/{_PATHS[kind]}", {str(kind): dict(body)}
        answer = self._api.ask(project_id, "block_storage", "POST", path, json=wanted)
        return str(answer.json()[kind]["id"])

    def label_volume(self, project_id: str, volume_id: str, request_id: str) -> None:
        """Have an image that is made of the volume marked with the request id."""
        for name in _image_metadata(self._volume(project_id, volume_id)):
            if name not in _CORE and not is_carried(name):
                # 404: another process was faster
                self._act(project_id, volume_id, "os-unset_image_metadata", {"key": name}, (404,))
        metadata = marks(project_id, request_id)
        self._act(project_id, volume_id, "os-set_image_metadata", {"metadata": metadata})

    def request_upload(self, project_id: str, volume_id: str, name: str, disk_format: str) -> str:
        """Start to make an image of the volume; return the image's id."""
        body = {
            "image_name": accepted_name(name),
            "disk_format": disk_format,
            "container_format": "bare",
            "visibility": "private",
        }
        answer = self._act(project_id, volume_id, "os-volume_upload_image", body)
        return str(answer.json()["os-volume_upload_image"]["image_id"])

    def _act(
        self,
        project_id: str,
        volume_id: str,
        action: str,
        body: Mapping[str, object],
        allow: tuple[int, ...] = (),
    ) -> Any:
        path = f"/volumes/{volume_id}/action"
        return self._api.ask(
            project_id, "block_storage", "POST", path, allow, json={action: dict(body)}
        )

    def get_part(self, project_id: str, kind: PartKind, part_id: str) -> CapturePart | None:
        """Return the project's snapshot or volume of that id, None if it has none."""
        path = f"/{_PATHS[kind]}/{part_id}"
        answer = self._api.ask(project_id, "block_storage", "GET", path, (404,), by_id=True)
        if answer.status_code == 404:
            return None
        body = answer.json()[kind]
        # A token with the admin role is shown those of every project; without it, only its own.
        return _part(kind, body) if body.get(_OWNER[kind], project_id) == project_id else None

    def find_parts(self, project_id: str, kind: PartKind, request_id: str) -> Sequence[CapturePart]:
        """Return the project's snapshots, or its volumes, that are marked with the request id."""
        path, params = f"/{_PATHS[kind]}/detail", {"name": _name(request_id)}
        answer = self._api.ask(project_id, "block_storage", "GET", path, params=params)
        return [
            _part(kind, body)
            for body in answer.json()[_PATHS[kind]]
            if body["metadata"].get(REQUEST_PROPERTY) == request_id
        ]

    def list_parts(self) -> Iterator[MarkedPart]:
        """Yield the snapshots and volumes of all projects that are marked with a request id."""
        if not self._api.offers("block_storage"):
            return
        for kind in PartKind:
            for body in self._of_all_projects(_PATHS[kind]):
                request_id = body["metadata"].get(REQUEST_PROPERTY)
                if request_id:
                    yield MarkedPart(_part(kind, body), body.get(_OWNER[kind]) or "", request_id)

    def _of_all_projects(self, path: str) -> Iterator[dict[str, Any]]:
        params = {"all_tenants": "1", "limit": str(PAGE)}
        while True:
            body = self._api.read("block_storage", f"/{path}/detail", **params)
            if body is None or path not in body:
                raise CloudUnavailable(
                    f"Cinder of location {self._location.name} answered with no list of {path}."
                    " Try again later."
                )
            yield from body[path]
            if not body[path] or not body.get(f"{path}_links"):
                return
            params["marker"] = body[path][-1]["id"]

    def delete_part(self, project_id: str, part: CapturePart, *, force: bool = False) -> None:
        """Start to delete a snapshot or volume; one that is gone already is no error.

        Cinder forgets to end what was going on when it was killed, and refuses to delete it. By
        force it deletes that as well, for the admin role, and still nothing that is attached.
        """
        path = f"/{_PATHS[part.kind]}/{part.id}"
        ask = partial(self._api.ask, project_id, "block_storage", by_id=True)
        answer = ask("DELETE", path, (400, 404))
        if answer.status_code == 400 and force and "admin" in self._api.access.role_names:
            action: dict[str, dict[str, str]] = {"os-force_delete": {}}
            answer = ask("POST", f"{path}/action", (400, 404), json=action)
        if answer.status_code == 400:
            raise WrongState(f"Cinder cannot delete {part.kind} {part.id}: {reason_of(answer)}")


def _name(request_id: str) -> str:
    return f"instance-images {request_id}"


def _marked(project_id: str, request_id: str) -> dict[str, object]:
    return {
        "name": _name(request_id),
        "description": "An image is being made of it; it is deleted afterwards.",
        "metadata": marks(project_id, request_id),
    }


def _image_metadata(volume: Mapping[str, Any]) -> Mapping[str, str]:
    return volume.get("volume_image_metadata") or {}


def _instant(text: str) -> datetime:
    """Return the instant of a time as Cinder writes it: UTC, and without saying so."""
    return parse_instant(f"{text.removesuffix('Z')}Z")


def _part(kind: PartKind, body: Mapping[str, Any]) -> CapturePart:
    status = _STATUSES.get(body["status"], PartStatus.WORKING)
    return CapturePart(
        kind=kind,
        id=body["id"],
        status=status,
        word=body["status"],
        source_id=body.get(_SOURCE[kind]),
        created_at=_instant(body["created_at"]),
    )
