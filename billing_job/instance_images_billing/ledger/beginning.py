"""When the ledger began. Functions take a connection and never commit."""

from datetime import datetime

import sqlalchemy as sa

from instance_images_billing.ledger.tables import adjustments, closings, postings, rates


def first_counted(connection: sa.Connection) -> datetime | None:
    """Return the first hour in which anything was posted or closed, at any location."""
    firsts = [
        connection.execute(sa.select(sa.func.min(column))).scalar_one_or_none()
        for column in (postings.c.starts_at, closings.c.hour, adjustments.c.counted_at)
    ]
    return min((first for first in firsts if first), default=None)


def began_at(connection: sa.Connection) -> datetime | None:
    """Return the ledger's first hour; before any is closed, when the first rate came into being."""
    first = first_counted(connection)
    if first is not None:
        return first
    found = connection.execute(sa.select(rates.c.from_hour, rates.c.set_at))
    return min((max(from_hour, set_at) for from_hour, set_at in found), default=None)
