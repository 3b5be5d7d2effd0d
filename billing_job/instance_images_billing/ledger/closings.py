"""Rows of the chain of closed hours. Functions take a connection and never commit."""

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa

from instance_images_billing.ledger.chain import FIRST, Closing
from instance_images_billing.ledger.tables import closings


def insert_closing(connection: sa.Connection, closing: Closing) -> None:
    """Add the link of an hour."""
    values = {column.name: getattr(closing, column.name) for column in closings.c}
    connection.execute(sa.insert(closings).values(values))


def last_digest(connection: sa.Connection, location: str, before: datetime | None = None) -> str:
    """Return the digest of the location's last link, or of the last one before that hour."""
    query = sa.select(closings.c.digest).where(closings.c.location == location)
    if before is not None:
        query = query.where(closings.c.hour < before)
    query = query.order_by(closings.c.hour.desc()).limit(1)
    return connection.execute(query).scalar_one_or_none() or FIRST


def last_closing(connection: sa.Connection, location: str) -> Closing | None:
    """Return the location's last link, None where no hour is closed."""
    query = sa.select(closings).where(closings.c.location == location)
    row = connection.execute(query.order_by(closings.c.hour.desc()).limit(1)).one_or_none()
    return None if row is None else Closing(**row._mapping)


def list_closings(connection: sa.Connection, location: str) -> Iterator[Closing]:
    """Yield the location's links in the order of their hours."""
    query = sa.select(closings).where(closings.c.location == location).order_by(closings.c.hour)
    for row in connection.execute(query):
        yield Closing(**row._mapping)
