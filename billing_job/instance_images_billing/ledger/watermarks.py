"""The watermark of a location: the end of its last closed hour. Functions never commit."""

import contextlib
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from instance_images.instants import HOUR
from instance_images_billing.ledger.tables import (
    ledger_locks,
    watermarks,
)


def lock_location(connection: sa.Connection, location: str) -> None:
    """Make every other writer of the location's ledger wait until the transaction ends.

    The lock is a write, because nodes of a cluster compare nothing else when they commit: of two
    transactions that hold it at two nodes, one is ended. ``write`` repeats that one.
    """
    locked = (
        sa.update(ledger_locks)
        .where(ledger_locks.c.location == location)
        .values(lock_version=ledger_locks.c.lock_version + 1)
    )
    if connection.execute(locked).rowcount == 0:
        with contextlib.suppress(IntegrityError), connection.begin_nested():
            connection.execute(sa.insert(ledger_locks).values(location=location))
        connection.execute(locked)


def lock_version(connection: sa.Connection, location: str) -> int:
    """Return how often the location was locked."""
    query = sa.select(ledger_locks.c.lock_version).where(ledger_locks.c.location == location)
    return int(connection.execute(query).scalar_one())


def watermark(connection: sa.Connection, location: str) -> datetime | None:
    """Return the instant before which every hour is closed, None if none ever was."""
    return connection.execute(
        sa.select(watermarks.c.hour).where(watermarks.c.location == location)
    ).scalar_one_or_none()


def begin_watermark(connection: sa.Connection, location: str, hour: datetime) -> None:
    """Set the location's first watermark. Raises IntegrityError if there is one already."""
    connection.execute(sa.insert(watermarks).values(location=location, hour=hour))


def move_watermark(connection: sa.Connection, location: str, hour: datetime) -> bool:
    """Move the watermark from ``hour`` to the next; return False if it is not there (any more)."""
    result = connection.execute(
        sa.update(watermarks)
        .where(watermarks.c.location == location, watermarks.c.hour == hour)
        .values(hour=hour + HOUR)
    )
    return result.rowcount == 1
