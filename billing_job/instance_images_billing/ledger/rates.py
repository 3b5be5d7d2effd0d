"""Rows of rates. Functions take a connection and never commit."""

import sqlalchemy as sa

from instance_images_billing.ledger.tables import (
    rates,
)
from instance_images_billing.pricing.rating import Rate


def list_rates(connection: sa.Connection, location: str) -> list[Rate]:
    """Return the location's rates, sorted by their first hour."""
    query = sa.select(rates).where(rates.c.location == location).order_by(rates.c.from_hour)
    return [
        Rate(
            location=row.location,
            from_hour=row.from_hour,
            price_nanos=row.price_nanos,
            currency=row.currency,
            unit=row.unit,
            hours_per_month=row.hours_per_month,
            partial_hour=row.partial_hour,
            set_at=row.set_at,
            free_bytes=row.free_bytes,
            minimum_nanos=row.minimum_nanos,
        )
        for row in connection.execute(query)
    ]


def write_rate(connection: sa.Connection, rate: Rate) -> None:
    """Add the rate, in place of one that begins at the same hour."""
    connection.execute(
        sa.delete(rates).where(
            rates.c.location == rate.location, rates.c.from_hour == rate.from_hour
        )
    )
    connection.execute(
        sa.insert(rates).values(
            location=rate.location,
            from_hour=rate.from_hour,
            price_nanos=rate.price_nanos,
            currency=rate.currency,
            unit=rate.unit,
            hours_per_month=rate.hours_per_month,
            partial_hour=rate.partial_hour,
            set_at=rate.set_at,
            free_bytes=rate.free_bytes,
            minimum_nanos=rate.minimum_nanos,
        )
    )
