"""Glance in our types: images, found, listed, shared and deleted."""

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from instance_images.drivers.openstack.api.answers import reason_of
from instance_images.drivers.openstack.service import (
    INSTANCE_ID,
    PAGE,
    REQUEST_PROPERTY,
    Service,
    marks,
)
from instance_images.errors import CloudUnavailable, NotFound, Refused, WrongState
from instance_images.instants import parse_instant
from instance_images.model.cloud import Claims, CloudImage, CloudImageStatus
from instance_images.parallel import carried

_JSON_PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
_IMAGE_STATUSES = {
    "queued": CloudImageStatus.QUEUED,
    "saving": CloudImageStatus.SAVING,
    "uploading": CloudImageStatus.SAVING,
    "importing": CloudImageStatus.SAVING,
    "active": CloudImageStatus.ACTIVE,
    "deactivated": CloudImageStatus.ACTIVE,  # its bytes are stored, only downloads are barred
}
# With delayed_delete the bytes are removed later; the image is gone for everybody at once.
_GONE = ("deleted", "pending_delete")
# What Nova writes on the images that it makes of instances, by createImage, createBackup or shelve.
_TRACES = ("instance_uuid", "base_image_ref", "image_location", "image_state", "backup_type")

# Those that break off an upload, with their units. The one on the number of images is told of when
# an image is asked for.
_UPLOAD_QUOTAS = {"image_size_total": " MiB", "image_count_uploading": ""}

# The images of a page, and the marker of the next one.
_Page = tuple[list[dict[str, Any]], str | None]


