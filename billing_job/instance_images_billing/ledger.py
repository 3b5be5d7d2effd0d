"""Rows of the ledger: rates, intervals, postings, watermarks.

Functions take a connection and never commit. Instants in arithmetic are the seconds that the
database holds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from instance_images.instants import HOUR
from instance_images.tables import Instant, accounts, images
from instance_images_billing.rating import Rate
from instance_images_billing.tables import intervals, postings, rates, watermarks

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


def watermark(connection: sa.Connection, location: str) -> datetime | None:
    """Return the instant before which every hour is closed, None if none ever was."""
    return connection.execute(
        sa.select(watermarks.c.hour).where(watermarks.c.location == location)
    ).scalar_one_or_none()


def lock_watermark(connection: sa.Connection, location: str) -> datetime | None:
    """Return the watermark, which nobody else moves until the transaction ends."""
    query = sa.select(watermarks.c.hour).where(watermarks.c.location == location)
    return connection.execute(query.with_for_update()).scalar_one_or_none()


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
        )
    )


# ------------------------------------------------------------------------ intervals


def begin_intervals(
    connection: sa.Connection, location: str, closed_until: datetime | None, billable_size: str
) -> None:
    """Add the interval of every image that became available and has none.

    An interval begins at the watermark at the earliest: closed hours stay what they are.
    """
    begins = _at_least(images.c.available_at, closed_until)
    size: sa.ColumnElement[Any] = images.c.size_bytes
    if billable_size == "virtual":
        size = sa.func.coalesce(images.c.virtual_size_bytes, images.c.size_bytes)
    has_interval = sa.exists().where(intervals.c.image_id == images.c.image_id)
    new = (
        sa.select(images.c.image_id, begins, images.c.account_key, size)
        .join_from(images, accounts)
        .where(
            accounts.c.location == location,
            images.c.available_at.is_not(None),
            sa.or_(images.c.deleted_at.is_(None), images.c.deleted_at > begins),
            ~has_interval,
        )
    )
    connection.execute(
        sa.insert(intervals).from_select(
            ["image_id", "starts_at", "account_key", "size_bytes"], new
        )
    )


def end_intervals(connection: sa.Connection, location: str, closed_until: datetime | None) -> None:
    """End the interval of every image that was deleted, at the watermark at the earliest."""
    of_image = images.c.image_id == intervals.c.image_id
    ends = sa.select(_at_least(images.c.deleted_at, closed_until)).where(of_image)
    connection.execute(
        sa.update(intervals)
        .where(
            intervals.c.ends_at.is_(None),
            intervals.c.account_key.in_(_account_keys(location)),
            sa.exists().where(of_image, images.c.deleted_at.is_not(None)),
        )
        .values(ends_at=ends.scalar_subquery())
    )


def late_images(connection: sa.Connection, location: str, closed_until: datetime) -> list[str]:
    """Return the images whose beginning or end became known after its hour had been closed."""
    has_interval = sa.exists().where(intervals.c.image_id == images.c.image_id)
    is_open = sa.exists().where(
        intervals.c.image_id == images.c.image_id, intervals.c.ends_at.is_(None)
    )
    query = (
        sa.select(images.c.image_id)
        .join_from(images, accounts)
        .where(
            accounts.c.location == location,
            sa.or_(
                sa.and_(
                    images.c.available_at < closed_until,
                    ~has_interval,
                    sa.or_(
                        images.c.deleted_at.is_(None), images.c.deleted_at > images.c.available_at
                    ),
                ),
                sa.and_(images.c.deleted_at < closed_until, is_open),
            ),
        )
    )
    return list(connection.execute(query).scalars())


def first_start(connection: sa.Connection, location: str) -> datetime | None:
    """Return when the location's first interval began."""
    query = sa.select(sa.func.min(intervals.c.starts_at)).where(
        intervals.c.account_key.in_(_account_keys(location))
    )
    return connection.execute(query).scalar_one_or_none()


def count_open(connection: sa.Connection, location: str) -> int:
    """Return how many images of the location are billable now."""
    query = sa.select(sa.func.count()).where(
        intervals.c.account_key.in_(_account_keys(location)), intervals.c.ends_at.is_(None)
    )
    return connection.execute(query).scalar_one()


def usage(
    connection: sa.Connection, location: str, start: datetime, end: datetime, partial_hour: str
) -> list[Usage]:
    """Return the byte-seconds of each account in ``[start, end)``, summed by the database."""
    begins: Any = intervals.c.starts_at
    ends: Any = intervals.c.ends_at
    if partial_hour == "round_up":
        begins, ends = _floor_hour(begins), _ceil_hour(ends)
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


def _account_keys(location: str) -> sa.Select[tuple[int]]:
    return sa.select(accounts.c.account_key).where(accounts.c.location == location)


def _at_least(column: sa.Column[Any], floor: datetime | None) -> sa.ColumnElement[Any]:
    if floor is None:
        return column
    bound = sa.literal(floor, Instant)
    return sa.case((column < bound, bound), else_=column)


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
