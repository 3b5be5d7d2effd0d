"""The billing months that the ledger has, and what each holds. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images.db.accounts import accounts_by_key
from instance_images.db.exact import ExactSum
from instance_images_billing.ledger import postings as ledger
from instance_images_billing.ledger import rates as ledger_rates
from instance_images_billing.ledger import watermarks
from instance_images_billing.ledger.beginning import first_counted
from instance_images_billing.ledger.closed_periods import ClosedPeriod, list_closed
from instance_images_billing.ledger.tables import adjustments, postings
from instance_images_billing.months.minimums import minimums_of
from instance_images_billing.pricing.periods import Period, periods_between
from instance_images_billing.pricing.rating import rate_at


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodStatus:
    """A billing month. ``metered_until`` is None while a location has no closed hour.

    ``totals`` are the nanos of all that is counted in the period, by currency. ``digest`` is that
    of a closed period.
    """

    name: str
    start: datetime
    end: datetime
    closed_at: datetime | None
    metered_until: datetime | None
    totals: dict[str, int]
    digest: str | None = None

    @property
    def state(self) -> str:
        """``open`` or ``closed``."""
        return "open" if self.closed_at is None else "closed"


def list_periods(
    connection: sa.Connection, locations: Sequence[str], timezone: ZoneInfo, now: datetime
) -> list[PeriodStatus]:
    """Return the periods from the first that anything was posted in to the present one."""
    closed = {one.name: one for one in list_closed(connection)}
    first = first_counted(connection)
    ends = [watermarks.watermark(connection, name) for name in locations]
    starts = [now, *(one.starts_at for one in closed.values())]
    start = min(starts if first is None else [first, *starts])
    return [
        _status(connection, locations, period, closed.get(period.name), ends)
        for period in periods_between(start, now, timezone)
    ]


def _status(
    connection: sa.Connection,
    locations: Sequence[str],
    period: Period,
    closed: ClosedPeriod | None,
    ends: Sequence[datetime | None],
) -> PeriodStatus:
    known = [min(end, period.end) for end in ends if end is not None]
    is_metered = bool(known) and len(known) == len(ends) and min(known) > period.start
    return PeriodStatus(
        name=period.name,
        start=period.start,
        end=period.end,
        closed_at=closed.closed_at if closed else None,
        metered_until=min(known) if is_metered else None,
        totals=totals_of(connection, locations, period),
        digest=closed.digest if closed else None,
    )


def totals_of(
    connection: sa.Connection, locations: Sequence[str], period: Period
) -> dict[str, int]:
    """Return the nanos of all that is counted in the period at the locations, by currency."""
    totals: dict[str, int] = {}
    for name in locations:
        for currency, nanos in _totals(connection, name, period).items():
            totals[currency] = totals.get(currency, 0) + nanos
    return totals


def _totals(connection: sa.Connection, name: str, period: Period) -> dict[str, int]:
    """Return all that is counted in the period at a location, by the currencies of its rates."""
    rates = ledger_rates.list_rates(connection, name)
    keys = accounts_by_key(connection, name)
    totals: dict[str, int] = {}

    def add(currency: str, nanos: int) -> None:
        totals[currency] = totals.get(currency, 0) + nanos

    edges = [rate.from_hour for rate in rates if period.start < rate.from_hour < period.end]
    for start, end in pairwise([period.start, *edges, period.end]):
        rate = rate_at(rates, start)
        if rate is not None:
            add(rate.currency, _posted(connection, name, start, end))
    query = sa.select(adjustments.c.corrects_at, adjustments.c.amount_nanos).where(
        adjustments.c.account_key.in_(ledger.account_keys(name)),
        adjustments.c.counted_at >= period.start,
        adjustments.c.counted_at < period.end,
    )
    rows = [tuple(row) for row in connection.execute(query)]
    rows += [
        (one.counted_at, one.amount_nanos)
        for one in minimums_of(connection, period.name)
        if one.account_key in keys
    ]
    for instant, nanos in rows:
        rate = rate_at(rates, instant)
        if rate is not None:
            add(rate.currency, nanos)
    return totals


def _posted(connection: sa.Connection, name: str, start: datetime, end: datetime) -> int:
    query = sa.select(ExactSum(postings.c.amount_nanos)).where(
        postings.c.account_key.in_(ledger.account_keys(name)),
        postings.c.starts_at >= start,
        postings.c.starts_at < end,
    )
    return connection.execute(query).scalar_one() or 0
