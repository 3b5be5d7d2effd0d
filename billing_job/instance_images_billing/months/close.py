"""Closes a billing month: what is missing to minimum charges is posted, and nothing changes after.

What becomes known later is counted in an hour that is open, and so in a later period: a period is
closed only where each location's first open hour lies after it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from instance_images.db import readings
from instance_images.db.accounts import AccountRow, accounts_by_key
from instance_images.db.exact import ExactSum
from instance_images.db.tables import accounts
from instance_images.errors import Refused
from instance_images.instants import ceil_hour, format_instant
from instance_images_billing.ledger import closings
from instance_images_billing.ledger import postings as ledger
from instance_images_billing.ledger import watermarks as ledger_watermarks
from instance_images_billing.ledger.beginning import began_at
from instance_images_billing.ledger.chain import FIRST, PeriodAccount, link_period
from instance_images_billing.ledger.closed_periods import (
    ClosedPeriod,
    find_closed,
    insert_closed,
    last_link,
    require_fitting,
)
from instance_images_billing.ledger.tables import adjustments, postings, watermarks
from instance_images_billing.months.minimums import insert_minimums, minimums_of, new_minimums
from instance_images_billing.pricing.charged import BY_FIRST_RATE
from instance_images_billing.pricing.periods import Period, name_before


def close_period(
    connection: sa.Connection, configured: Iterable[str], period: Period, now: datetime
) -> ClosedPeriod:
    """Close the period in every location.

    Raises Refused where an hour of it is open, the ledger began after it, or the one before it is
    open; and ConfigurationError where the time zone of months was changed.
    """
    names = sorted({*configured, *connection.execute(sa.select(watermarks.c.location)).scalars()})
    for name in names:
        ledger_watermarks.lock_location(connection, name)
    require_fitting(connection, period)
    fault = _fault(connection, names, period, now)
    if fault:
        raise Refused(f"The period {period.name} cannot be closed: {fault}")
    for name in names:
        insert_minimums(connection, new_minimums(connection, name, period, now))
    sequence, before = last_link(connection)
    closed = ClosedPeriod(
        sequence=sequence + 1,
        name=period.name,
        starts_at=period.start,
        ends_at=period.end,
        closed_at=now,
        digest=period_digest(connection, before, period.name, period.start, period.end),
        minimum_rule=BY_FIRST_RATE,
    )
    insert_closed(connection, closed)
    return closed


def _fault(
    connection: sa.Connection, names: Sequence[str], period: Period, now: datetime
) -> str | None:
    """Return why the period must stay open, or None; a location without images is begun after."""
    closed = find_closed(connection, period.name)
    if closed is not None:
        return f"it was already closed at {format_instant(closed.closed_at)}."
    if now < period.end:
        return f"it ends at {format_instant(period.end)}, and it is {format_instant(now)} now."
    fault = _fault_of_order(connection, period)
    if fault:
        return fault
    for name in names:
        closed_until = ledger_watermarks.watermark(connection, name)
        if closed_until is None:
            closed_until = _begun_without_images(connection, name, period)
        if closed_until is None:
            return f"{name} was not metered in it: run 'instance-images meter run' first."
        if closed_until < period.end:
            return (
                f"the hour {format_instant(closed_until)} of {name} is open: run"
                " 'instance-images meter run', and see 'instance-images meter status'."
            )
    return None


def _fault_of_order(connection: sa.Connection, period: Period) -> str | None:
    """Return why it is not the period's turn, or None: each is closed after the one before it."""
    began = began_at(connection)
    if began is None:
        return "the ledger has not begun: no hour is closed, and there is no rate."
    if period.end <= began:
        return f"the ledger began after it, at {format_instant(began)}."
    before = name_before(period.name)
    if began < period.start and find_closed(connection, before) is None:
        return (
            f"{before} is open. Close months in order, starting with the first that"
            " 'instance-images period list' shows as open."
        )
    return None


def _begun_without_images(connection: sa.Connection, name: str, period: Period) -> datetime | None:
    """Begin the ledger of a location after the period, if it was read since and held nothing."""
    last_read_at = readings.last_read_at(connection, name)
    if last_read_at is None or last_read_at < period.end:
        return None
    if ledger.first_start(connection, name) is not None:
        return None
    begins = ceil_hour(period.end)
    ledger_watermarks.begin_watermark(connection, name, begins)
    return begins


# ----------------------------------------------------------------------------- digest


def period_digest(
    connection: sa.Connection,
    before: str,
    period: str,
    start: datetime,
    end: datetime,
) -> str:
    """Return the digest of all that is counted in the period, after the digest ``before``.

    A location that held nothing by then is not in it: it may have come later.
    """
    minimums = {one.account_key: one.amount_nanos for one in minimums_of(connection, period)}
    charged: list[PeriodAccount] = []
    ends: dict[str, str] = {}
    for name in connection.execute(sa.select(watermarks.c.location)).scalars().all():
        digest = closings.last_digest(connection, name, end)
        if digest != FIRST:
            ends[name] = digest
        owners = accounts_by_key(connection, name)
        totals = counted_nanos(connection, name, start, end)
        charged += [
            _account(owners[key], totals.get(key, 0), minimums.get(key, 0))
            for key in sorted(totals.keys() | (minimums.keys() & owners.keys()))
        ]
    return link_period(before, period, ends, charged)


def _account(owner: AccountRow, nanos: int, minimum_nanos: int) -> PeriodAccount:
    return PeriodAccount(owner.location, owner.account_id, nanos, minimum_nanos)


def counted_nanos(
    connection: sa.Connection, name: str, start: datetime, end: datetime
) -> dict[int, int]:
    """Return the nanos of postings and adjustments counted in ``[start, end)``, by account."""
    totals: dict[int, int] = {}
    for table, at in ((postings, postings.c.starts_at), (adjustments, adjustments.c.counted_at)):
        query = (
            sa.select(table.c.account_key, ExactSum(table.c.amount_nanos))
            .join_from(table, accounts, accounts.c.account_key == table.c.account_key)
            .where(accounts.c.location == name, at >= start, at < end)
            .group_by(table.c.account_key)
        )
        for key, nanos in connection.execute(query):
            totals[key] = totals.get(key, 0) + nanos
    return totals
