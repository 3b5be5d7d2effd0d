"""When the ledger began. Functions take a connection and never commit."""

from datetime import datetime

import sqlalchemy as sa

from instance_images.db.tables import accounts
from instance_images_billing.ledger.tables import adjustments, closings, postings, rates


def first_counted(connection: sa.Connection) -> datetime | None:
    """Return the first hour in which anything was posted or closed, at any location."""
    # The first posting of each account: there is no index by time over all of them.
    of_account = (
        sa.select(sa.func.min(postings.c.starts_at))
        .where(postings.c.account_key == accounts.c.account_key)
        .scalar_subquery()
    )
    firsts = [
        connection.execute(query).scalar_one_or_none()
        for query in (
            sa.select(sa.func.min(of_account)).select_from(accounts),
            sa.select(sa.func.min(closings.c.hour)),
            sa.select(sa.func.min(adjustments.c.counted_at)),
        )
    ]
    return min((first for first in firsts if first), default=None)


def began_at(connection: sa.Connection) -> datetime | None:
    """Return the ledger's first hour; before any is closed, when the first rate came into being."""
    first = first_counted(connection)
    if first is not None:
        return first
    found = connection.execute(sa.select(rates.c.from_hour, rates.c.set_at))
    return min((max(from_hour, set_at) for from_hour, set_at in found), default=None)
