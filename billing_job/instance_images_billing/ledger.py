"""Rows of the ledger: rates, intervals, postings, watermarks.

Functions take a connection and never commit. Instants in arithmetic are the seconds that the
database holds.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from instance_images.instants import HOUR
from instance_images.tables import accounts
from instance_images_billing.rating import Rate
from instance_images_billing.tables import (
    intervals,
    ledger_locks,
    postings,
    rates,
    watermarks,
)

# A sum of size x seconds may not fit into 64 bits. The size is summed in two parts that do.
_LOW_BITS = 20


@dataclass(frozen=True, slots=True)
class Usage:
    """What one account used in one slice of an hour."""

    account_key: int
    byte_seconds: int


@dataclass(frozen=True, slots=True)
class Posting:
    """The charge of one account at one location for one hour, or for a period's part of it."""

    account_key: int
    starts_at: datetime
    byte_seconds: int
    amount_nanos: int


# ----------------------------------------------------------------------- watermarks


def lock_location(connection: sa.Connection, location: str) -> None:
    """Make every other writer of the location's ledger wait until the transaction ends."""
    query = sa.select(ledger_locks).where(ledger_locks.c.location == location).with_for_update()
    if connection.execute(query).first() is None:
        with contextlib.suppress(IntegrityError), connection.begin_nested():
            connection.execute(sa.insert(ledger_locks).values(location=location))
        connection.execute(query).one()


def watermark(connection: sa.Connection, location: str) -> datetime | None:
    """Return the instant before which every hour is closed, None if none ever was."""
    return connection.execute(
        sa.select(watermarks.c.hour).where(watermarks.c.location == location)
    ).scalar_one_or_none()


def begin_watermark(connection: sa.Connection, location: str, hour: datetime) -> None:
    """Set the location's first watermark. Raises IntegrityError if there is one already."""
    connection.execute(sa.insert(watermarks).values(location=location, hour=hour))


def move_watermark(connection: sa.Connection, location: str, hour: datetime) -> bool:
    """Move the watermark from ``hour`` to the next; return False if it is not there (any more)."""
    result = connection.execute(
        sa.update(watermarks)
        .where(watermarks.c.location == location, watermarks.c.hour == hour)
        .values(hour=hour + HOUR)
    )
    return result.rowcount == 1


# ---------------------------------------------------------------------------- rates


def list_rates(connection: sa.Connection, location: str) -> list[Rate]:
    """Return the location's rates, sorted by their first hour."""
    query = sa.select(rates).where(rates.c.location == location).order_by(rates.c.from_hour)
    return [
        Rate(
            row.location,
            row.from_hour,
            row.price_nanos,
            row.currency,
            row.unit,
            row.hours_per_month,
            row.partial_hour,
            row.set_at,
            row.free_bytes,
            row.minimum_nanos,
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


# ------------------------------------------------------------------------ intervals


def first_start(connection: sa.Connection, location: str) -> datetime | None:
    """Return when the location's first interval began."""
    query = sa.select(sa.func.min(intervals.c.starts_at)).where(
        intervals.c.account_key.in_(account_keys(location))
    )
    return connection.execute(query).scalar_one_or_none()


def count_open(connection: sa.Connection, location: str) -> int:
    """Return how many images of the location are billable now."""
    query = sa.select(sa.func.count()).where(
        intervals.c.account_key.in_(account_keys(location)), intervals.c.ends_at.is_(None)
    )
    return connection.execute(query).scalar_one()


def usage(
    connection: sa.Connection, location: str, start: datetime, end: datetime, partial_hour: str
) -> list[Usage]:
    """Return the byte-seconds of each account in ``[start, end)``, summed by the database."""
    begins: Any = intervals.c.starts_at
    ends: Any = intervals.c.ends_at
    if partial_hour == "round_up":
        begins = sa.case((intervals.c.continues, begins), else_=_floor_hour(begins))
        ends = sa.case((intervals.c.is_continued, ends), else_=_ceil_hour(ends))
    begins = sa.type_coerce(begins, sa.BigInteger)
    ends = sa.type_coerce(ends, sa.BigInteger)
    first = sa.literal(int(start.timestamp()), sa.BigInteger)
    last = sa.literal(int(end.timestamp()), sa.BigInteger)
    seconds = sa.case((sa.or_(ends.is_(None), ends > last), last), else_=ends) - sa.case(
        (begins < first, first), else_=begins
    )
    size, low_bits = intervals.c.size_bytes, sa.literal(_LOW_BITS, sa.Integer)
    high = sa.func.sum(size.bitwise_rshift(low_bits) * seconds)
    low = sa.func.sum(size.bitwise_and((1 << _LOW_BITS) - 1) * seconds)
    query = (
        sa.select(intervals.c.account_key, high, low)
        .join_from(intervals, accounts, accounts.c.account_key == intervals.c.account_key)
        .where(
            accounts.c.location == location,
            begins < last,
            sa.or_(ends.is_(None), ends > first),
        )
        .group_by(intervals.c.account_key)
        .order_by(intervals.c.account_key)
    )
    return [
        Usage(key, (int(high_sum) << _LOW_BITS) + int(low_sum))
        for key, high_sum, low_sum in connection.execute(query)
    ]


def account_keys(location: str) -> sa.Select[tuple[int]]:
    """Return the query of the location's account keys."""
    return sa.select(accounts.c.account_key).where(accounts.c.location == location)


def _floor_hour(seconds: Any) -> Any:
    plain = sa.type_coerce(seconds, sa.BigInteger)
    return plain - plain % 3600


def _ceil_hour(seconds: Any) -> Any:
    return _floor_hour(sa.type_coerce(seconds, sa.BigInteger) + 3599)


# ------------------------------------------------------------------------- postings


def insert_postings(connection: sa.Connection, new: Sequence[Posting]) -> None:
    """Add postings. Raises IntegrityError where an account has one for that hour already."""
    if new:
        connection.execute(
            sa.insert(postings),
            [
                {
                    "account_key": posting.account_key,
                    "starts_at": posting.starts_at,
                    "byte_seconds": posting.byte_seconds,
                    "amount_nanos": posting.amount_nanos,
                }
                for posting in new
            ],
        )


def postings_between(
    connection: sa.Connection, account_key: int, start: datetime, end: datetime
) -> Iterator[Posting]:
    """Yield the account's postings that start in ``[start, end)``, in order."""
    query = (
        sa.select(postings)
        .where(
            postings.c.account_key == account_key,
            postings.c.starts_at >= start,
            postings.c.starts_at < end,
        )
        .order_by(postings.c.starts_at)
    )
    for row in connection.execute(query):
        yield Posting(row.account_key, row.starts_at, row.byte_seconds, row.amount_nanos)
