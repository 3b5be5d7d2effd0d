"""Finds the records of the cloud's images, of any account. Functions never commit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from instance_images.db.cloud_images import Service
from instance_images.db.tables import accounts, images, tasks
from instance_images.model.records import ImageStatus

_IDS_PER_QUERY = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOfImage:
    """A record of an image, at the location itself or at one that shares its image service."""

    location: str
    status: ImageStatus
    is_living: bool
    available_at: datetime | None
    deleted_at: datetime | None
    has_leftovers: bool


def records_by_cloud_id(
    connection: sa.Connection, service: Service, cloud_ids: Sequence[str]
) -> dict[str, list[RecordOfImage]]:
    """Return the records of these ids, for each id that has any."""
    has_leftovers = sa.exists().where(tasks.c.image_id == images.c.image_id, tasks.c.has_leftovers)
    found: dict[str, list[RecordOfImage]] = {}
    for first in range(0, len(cloud_ids), _IDS_PER_QUERY):
        query = (
            sa.select(
                images.c.cloud_image_id,
                accounts.c.location,
                images.c.status,
                images.c.living_key.is_not(None),
                images.c.available_at,
                images.c.deleted_at,
                has_leftovers,
            )
            .join_from(images, accounts)
            .where(
                images.c.cloud_image_id.in_(cloud_ids[first : first + _IDS_PER_QUERY]),
                sa.or_(
                    accounts.c.location == service.location,
                    images.c.image_service == service.identity,
                ),
            )
        )
        for cloud_id, location, status, is_living, begun_at, ended_at, left in connection.execute(
            query
        ):
            one = RecordOfImage(
                location=location,
                status=ImageStatus(status),
                is_living=bool(is_living),
                available_at=begun_at,
                deleted_at=ended_at,
                has_leftovers=bool(left),
            )
            found.setdefault(cloud_id, []).append(one)
    return found
