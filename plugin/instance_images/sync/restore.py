"""Brings records to life again whose images the image service still has, or has again.

An image may be missing from one reading and be back: a database was restored, or a wrong endpoint
was read. A deletion may end on record while the image stays. From the reading that sees it, such
an image is its owner's again, and billed; the time before is not.
"""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from instance_images.db import accounts, images, readings
from instance_images.db import cloud_images as images_in_cloud
from instance_images.db.billing_queue import tell
from instance_images.db.cloud_images import Ended, Service
from instance_images.errors import CloudUnavailable, Refused
from instance_images.locations.site import Site
from instance_images.model.adoption import began_at, is_stored
from instance_images.model.cloud import CloudImage
from instance_images.model.image_events import Event, Learning
from instance_images.model.records import Account, ImageStatus
from instance_images.parallel import in_parallel
from instance_images.sync.updates import Learned, learned

LOG = logging.getLogger(__name__)

_NOTE = "The image service stores it: it is billed from this run on."


@dataclass(frozen=True, slots=True)
class Returned:
    """A record that has ended, with what the image service has of it and whose that is now."""

    ended: Ended
    owner: Account
    found: CloudImage


def find_returned(
    site: Site, service: Service, unknown: Mapping[str, CloudImage], known: Collection[str]
) -> list[Returned]:
    """Return those of the images, by their ids, whose records have ended here; each is looked up.

    ``known``: the ids of those that have a record.

    An image may have been deleted since it was listed, and its record ended by that. What a capture
    left is removed first: it counts only if it was there before the last reading, after which that
    was tried.
    """
    stored = [one for one in known if is_stored(unknown[one])]
    with site.database.reading() as connection:
        living = images_in_cloud.known_cloud_ids(connection, service, stored, living=True)
        last_read_at = readings.last_read_at(connection, site.name)
        ended = images_in_cloud.ended_of_cloud_ids(
            connection, site.name, [one for one in stored if one not in living]
        )
    candidates = [
        one
        for one in ended
        if not one.has_leftovers or _had_its_turn(unknown[one.cloud_image_id], last_read_at)
    ]
    looks = in_parallel(lambda one: _look_up(site, one.cloud_image_id), candidates)
    return [
        Returned(one, site.account_of_project(found.owner_id), found)
        for one, found in zip(candidates, looks, strict=True)
        if found is not None and is_stored(found)
    ]


def _look_up(site: Site, cloud_image_id: str) -> CloudImage | None:
    """Return the image; None where there is none, or the service fails at it: the next reading."""
    try:
        return site.provider.get_image(cloud_image_id)
    except CloudUnavailable as error:
        if error.status is None:
            raise
        LOG.warning("Could not look up image %s, which is listed: %s", cloud_image_id, error)
    except Refused as error:
        LOG.warning("Could not look up image %s, which is listed: %s", cloud_image_id, error)
    return None


def _had_its_turn(found: CloudImage, last_read_at: datetime | None) -> bool:
    return last_read_at is not None and began_at(found) < last_read_at


def restore(
    connection: sa.Connection, site: Site, returned: Sequence[Returned], learning: Learning
) -> Iterator[Learned]:
    """Make the records available again, unless another process has changed them since."""
    owners = {one.owner.id: one.owner for one in returned}
    keys = {
        account_id: accounts.lock_account(connection, site.name, owners[account_id]).account_key
        for account_id in sorted(owners)
    }
    for one in returned:
        before, found = one.ended.image, one.found
        service = site.service.identity
        if images.holder_of_id(connection, before.id, found.id, service) is not None:
            continue  # a location that shares the image service has it by now
        if not images.update_image(
            connection,
            before.id,
            expected=[before.status],
            status=ImageStatus.AVAILABLE,
            account_key=keys[one.owner.id],
            project_id=found.owner_id,
            size_bytes=found.size_bytes,
            virtual_size_bytes=found.virtual_size_bytes,
            available_at=before.available_at or learning.learned_at,
            restored_at=learning.learned_at,
            deleted_at=None,
            missed_at=None,
            error=None,
            shared_with=None,
            image_service=service,
            cloud_image_id=found.id,
        ):
            continue
        is_first = before.available_at is None
        event = Event.AVAILABLE if is_first else Event.RESTORED
        tell(connection, before.id, event, learning.learned_at, learning)
        yield learned("restored", before, learning.learned_at, _NOTE, size_bytes=found.size_bytes)
