"""Rows of images that are shared with other projects of their account.

Functions take a connection and never commit.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from instance_images.db.tables import accounts, images
from instance_images.model.records import ImageStatus


@dataclass(frozen=True, slots=True)
class SharedImage:
    """An image to be shared."""

    image_id: str
    account_key: int
    cloud_image_id: str
    project_id: str


def not_shared_with(
    connection: sa.Connection, location: str, account_id: str | None, digest: str | None
) -> list[SharedImage]:
    """Return the available images whose recorded sharing differs from the digest.

    With None for it, those that were not shared at all.
    """
    query = (
        sa.select(
            images.c.image_id, images.c.account_key, images.c.cloud_image_id, images.c.project_id
        )
        .join_from(images, accounts)
        .where(
            accounts.c.location == location,
            images.c.status == ImageStatus.AVAILABLE,
            images.c.shared_with.is_(None)
            if digest is None
            else images.c.shared_with.is_distinct_from(digest),
        )
        .order_by(images.c.created_at, images.c.image_id)
    )
    if account_id is not None:
        query = query.where(accounts.c.account_id == account_id)
    return [SharedImage(**row._mapping) for row in connection.execute(query)]


def account_keys_with_available(connection: sa.Connection, location: str) -> list[int]:
    """Return the keys of the accounts that have available images at the location."""
    query = (
        sa.select(images.c.account_key)
        .distinct()
        .join_from(images, accounts)
        .where(accounts.c.location == location, images.c.status == ImageStatus.AVAILABLE)
        .order_by(images.c.account_key)
    )
    return list(connection.execute(query).scalars())


def set_shared_with(
    connection: sa.Connection, image_id: str, project_id: str, digest: str | None
) -> None:
    """Record which projects may use the image, unless its owner has changed."""
    connection.execute(
        sa.update(images)
        .where(images.c.image_id == image_id, images.c.project_id == project_id)
        .values(shared_with=digest)
    )
