"""Why an image that the image service stores is not billed at a location: by name, or for nothing.

What the operator's policy exempts has a name, and so has what is under way. Nothing else is exempt.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from instance_images.db import cloud_images as images_in_cloud
from instance_images.db.cloud_images import RecordOfImage, records_by_cloud_id
from instance_images.locations.site import Site
from instance_images.model.adoption import is_eligible, is_expected
from instance_images.model.cloud import CloudImage
from instance_images.model.records import AdoptionPolicy, ImageStatus

PUBLIC = "public images"
EXCLUDED = "projects in excluded_projects"
SHELVED = "disks of shelved instances"
CAPTURE = "captures under way"
DELETION = "deletions under way"
CLEAN_UP = "leftovers of captures that are being removed"
ELSEWHERE = "images that another location bills"


def reasons_of(
    connection: sa.Connection,
    site: Site,
    stored: Mapping[str, CloudImage],
    disks: Collection[str],
    read_at: datetime,
) -> dict[str, str]:
    """Return why each of the images, by their ids, is exempt; those that are not are left out.

    ``disks``: the ids of those that hold disks of shelved instances. ``read_at``: when the reading
    began that listed them.
    """
    on_record = records_by_cloud_id(connection, site.service, list(stored))
    waiting = images_in_cloud.captures_without_image(connection, site.service, site.clock())
    found: dict[str, str] = {}
    for image_id, image in stored.items():
        reason = _by_record(site.name, on_record.get(image_id, ()), read_at)
        if reason is None:
            reason = _by_policy(image, site.adoption)
        if reason is None and image_id in disks:
            reason = SHELVED
        if reason is None and is_expected(image, waiting.get(image.owner_id, ()), site.clock()):
            reason = CAPTURE
        if reason:
            found[image_id] = reason
    return found


def _by_record(location: str, known: Collection[RecordOfImage], read_at: datetime) -> str | None:
    """Return why the image is exempt, empty where its record says that it is not; else None."""
    for one in known:
        if one.location != location:
            if one.is_living:
                return ELSEWHERE
            continue
        match one.status:
            case ImageStatus.CREATING:
                return CAPTURE
            case ImageStatus.DELETING:
                return DELETION
            case ImageStatus.AVAILABLE:
                is_new = one.available_at is not None and one.available_at > read_at
                return CAPTURE if is_new else ""
            case ImageStatus.DELETED if one.deleted_at and one.deleted_at >= read_at:
                return DELETION
            case ImageStatus.ERROR if one.has_leftovers:
                return CLEAN_UP
    own = [one for one in known if one.location == location]
    return "" if own else None


def _by_policy(image: CloudImage, policy: AdoptionPolicy) -> str | None:
    if image.is_public:
        return PUBLIC
    if image.owner_id in policy.excluded_project_ids:
        return EXCLUDED
    return None if is_eligible(image, policy) else f"what adopt = {policy.mode} leaves out"
