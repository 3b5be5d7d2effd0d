"""Rows of the ledger: intervals and postings.

Functions take a connection and never commit. Instants in arithmetic are the seconds that the
database holds.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from instance_images.db.bulk import insert_rows
from instance_images.db.tables import Instant, accounts
from instance_images_billing.ledger.tables import intervals, postings
from instance_images_billing.pricing.charged import Posting, Usage

# Size x seconds of one image may not fit into 64 bits, and on SQLite no sum may be larger. There it
# is computed in three parts: 21 bits of the size and 12 of the seconds leave room for 2^30 images
# of an account. SQLite refuses a sum beyond that, and rounds none.
_PART_BITS = 21
_PART = (1 << _PART_BITS) - 1
_LARGEST = 2**63 - 1


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


def changing_hours(connection: sa.Connection, location: str, since: datetime) -> set[datetime]:
    """Return the hours, from ``since`` on, in which an interval of the location begins or ends."""
    own = intervals.c.account_key.in_(account_keys(location))
    found: set[datetime] = set()
    for edge in (intervals.c.starts_at, intervals.c.ends_at):
        hour = sa.type_coerce(_floor_hour(edge), Instant)
        query = sa.select(hour).distinct().where(own, edge >= since)
        found.update(connection.execute(query).scalars())
    return found


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
    kind = connection.dialect.name
    columns, total = _sums(kind, seconds, int((end - start).total_seconds()))
    query = (
        sa.select(intervals.c.account_key, *columns)
        .where(begins < last, sa.or_(ends.is_(None), ends > first))
        .group_by(intervals.c.account_key)
        .order_by(intervals.c.account_key)
    )
    # With a join, SQLite sorts all intervals to group them.
    is_own = intervals.c.account_key.in_(account_keys(location))
    # PostgreSQL looks the account of each interval up; of each sum, where all are the location's.
    sums_first = kind == "postgresql" and _is_only(connection, location)
    query = query.having(is_own) if sums_first else query.where(is_own)
    return [Usage(row[0], total(*row[1:])) for row in connection.execute(query).all()]


def _is_only(connection: sa.Connection, location: str) -> bool:
    """Return whether no other location has accounts."""
    first_and_last = sa.select(sa.func.min(accounts.c.location), sa.func.max(accounts.c.location))
    return tuple(connection.execute(first_and_last).one()) == (location, location)


def _sums(
    kind: str, seconds: sa.ColumnElement[int], longest: int
) -> tuple[list[sa.ColumnElement[Any]], Callable[..., int]]:
    """Return the columns to select, and the function that makes byte-seconds of their values.

    PostgreSQL and MariaDB sum integers as exact decimals. Only an image whose byte-seconds have
    more than 64 bits, 2.5 PB for an hour, is multiplied as a decimal: that takes longer.
    """
    size = intervals.c.size_bytes
    if kind == "sqlite":
        parts = [
            _shifted(size, 2 * _PART_BITS),
            _shifted(size, _PART_BITS).bitwise_and(_PART),
            size.bitwise_and(_PART),
        ]
        return [sa.func.sum(part * seconds) for part in parts], _whole
    fits = size <= _LARGEST // longest
    exact = sa.cast(size, sa.Numeric(38, 0)) * seconds
    total = _sum_where(kind, fits, size * seconds) + _sum_where(kind, sa.not_(fits), exact)
    # As text: of a number, the driver would make a Decimal first.
    return [sa.cast(total, sa.String(64))], int


def _sum_where(
    kind: str, condition: sa.ColumnElement[bool], value: sa.ColumnElement[Any]
) -> sa.ColumnElement[Any]:
    """Return the sum of the values of these rows, 0 without any.

    MariaDB has no FILTER. On PostgreSQL a sum that no row comes to takes no time by it.
    """
    if kind == "postgresql":
        return sa.func.coalesce(sa.func.sum(value).filter(condition), 0)
    return sa.func.coalesce(sa.func.sum(sa.case((condition, value))), 0)


def _whole(high: int, middle: int, low: int) -> int:
    return (high << 2 * _PART_BITS) + (middle << _PART_BITS) + low


def _shifted(size: sa.ColumnElement[int], bits: int) -> sa.ColumnElement[int]:
    return size.bitwise_rshift(sa.literal(bits, sa.Integer))


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
    """Add postings, whose fields are the columns.

    Raises IntegrityError where an account has one for that hour already.
    """
    insert_rows(connection, postings, Posting._fields, new)
