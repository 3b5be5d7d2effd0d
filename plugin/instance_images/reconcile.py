"""Reads a location completely, and corrects our record where the cloud holds something else.

An image that a listing leaves out is looked up by its id before it is believed to be gone. If
anything cannot be read, nothing is believed: the error goes to the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from instance_images import images, readings
from instance_images.domain import Image, ImageStatus, TaskKind
from instance_images.settling import Observation, observe, record, require_sight, settle
from instance_images.site import Site
from instance_images.transitions import vanished_at

# What money depends on. An instance that is being made does not keep an hour open.
_IMAGE_TASKS = (TaskKind.CREATE, TaskKind.DELETE)


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was seen of a location. ``read_at`` is the instant before it was begun.

    ``vanished`` are images on record as available that the cloud no longer has.
    """

    read_at: datetime
    observations: Sequence[Observation]
    vanished: Sequence[Image]


def read_location(site: Site, *, act: bool) -> Reading:
    """Read all of the location; with ``act``, first bring its unfinished tasks forward.

    Without ``act`` nothing is changed, in the cloud or on record: the tasks are looked at only.
    """
    read_at = site.clock()
    observations = (settle if act else observe)(site, None, _IMAGE_TASKS)
    return Reading(read_at, observations, _vanished(site))


def record_reading(connection: sa.Connection, site: Site, reading: Reading) -> None:
    """Write down what the reading has shown, and that it was complete."""
    record(connection, reading.observations)
    last_read_at = readings.last_read_at(connection, site.name)
    for image in reading.vanished:
        images.update_image(
            connection,
            image.id,
            expected=[ImageStatus.AVAILABLE],
            status=ImageStatus.DELETED,
            deleted_at=vanished_at(image, last_read_at),
            error="The image was deleted in the image service, not through this product.",
        )
    readings.set_last_read_at(connection, site.name, reading.read_at)


def _vanished(site: Site) -> list[Image]:
    """Return the images that are available on record and certainly not in the cloud."""
    with site.database.reading() as connection:
        on_record = list(images.available_in_cloud(connection, site.name))
    require_sight(site, {account_id for _, account_id, _ in on_record})
    listed = {image.id for image in site.provider.list_images()}
    unlisted = [image_id for image_id, _, cloud_id in on_record if cloud_id not in listed]
    with site.database.reading() as connection:
        missing = [images.get_image(connection, image_id) for image_id in unlisted]
    return [
        image
        for image in missing
        if image.cloud_image_id and site.provider.get_image(image.cloud_image_id) is None
    ]
