"""What an account is charged on top when its period is closed, to reach the minimum charge.

Functions take a connection and never commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from instance_images_billing.tables import minimum_charges


@dataclass(frozen=True, slots=True)
class MinimumCharge:
    """What was missing to an account's minimum charge in a period."""

    account_key: int
    period: str
    counted_at: datetime
    amount_nanos: int
    posted_at: datetime


def missing_to_minimum(byte_seconds: int, nanos: int, minimum_nanos: int) -> int:
    """Return what is missing to the minimum charge of a period; nothing where nothing was used."""
    return max(0, minimum_nanos - nanos) if byte_seconds > 0 else 0


def insert_minimums(connection: sa.Connection, new: Sequence[MinimumCharge]) -> None:
    """Add minimum charges. Raises IntegrityError where the account has one for that period."""
    if new:
        connection.execute(
            sa.insert(minimum_charges),
            [{c.name: getattr(one, c.name) for c in minimum_charges.c} for one in new],
        )


def minimums_of(connection: sa.Connection, period: str) -> list[MinimumCharge]:
    """Return the minimum charges of the period."""
    query = sa.select(minimum_charges).where(minimum_charges.c.period == period)
    return [MinimumCharge(**row._mapping) for row in connection.execute(query)]


def minimums_between(
    connection: sa.Connection, account_key: int, start: datetime, end: datetime
) -> list[MinimumCharge]:
    """Return the account's minimum charges that are counted in ``[start, end)``."""
    query = (
        sa.select(minimum_charges)
        .where(
            minimum_charges.c.account_key == account_key,
            minimum_charges.c.counted_at >= start,
            minimum_charges.c.counted_at < end,
        )
        .order_by(minimum_charges.c.counted_at)
    )
    return [MinimumCharge(**row._mapping) for row in connection.execute(query)]
