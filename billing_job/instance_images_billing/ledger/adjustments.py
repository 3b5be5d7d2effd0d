"""Rows of adjustments. Functions take a connection and never commit."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from instance_images.db.engine import after_commit
from instance_images_billing.ledger.postings import account_keys
from instance_images_billing.ledger.tables import adjustments, postings
from instance_images_billing.pricing.corrections import HAND, LATE, Adjustment, Place, Standing

_COLUMNS = tuple(adjustments.c)
_INSERTED = tuple(column for column in adjustments.c if column.name != "adjustment_key")


LOG = logging.getLogger(__name__)


def insert_decision(connection: sa.Connection, new: Sequence[Adjustment]) -> list[Adjustment]:
    """Add the rows of one decision; return them with their numbers."""
    insert_adjustments(connection, new)
    first = new[0]
    found = _found(
        connection,
        adjustments.c.image_id == first.image_id,
        adjustments.c.posted_at == first.posted_at,
        adjustments.c.kind == first.kind,
    )
    posted = found[-len(new) :]  # whoever else decides about the image waits for the location
    after_commit(connection, partial(_log, posted))
    return posted


def _log(posted: Sequence[Adjustment]) -> None:
    entries = ", ".join(str(one.adjustment_key) for one in posted)
    LOG.info("Adjustment of image %s posted: entries %s", posted[0].image_id, entries)


def insert_adjustments(connection: sa.Connection, new: Sequence[Adjustment]) -> None:
    """Insert the adjustments. They must be new: the same one twice is counted twice."""
    if new:
        connection.execute(
            sa.insert(adjustments),
            [{c.name: getattr(one, c.name) for c in _INSERTED} for one in new],
        )


def counted_in(connection: sa.Connection, location: str, hour: datetime) -> list[Adjustment]:
    """Return the location's adjustments that are counted in the hour, in order."""
    return _found(
        connection,
        adjustments.c.account_key.in_(account_keys(location)),
        adjustments.c.counted_at == hour,
    )


def of_location(connection: sa.Connection, location: str) -> list[Adjustment]:
    """Return all adjustments of the location, in the order in which they were posted."""
    return _found(connection, adjustments.c.account_key.in_(account_keys(location)))


def late_byte_seconds(
    connection: sa.Connection, image_ids: Sequence[str]
) -> dict[str, dict[Place, int]]:
    """Return by how much the images were corrected late, by image, and account and slice."""
    found: dict[str, dict[Place, int]] = {}
    for one in _found(
        connection, adjustments.c.image_id.in_(image_ids), adjustments.c.kind == LATE
    ):
        places = found.setdefault(one.image_id, {})
        place = (one.account_key, one.corrects_at)
        places[place] = places.get(place, 0) + one.byte_seconds
    return found


def standing(
    connection: sa.Connection, account_keys: Iterable[int], start: datetime, end: datetime
) -> dict[Place, Standing]:
    """Return what stands for the accounts in the slices from ``start`` to ``end``.

    These are the postings and the late corrections of their slices.
    """
    keys = sorted(set(account_keys))
    found: dict[Place, Standing] = {}
    for table, slice_start, more in (
        (postings, postings.c.starts_at, sa.true()),
        (adjustments, adjustments.c.corrects_at, adjustments.c.kind == LATE),
    ):
        query = sa.select(
            table.c.account_key, slice_start, table.c.byte_seconds, table.c.amount_nanos
        ).where(table.c.account_key.in_(keys), slice_start >= start, slice_start < end, more)
        for key, at, byte_seconds, nanos in connection.execute(query):
            before = found.get((key, at), Standing())
            found[key, at] = Standing(
                before.byte_seconds + byte_seconds, before.amount_nanos + nanos
            )
    return found


def decisions_by_place(
    connection: sa.Connection, account_keys: Iterable[int]
) -> dict[Place, list[Adjustment]]:
    """Return the decisions by hand of the accounts and their reversals, by slice, in order."""
    found: dict[Place, list[Adjustment]] = {}
    for one in _found(
        connection,
        adjustments.c.account_key.in_(sorted(set(account_keys))),
        adjustments.c.kind == HAND,
    ):
        found.setdefault((one.account_key, one.corrects_at), []).append(one)
    return found


def nanos_by_image(rows: Iterable[Adjustment]) -> dict[str, int]:
    """Return what these rows come to, by image."""
    images: dict[str, int] = {}
    for one in rows:
        images[one.image_id] = images.get(one.image_id, 0) + one.amount_nanos
    return images


def reversed_by(connection: sa.Connection, rows: Iterable[Adjustment]) -> dict[int, Adjustment]:
    """Return the decisions that these rows reverse, by number."""
    keys = sorted({one.reverses for one in rows if one.reverses is not None})
    found = _found(connection, adjustments.c.adjustment_key.in_(keys)) if keys else []
    return {one.adjustment_key: one for one in found if one.adjustment_key is not None}


def find_entry(connection: sa.Connection, entry: int) -> Adjustment | None:
    """Return the adjustment of that number."""
    found = _found(connection, adjustments.c.adjustment_key == entry)
    return found[0] if found else None


def posted_together(connection: sa.Connection, one: Adjustment) -> list[Adjustment]:
    """Return the rows of the decision that the row is part of, in order."""
    return _found(
        connection,
        adjustments.c.image_id == one.image_id,
        adjustments.c.kind == one.kind,
        adjustments.c.posted_at == one.posted_at,
        adjustments.c.reason == one.reason,
        adjustments.c.author == one.author,
        adjustments.c.reverses.is_(None),
    )


def _found(connection: sa.Connection, *conditions: Any) -> list[Adjustment]:
    query = sa.select(*_COLUMNS).where(*conditions).order_by(adjustments.c.adjustment_key)
    return [Adjustment(**row._mapping) for row in connection.execute(query)]