class Images(Service):
    """Images: found, listed, completed, shared and deleted."""

    def find_captured(self, project_id: str, request_id: str) -> list[CloudImage]:
        """Return the project's images that are marked with the request id."""
        params = {REQUEST_PROPERTY: request_id, "owner": project_id, "visibility": "all"}
        return [
            cloud_image(image)
            for image in self._api.read("image", "/images", **params)["images"]
            if image.get(REQUEST_PROPERTY) == request_id and image["owner"] == project_id
        ]

    def get_image(self, cloud_image_id: str) -> CloudImage | None:
        """Return the image, None if the service has none of that id."""
        body = self._api.read("image", f"/images/{cloud_image_id}")
        return None if body is None or body["status"] in _GONE else cloud_image(body)

    def image_service(self) -> str | None:
        """Return Glance's public address: two regions that share it have the same."""
        return self._api.address("image")

    def list_images(self) -> Iterator[CloudImage]:
        """Yield all images that the credentials see; raise, rather than end early.

        Each page names the next one, so they are asked for one after the other; the next is on its
        way while this one is read. Images that are hidden have a list of their own.
        """

        def page_after(place: tuple[str, str | None]) -> _Page:
            return self._page(*place)

        read = carried(page_after)
        with ThreadPoolExecutor(1) as ahead:
            for hidden in ("false", "true"):
                marker = None
                page = ahead.submit(read, (hidden, marker))
                while True:
                    images, marker = page.result()
                    if marker is not None:
                        page = ahead.submit(read, (hidden, marker))
                    yield from (
                        cloud_image(image) for image in images if image["status"] not in _GONE
                    )
                    if marker is None:
                        break

    def _page(self, hidden: str, marker: str | None) -> _Page:
        """Return the images after the marker, and the next marker, None after the last page."""
        params = {"limit": str(PAGE), "visibility": "all", "sort": "id:asc", "os_hidden": hidden}
        if marker is not None:
            params["marker"] = marker
        body = self._api.read("image", "/images", **params)
        if body is None or "images" not in body:
            raise CloudUnavailable(
                f"Glance of location {self._location.name} answered with no list of images: the"
                " location was not read. Try again later."
            )
        if "next" not in body:
            return body["images"], None
        following = body["images"][-1]["id"] if body["images"] else marker
        if following == marker:
            raise CloudUnavailable(
                f"Glance of location {self._location.name} repeats a page of its list of images:"
                " the location was not read. Try again later."
            )
        return body["images"], following

    def full_quota(self, project_id: str) -> str | None:
        """Return which of Glance's own quotas on uploads the project has used up, or None."""
        answer = self._api.ask(project_id, "image", "GET", "/info/usage", allow=(403, 404))
        if not answer.ok:
            return None  # a Glance before this request
        usage = answer.json()["usage"]
        for name, unit in _UPLOAD_QUOTAS.items():
            quota = usage.get(name)
            if quota and 0 <= quota["limit"] <= quota["usage"]:
                return f"{name}: {quota['usage']} of {quota['limit']}{unit} are used"
        return None

    def complete_image(
        self, project_id: str, cloud_image_id: str, request_id: str, minima: Mapping[str, int]
    ) -> None:
        """Give the image its mark and what it needs."""
        values = {**minima, **marks(project_id, request_id), "image_type": "snapshot"}
        patch = [{"op": "add", "path": f"/{name}", "value": values[name]} for name in values]
        path = f"/images/{cloud_image_id}"
        answer = self._api.ask(
            project_id, "image", "PATCH", path, (404,), json=patch, headers=_JSON_PATCH
        )
        if answer.status_code == 404:
            raise NotFound("Image", cloud_image_id, "It was deleted in the image service.")

    def share_image(self, cloud_image_id: str, project_ids: Collection[str]) -> None:
        """Let these projects use the image too, without their consent.

        They become members of the image, and accept for themselves, so that they find it in their
        lists. Only a shared image has members; a public or community one needs none.
        """
        path = f"/images/{cloud_image_id}"
        visibility = self._api.ask(None, "image", "GET", path).json()["visibility"]
        if visibility in ("public", "community"):
            return
        if visibility == "private":
            patch = [{"op": "replace", "path": "/visibility", "value": "shared"}]
            self._api.ask(None, "image", "PATCH", path, json=patch, headers=_JSON_PATCH)
        members = self._api.ask(None, "image", "GET", f"{path}/members").json()["members"]
        accepted = {one["member_id"] for one in members if one["status"] == "accepted"}
        known = {one["member_id"] for one in members}
        for project_id in sorted(set(project_ids) - accepted):
            if project_id not in known:  # 409: another process was faster
                body = {"member": project_id}
                self._api.ask(None, "image", "POST", f"{path}/members", json=body, allow=(409,))
            accept = {"status": "accepted"}
            self._api.ask(None, "image", "PUT", f"{path}/members/{project_id}", json=accept)

    def delete_image(self, project_id: str, cloud_image_id: str) -> bool:
        """Delete the image; return whether there was one.

        The admin role may delete the images of every project, so that its owner is looked at first.
        """
        path = f"/images/{cloud_image_id}"
        answer = self._api.ask(project_id, "image", "GET", path, allow=(404,), by_id=True)
        if answer.status_code == 404 or answer.json()["status"] in _GONE:
            return False
        if answer.json()["owner"] != project_id:
            raise Refused(
                f"Image {cloud_image_id} belongs to another project in the image service than"
                f" {project_id}, and was left alone."
            )
        answer = self._api.ask(
            project_id, "image", "DELETE", path, allow=(403, 404, 409), by_id=True
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


def cloud_image(body: dict[str, Any]) -> CloudImage:
    """Return an image that Glance describes, in its API or elsewhere."""
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
        created_at=parse_instant(body["created_at"]),
        is_public=body["visibility"] == "public",
        claims=_claims(body),
        checksum=body.get("os_hash_value") or body.get("checksum"),
    )


def _claims(body: dict[str, Any]) -> Claims:
    instance_id = body.get("instance_uuid") or ""
    image_type = body.get("image_type")
    return Claims(
        request_id=body.get(REQUEST_PROPERTY) or None,
        source_instance_id=instance_id if INSTANCE_ID.fullmatch(instance_id) else None,
        looks_captured=image_type in ("snapshot", "backup") or any(map(body.get, _TRACES)),
        looks_shelved=image_type == "snapshot" and (body.get("name") or "").endswith("-shelved"),
    )
