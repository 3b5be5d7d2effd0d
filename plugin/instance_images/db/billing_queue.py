"""A queue of changes of images for the billing job.

Every change that affects billing is queued in the same transaction: no change is lost, and the
billing job need not read unchanged images. Functions take a connection and never commit.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from instance_images.db.bulk import insert_rows
from instance_images.db.tables import images, news
from instance_images.model.image_events import Event, Learning
from instance_images.model.records import Image

_COLUMNS = (
    "image_id",
    "account_key",
    "event",
    "effective_at",
    "size_bytes",
    "virtual_size_bytes",
    "learned_at",
    "source",
)


def tell(
    connection: sa.Connection,
    image_id: str,
    event: Event,
    effective_at: datetime,
    learning: Learning,
) -> None:
    """Queue an event of the image, with its current account and size.

    An image that never was available has no size and is never billed: nothing is queued.
    """
    _tell(
        connection,
        event,
        sa.literal(effective_at, news.c.effective_at.type),
        learning,
        images.c.image_id == image_id,
    )


def tell_adopted(
    connection: sa.Connection, rows: Sequence[tuple[int, Image]], learning: Learning
) -> None:
    """Queue that these images, each with its account's key, are available since ``available_at``.

    The values are not read from the images: no statistics of that table decide how long it takes.
    """
    insert_rows(
        connection,
        news,
        _COLUMNS,
        [
            (
                image.id,
                account_key,
                Event.AVAILABLE,
                image.available_at,
                image.size_bytes,
                image.virtual_size_bytes,
                learning.learned_at,
                learning.source,
            )
            for account_key, image in rows
        ],
    )


def tell_begin(
    connection: sa.Connection,
    image: Image,
    account_key: int,
    learning: Learning,
) -> None:
    """Queue a corrected begin of an image, with its owner and size at that time.

    ``image`` is its state at that time; the account may have changed since.
    """
    assert image.available_at is not None
    connection.execute(
        sa.insert(news).values(
            image_id=image.id,
            account_key=account_key,
            event=Event.AVAILABLE,
            effective_at=image.available_at,
            size_bytes=image.size_bytes,
            virtual_size_bytes=image.virtual_size_bytes,
            learned_at=learning.learned_at,
            source=learning.source,
        )
    )


def _tell(
    connection: sa.Connection,
    event: Event,
    effective_at: sa.ColumnElement[Any],
    learning: Learning,
    which: sa.ColumnElement[bool],
) -> None:
    told = sa.select(
        images.c.image_id,
        images.c.account_key,
        sa.literal(str(event)),
        effective_at,
        images.c.size_bytes,
        images.c.virtual_size_bytes,
        sa.literal(learning.learned_at, news.c.learned_at.type),
        sa.literal(str(learning.source)),
    ).where(which, images.c.available_at.is_not(None))
    connection.execute(sa.insert(news).from_select(_COLUMNS, told))
