"""What the ledger charges all accounts together in a period, by currency.

The sum of a month's postings is read from the chain of closed hours, which has the sum of each
hour: a year of ten thousand accounts has ninety million postings. Where the chain does not hold
all of a month, the postings are added up.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

import sqlalchemy as sa

from instance_images.db.exact import ExactSum
from instance_images.db.tables import accounts
from instance_images.instants import HOUR, floor_hour
from instance_images_billing.ledger.tables import adjustments, closings, postings
from instance_images_billing.pricing.rating import Rate, rate_at
from instance_images_reports.collect.cutoff import Cut
from instance_images_reports.collect.sums import NO_CURRENCY, read_sums


def read_charges(connection: sa.Connection, cut: Cut) -> dict[str, int]:
    """Return the nanos that are charged in the cut's period, by currency."""
    found = _by_closed_hours(connection, cut)
    if found is None:
        found = {}
        for one in read_sums(connection, cut):
            _add(found, one.currency, one.nanos)
    found.pop(NO_CURRENCY, None)
    return found


def _by_closed_hours(connection: sa.Connection, cut: Cut) -> dict[str, int] | None:
    """Return what ``read_charges`` does; None where the closed hours do not tell."""
    edges = (cut.period.start, cut.period.end)
    if any(floor_hour(edge) != edge for edge in edges):
        return None  # an hour is charged in two periods, in parts
    found: dict[str, int] = {}
    for place in cut.locations.values():
        until = min(cut.period.end, place.metered_until or cut.period.start)
        begins = _first_hour(connection, place.location)
        start = cut.period.start if begins is None else max(cut.period.start, begins)
        if start < until:
            for first, end, currency in _one_currency(place.rates, start, until):
                nanos = _closed_nanos(connection, place.location, first, end)
                if nanos is None:
                    return None
                _add(found, currency, nanos)
    for one in read_sums(connection, cut, without_postings=True):
        _add(found, one.currency, one.nanos)
    return found


def _first_hour(connection: sa.Connection, location: str) -> datetime | None:
    """Return the location's first hour of which anything is closed or posted."""
    posted = (
        sa.select(sa.func.min(postings.c.starts_at))
        .where(postings.c.account_key == accounts.c.account_key)
        .scalar_subquery()
    )
    queries = (
        sa.select(sa.func.min(closings.c.hour)).where(closings.c.location == location),
        sa.select(sa.func.min(posted)).where(accounts.c.location == location),
    )
    firsts = [connection.execute(query).scalar_one_or_none() for query in queries]
    return min((floor_hour(first) for first in firsts if first is not None), default=None)


def _one_currency(
    rates: Sequence[Rate], start: datetime, until: datetime
) -> list[tuple[datetime, datetime, str]]:
    """Return ``[start, until)``, cut where a new rate begins, with its currency."""
    cuts = sorted(
        {start, until, *(one.from_hour for one in rates if start < one.from_hour < until)}
    )
    found = []
    for first, end in pairwise(cuts):
        rate = rate_at(rates, first)
        found.append((first, end, NO_CURRENCY if rate is None else rate.currency))
    return found


def _closed_nanos(
    connection: sa.Connection, location: str, start: datetime, end: datetime
) -> int | None:
    """Return the nanos posted in these hours, None where an hour is not in the chain."""
    in_hours = (closings.c.location == location, closings.c.hour >= start, closings.c.hour < end)
    query = sa.select(sa.func.count(), ExactSum(closings.c.amount_nanos)).where(*in_hours)
    count, nanos = connection.execute(query).one()
    if count != (end - start) // HOUR:
        return None
    counted = (
        sa.select(ExactSum(adjustments.c.amount_nanos))
        .join(accounts, accounts.c.account_key == adjustments.c.account_key)
        .where(
            accounts.c.location == location,
            adjustments.c.counted_at >= start,
            adjustments.c.counted_at < end,
        )
    )
    return int(nanos or 0) - int(connection.execute(counted).scalar_one() or 0)


def _add(found: dict[str, int], currency: str, nanos: int) -> None:
    found[currency] = found.get(currency, 0) + nanos
