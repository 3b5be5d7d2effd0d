"""What an account is charged on top when its period is closed, to reach the minimum charge.

A minimum charge stays as it was posted. Where the usage that it rests on is corrected after the
period was closed, the difference is posted as an adjustment, so that both together are what would
have been posted had the correction been known. Functions take a connection and never commit.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import pairwise

import sqlalchemy as sa

from instance_images_billing.ledger import postings as ledger
from instance_images_billing.ledger import rates as ledger_rates
from instance_images_billing.ledger.adjustments import insert_adjustments
from instance_images_billing.ledger.closed_periods import ClosedPeriod, list_closed
from instance_images_billing.ledger.tables import adjustments, minimum_charges, postings
from instance_images_billing.pricing.charged import (
    BY_FIRST_RATE,
    MinimumCharge,
    last_slice,
    minimum_rate,
    missing_to_minimum,
)
from instance_images_billing.pricing.corrections import LATE, MINIMUM, Adjustment
from instance_images_billing.pricing.periods import Period
from instance_images_billing.pricing.rating import Rate
from instance_images_billing.pricing.reasons import MINIMUM_CORRECTED, Reason, reason_text

_ROWS_AT_A_TIME = 10_000


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


# ----------------------------------------------------------------- what is missing


def new_minimums(
    connection: sa.Connection, location: str, period: Period, now: datetime
) -> list[MinimumCharge]:
    """Return the minimum charges of the location's accounts for a period that is being closed."""
    counted_at = last_slice(period)
    return [
        MinimumCharge(key, period.name, counted_at, missing, now)
        for key, missing in sorted(
            _wanted(connection, location, period, BY_FIRST_RATE, None).items()
        )
        if missing
    ]


def correct_minimums(
    connection: sa.Connection, location: str, late: Sequence[Adjustment], counted_at: datetime
) -> list[Adjustment]:
    """Post what late adjustments change in minimum charges of closed periods; return the rows."""
    new: list[Adjustment] = []
    for closed in list_closed(connection):
        keys = {
            one.account_key for one in late if closed.starts_at <= one.corrects_at < closed.ends_at
        }
        if keys:
            posted_at = late[-1].posted_at
            for key, difference in _differences(connection, location, closed, keys).items():
                new.append(_correction(key, closed.period, difference, counted_at, posted_at))
    insert_adjustments(connection, new)
    return new


def wrong_minimums(
    connection: sa.Connection, location: str, closed: ClosedPeriod
) -> dict[int, int]:
    """Return by how many nanos minimum charges of a closed period are too low, by account."""
    keys = {row.account_key for row in connection.execute(ledger.account_keys(location))}
    return _differences(connection, location, closed, keys)


def _differences(
    connection: sa.Connection, location: str, closed: ClosedPeriod, keys: Collection[int]
) -> dict[int, int]:
    wanted = _wanted(connection, location, closed.period, closed.minimum_rule, keys)
    standing = _standing(connection, closed.period, keys)
    return {
        key: difference
        for key in sorted(keys)
        if (difference := wanted.get(key, 0) - standing.get(key, 0))
    }


def _standing(connection: sa.Connection, period: Period, keys: Collection[int]) -> dict[int, int]:
    """Return the nanos of the accounts' minimum charges in the period, with their corrections."""
    found: dict[int, int] = {}
    for table, in_period in (
        (minimum_charges, minimum_charges.c.period == period.name),
        (
            adjustments,
            sa.and_(adjustments.c.kind == MINIMUM, adjustments.c.corrects_at == last_slice(period)),
        ),
    ):
        query = sa.select(table.c.account_key, table.c.amount_nanos).where(in_period)
        for key, nanos in connection.execute(query):
            if key in keys:
                found[key] = found.get(key, 0) + nanos
    return found


def _correction(
    account_key: int, period: Period, nanos: int, counted_at: datetime, posted_at: datetime
) -> Adjustment:
    return Adjustment(
        account_key=account_key,
        image_id="",
        corrects_at=last_slice(period),
        counted_at=counted_at,
        kind=MINIMUM,
        byte_seconds=0,
        amount_nanos=nanos,
        reason=reason_text(Reason(MINIMUM_CORRECTED), period.name),
        author="run",
        posted_at=posted_at,
        reason_code=MINIMUM_CORRECTED,
    )


def _wanted(
    connection: sa.Connection,
    location: str,
    period: Period,
    rule: int,
    keys: Collection[int] | None,
) -> dict[int, int]:
    """Return what is missing to the minimum charge of the accounts, or of all, by account."""
    rates = ledger_rates.list_rates(connection, location)
    rate = minimum_rate(rates, period, rule)
    if rate is None or rate.minimum_nanos == 0:
        return {}
    start = max(period.start, _currency_begins(rates, rate))
    return {
        key: missing_to_minimum(byte_seconds, nanos, rate.minimum_nanos, rule)
        for key, (byte_seconds, nanos) in _used(
            connection, location, start, period.end, keys
        ).items()
    }


def _currency_begins(rates: Sequence[Rate], last: Rate) -> datetime:
    """Return the first hour since which the location has the currency of its rate ``last``."""
    known = [rate for rate in rates if rate.from_hour <= last.from_hour]
    begins = known[-1].from_hour
    for earlier, later in reversed(list(pairwise(known))):
        if earlier.currency != later.currency:
            break
        begins = earlier.from_hour
    return begins


def _used(
    connection: sa.Connection,
    location: str,
    start: datetime,
    end: datetime,
    keys: Collection[int] | None,
) -> dict[int, tuple[int, int]]:
    """Return byte-seconds and nanos of what accounts used from ``start`` to ``end``.

    Late corrections of these hours are in it, as far as they are posted; decisions by hand are
    not, so that no minimum charge takes back what was waived.
    """
    used: dict[int, tuple[int, int]] = {}
    own = ledger.account_keys(location) if keys is None else sorted(keys)
    for table, at, more in (
        (postings, postings.c.starts_at, sa.true()),
        (adjustments, adjustments.c.corrects_at, adjustments.c.kind == LATE),
    ):
        query = sa.select(table.c.account_key, table.c.byte_seconds, table.c.amount_nanos).where(
            table.c.account_key.in_(own), at >= start, at < end, more
        )
        rows = connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME))
        for key, byte_seconds, nanos in rows:
            before = used.get(key, (0, 0))
            used[key] = (before[0] + byte_seconds, before[1] + nanos)
    return used
