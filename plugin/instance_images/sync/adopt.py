"""Takes images that were made without this product into an account, where they are billed.

An account may come to hold more images than its limit that way; it makes no new ones until it
holds fewer.
"""

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa

from instance_images.db import accounts, readings
from instance_images.db import cloud_images as images_in_cloud
from instance_images.db.billing_queue import tell_adopted
from instance_images.locations.site import Site
from instance_images.model.adoption import adopted_at, is_expected
from instance_images.model.image_events import Learning
from instance_images.model.records import Consistency, Image, ImageStatus, Origin
from instance_images.names import storable_name
from instance_images.sync.compare import Stranger
from instance_images.sync.updates import Learned, learned


def adopt(
    connection: sa.Connection,
    site: Site,
    strangers: Sequence[Stranger],
    last_read_at: datetime | None,
    learning: Learning,
) -> list[Learned]:
    """Add the images that are still not on record, and begin to bill them."""
    if not strangers:
        return []
    new = [
        (one.owner, _record_of(site, one, since))
        for one, since in _still_strange(
            connection, site, strangers, last_read_at, learning.learned_at
        )
    ]
    keys = accounts.lock_accounts(connection, site.name, [owner for owner, _ in new])
    rows = [(keys[owner.id], image) for owner, image in new]
    images_in_cloud.insert_adopted(connection, site.service, rows)
    tell_adopted(connection, rows, learning)
    return [learned("adopted", image, _since(image)) for _, image in rows]


def _still_strange(
    connection: sa.Connection,
    site: Site,
    strangers: Sequence[Stranger],
    last_read_at: datetime | None,
    read_at: datetime,
) -> Iterator[tuple[Stranger, datetime]]:
    """Yield those that nobody has put on record since, with when they began to be billable."""
    known = images_in_cloud.known_cloud_ids(
        connection, site.service, [one.found.id for one in strangers]
    )
    waiting = images_in_cloud.captures_without_image(connection, site.service, site.clock())
    was_adopting = readings.last_adopt_mode(connection, site.name) == site.adoption.mode
    for one in strangers:
        found = one.found
        if found.id not in known and not is_expected(
            found, waiting.get(found.owner_id, ()), site.clock()
        ):
            yield (
                one,
                adopted_at(
                    found, last_read_at=last_read_at, was_adopting=was_adopting, read_at=read_at
                ),
            )


def _record_of(site: Site, stranger: Stranger, available_at: datetime) -> Image:
    """Return the record of an image that was made elsewhere."""
    found = stranger.found
    return Image(
        id=str(uuid.uuid4()),
        name=storable_name(found.name) or found.id,
        account_id=stranger.owner.id,
        location=site.name,
        # Its owner says so. What the instance is called is not looked up: it may be another's.
        source_instance_id=found.claims.source_instance_id or "",
        source_instance_name="",
        size_bytes=found.size_bytes,
        status=ImageStatus.AVAILABLE,
        consistency=Consistency.UNKNOWN,
        created_at=found.created_at or available_at,
        available_at=available_at,
        deleted_at=None,
        error=None,
        task_id="",
        cloud_image_id=found.id,
        virtual_size_bytes=found.virtual_size_bytes,
        project_id=found.owner_id,
        origin=Origin.ADOPTED,
    )


def _since(image: Image) -> datetime:
    assert image.available_at is not None
    return image.available_at
