"""Reads what an account was charged in the period before, for the comparison with it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from instance_images.domain import Account
from instance_images.tables import accounts
from instance_images_billing.ledger import list_rates
from instance_images_billing.periods import Period
from instance_images_billing.rating import Rate
from instance_images_billing.tables import adjustments, minimum_charges, postings
from instance_images_reports.statement import Previous

# A table of charges, where its rows are counted, and the instant whose rate they are charged at.
_CHARGES = (
    (postings, postings.c.starts_at, postings.c.starts_at),
    (adjustments, adjustments.c.counted_at, adjustments.c.corrects_at),
    (minimum_charges, minimum_charges.c.counted_at, minimum_charges.c.counted_at),
)


def previous_of(
    connection: sa.Connection, account: Account, before: Period, currency: str
) -> Previous | None:
    """Return the account's charges in the period ``before``; None where it has none in it."""
    rows = nanos = 0
    query = sa.select(accounts.c.account_key, accounts.c.location).where(
        accounts.c.account_id == account.id
    )
    for key, location in connection.execute(query).all():
        ranges = list(_ranges(list_rates(connection, location), currency))
        if ranges:
            for table, counted_at, rated_at in _CHARGES:
                conditions = (
                    table.c.account_key == key,
                    counted_at >= before.start,
                    counted_at < before.end,
                    sa.or_(*(_within(rated_at, *edges) for edges in ranges)),
                )
                count, total = connection.execute(
                    sa.select(sa.func.count(), sa.func.sum(table.c.amount_nanos)).where(*conditions)
                ).one()
                rows += count
                nanos += int(total or 0)
    return Previous(before, nanos) if rows else None


def _ranges(rates: Sequence[Rate], currency: str) -> Iterator[tuple[datetime, datetime | None]]:
    """Yield from when until when a location's rates are in the currency, None for no end."""
    for rate, following in pairwise([*rates, None]):
        if rate is not None and rate.currency == currency:
            yield rate.from_hour, None if following is None else following.from_hour


def _within(
    column: sa.Column[Any], start: datetime, end: datetime | None
) -> sa.ColumnElement[bool]:
    return column >= start if end is None else sa.and_(column >= start, column < end)
