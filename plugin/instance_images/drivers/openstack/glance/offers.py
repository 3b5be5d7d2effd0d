"""Glance in our types: what there is to deploy from. A page of a thousand images is one request."""

from collections.abc import Iterator, Sequence
from typing import Any

from instance_images.drivers.openstack.service import PAGE, Service
from instance_images.model.cloud import OfferedImage

_SHOWN = {"os_hidden": "false"}
_IDS_PER_REQUEST = 100  # so that the address stays below 4 KiB


class Offers(Service):
    """Images that can be chosen."""

    def list_os_images(self, project_id: str) -> list[OfferedImage]:
        """Return the active images that are public, and community ones of the operator's projects.

        Every project can make an image of its own community, under any name. So these count only
        where the location's ``os_image_projects`` has their owner. Hidden images are left out.
        """
        found = list(self._offered_images(project_id, {**_SHOWN, "visibility": "public"}))
        for owner_id in self._location.os_image_projects:
            filters = {**_SHOWN, "visibility": "community", "owner": owner_id}
            community = self._offered_images(project_id, filters)
            found += [image for image in community if image["owner"] == owner_id]
        return list(map(_offered, found))

    def offered_images(self, project_id: str, cloud_image_ids: Sequence[str]) -> list[OfferedImage]:
        """Return those of the images that are active."""
        found: list[OfferedImage] = []
        for first in range(0, len(cloud_image_ids), _IDS_PER_REQUEST):
            ids = ",".join(cloud_image_ids[first : first + _IDS_PER_REQUEST])
            found += map(_offered, self._offered_images(project_id, {"id": f"in:{ids}"}))
        return found

    def _offered_images(self, project_id: str, filters: dict[str, str]) -> Iterator[dict[str, Any]]:
        params = {"visibility": "all", "status": "active", "limit": str(PAGE), **filters}
        while True:
            answer = self._api.ask(project_id, "image", "GET", "/images", params=params).json()
            yield from answer["images"]
            if "next" not in answer:
                return
            params["marker"] = answer["images"][-1]["id"]


def _offered(body: dict[str, Any]) -> OfferedImage:
    return OfferedImage(
        id=body["id"],
        name=body.get("name") or "",
        owner_id=body["owner"] or "",
        size_bytes=body["size"] or 0,
        min_disk_gib=body["min_disk"],
        min_ram_mib=body["min_ram"],
        os_type=body.get("os_type"),
        os_distro=body.get("os_distro"),
        os_version=body.get("os_version"),
        architecture=body.get("architecture"),
    )
