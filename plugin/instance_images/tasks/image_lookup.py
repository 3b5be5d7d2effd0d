"""Finds in the image service what a capture made there."""

from datetime import datetime

from instance_images.db import cloud_images as images_in_cloud
from instance_images.errors import ConfigurationError
from instance_images.locations.site import Site
from instance_images.model.capture import images_of_request
from instance_images.model.cloud import CloudImage
from instance_images.model.records import Image
from instance_images.model.volume_capture import LATE


def find_in_cloud(
    site: Site, image: Image, since: datetime | None = None, asked_at: datetime | None = None
) -> CloudImage | None:
    """Return what the image service has of our image: by its id, or else by our request's mark.

    ``since`` and ``asked_at``: when the first and the last request for it were sent, as far as that
    is known better than by the image's record. Raises ConfigurationError rather than call an image
    gone that the credentials cannot see.
    """
    if image.cloud_image_id is not None:
        found = site.provider.get_image(image.cloud_image_id)
    else:
        found = find_by_mark(site, image.project_id, image.id, since or image.created_at, asked_at)
    if found is None:
        require_sight(site, {image.project_id})
    return found


def find_by_mark(
    site: Site,
    project_id: str,
    image_id: str,
    since: datetime,
    asked_at: datetime | None = None,
) -> CloudImage | None:
    """Return what the image service has of a capture whose image is not on record yet.

    It belongs to the project, and was made when the request was under way, which its owner cannot
    write: the oldest such image counts. He can put the mark on an image that he uploads meanwhile,
    and so have that one in its place, for which he pays what it really takes. One that is on record
    bears the mark of an attempt that was given up, and was adopted since.
    """
    until = None if asked_at is None else asked_at + LATE
    marked = images_of_request(site.provider.find_captured(project_id, image_id), since, until)
    if not marked:
        return None
    with site.database.reading() as connection:
        known = images_in_cloud.known_cloud_ids(
            connection, site.service, [one.id for one in marked]
        )
    return next((one for one in marked if one.id not in known), None)


def require_sight(site: Site, project_ids: set[str]) -> None:
    """Raise ConfigurationError unless the credentials see the images of all these projects."""
    if not project_ids or site.provider.sees_all_accounts():
        return
    own = site.provider.find_project(None).id
    unseen = project_ids - {own}
    if unseen:
        raise ConfigurationError(
            f"The credentials of {site.location.cloud!r} see only the images of project {own}, but"
            f" there are images of {len(unseen)} other projects on record: use credentials with"
            " the admin role."
        )
