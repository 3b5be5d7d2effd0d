"""Reads a location completely, and corrects our record where the cloud holds something else.

An image that a listing leaves out is looked up by its id before it is believed to be gone; one
that has another owner or another size there has it on record from then on. If anything cannot be
read, nothing is believed: the error goes to the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from instance_images import accounts, images, readings
from instance_images.domain import Account, Image, ImageStatus, TaskKind
from instance_images.images import AvailableState
from instance_images.news import Event, Learning, Source, tell
from instance_images.ownership import keep_ownership
from instance_images.provider import CloudImage, CloudImageStatus
from instance_images.settling import Observation, observe, record, require_sight, settle
from instance_images.site import Site, require_scope
from instance_images.transitions import vanished_at

# What money depends on. An instance that is being made does not keep an hour open.
_IMAGE_TASKS = (TaskKind.CREATE, TaskKind.DELETE)


@dataclass(frozen=True, slots=True)
class Change:
    """An available image that has another owner or another size than on record."""

    image: Image
    owner: Account
    found: CloudImage


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was seen of a location. ``read_at`` is the instant before it was begun.

    ``vanished`` are images on record as available that the cloud no longer has.
    """

    read_at: datetime
    observations: Sequence[Observation]
    vanished: Sequence[Image]
    changed: Sequence[Change]


def read_location(site: Site, *, act: bool) -> Reading:
    """Read all of the location; with ``act``, first bring its unfinished tasks forward.

    Without ``act`` nothing is changed, in the cloud or on record: the tasks are looked at only.
    """
    require_scope(site)
    read_at = site.clock()
    if act:
        observations = settle(site, None, _IMAGE_TASKS, Source.RUN)
        keep_ownership(site)
    else:
        observations = observe(site, None, _IMAGE_TASKS)
    vanished, changed = _compare(site)
    return Reading(read_at, observations, vanished, changed)


def record_reading(connection: sa.Connection, site: Site, reading: Reading) -> None:
    """Write down what the reading has shown, and that it was complete."""
    record(connection, reading.observations, Source.RUN)
    last_read_at = readings.last_read_at(connection, site.name)
    learning = Learning(reading.read_at, Source.LISTING)
    for image in reading.vanished:
        deleted_at = vanished_at(image, last_read_at)
        if images.update_image(
            connection,
            image.id,
            expected=[ImageStatus.AVAILABLE],
            status=ImageStatus.DELETED,
            deleted_at=deleted_at,
            error="The image was deleted in the image service, not through this product.",
        ):
            tell(connection, image.id, Event.DELETED, deleted_at, learning)
    for change in reading.changed:
        _record_change(connection, site, change, last_read_at, learning)
    readings.set_last_read_at(connection, site.name, reading.read_at)


def _record_change(
    connection: sa.Connection,
    site: Site,
    change: Change,
    last_read_at: datetime | None,
    learning: Learning,
) -> None:
    """Write down the new owner and size, unless another run has done so."""
    owner = accounts.lock_account(connection, site.name, change.owner)
    if images.update_state(
        connection,
        change.image,
        account_key=owner.account_key,
        project_id=change.found.owner_id,
        size_bytes=change.found.size_bytes,
        virtual_size_bytes=change.found.virtual_size_bytes,
    ):
        changed_at = _changed_at(change, last_read_at, learning.learned_at)
        tell(connection, change.image.id, Event.CHANGED, changed_at, learning)


def _changed_at(change: Change, last_read_at: datetime | None, read_at: datetime) -> datetime:
    """Return when the image changed: as the image service says, but after it was last read."""
    available_at = change.image.available_at
    assert available_at is not None
    earliest = max(available_at, last_read_at or available_at)
    return max(earliest, min(change.found.changed_at, read_at))


def _compare(site: Site) -> tuple[list[Image], list[Change]]:
    """Return the available images that are certainly not in the cloud, and those that differ.

    The listing passes by and is not kept: there may be a million images.
    """
    with site.database.reading() as connection:
        unlisted = dict(images.available_in_cloud(connection, site.name))
    require_sight(site, {owner_id for owner_id, _, _ in unlisted.values()})
    differing: dict[str, CloudImage] = {}
    for found in site.provider.list_images():
        known = unlisted.pop(found.id, None)
        if known is not None and _differs(known, found):
            differing[found.id] = found
    with site.database.reading() as connection:
        missing = images.available_of_cloud_ids(connection, site.name, list(unlisted))
        changed = images.available_of_cloud_ids(connection, site.name, list(differing))
    vanished = [
        image for image in missing if site.provider.get_image(image.cloud_image_id or "") is None
    ]
    found_of = [(image, differing[image.cloud_image_id or ""]) for image in changed]
    return vanished, [
        Change(image, site.account_of_project(new.owner_id), new) for image, new in found_of
    ]


def _differs(known: AvailableState, found: CloudImage) -> bool:
    """Return whether the image service has another owner or size; none and 0 are no answer."""
    if found.status is not CloudImageStatus.ACTIVE or not found.size_bytes or not found.owner_id:
        return False
    return known != (found.owner_id, found.size_bytes, found.virtual_size_bytes)
