"""Rows of closed periods. Functions take a connection and never commit."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images.errors import ConfigurationError
from instance_images.instants import format_instant
from instance_images_billing.ledger.chain import FIRST
from instance_images_billing.ledger.tables import closed_periods
from instance_images_billing.pricing.charged import BY_FIRST_RATE
from instance_images_billing.pricing.periods import Period, name_before, parse_period


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedPeriod:
    """A period in which nothing changes any more, and the link that chains it.

    ``minimum_rule`` is the rule that its minimum charges follow.
    """

    sequence: int
    name: str
    starts_at: datetime
    ends_at: datetime
    closed_at: datetime
    digest: str
    minimum_rule: int = BY_FIRST_RATE

    @property
    def period(self) -> Period:
        """The month with its first instant and the instant after its last."""
        return Period(self.name, self.starts_at, self.ends_at)


def list_closed(connection: sa.Connection) -> list[ClosedPeriod]:
    """Return the closed periods, in the order in which they were closed."""
    query = sa.select(closed_periods).order_by(closed_periods.c.sequence)
    return [ClosedPeriod(**row._mapping) for row in connection.execute(query)]


def find_closed(connection: sa.Connection, name: str) -> ClosedPeriod | None:
    """Return the closed period of that name, None while it is open."""
    query = sa.select(closed_periods).where(closed_periods.c.name == name)
    row = connection.execute(query).one_or_none()
    return None if row is None else ClosedPeriod(**row._mapping)


def require_timezone(connection: sa.Connection, timezone: ZoneInfo) -> None:
    """Raise ConfigurationError where the months of the time zone are not those that are closed."""
    for one in list_closed(connection)[-1:]:
        _require_same(one, parse_period(one.name, timezone))


def require_fitting(connection: sa.Connection, period: Period) -> None:
    """Raise ConfigurationError where hours would be in this and in a closed period, or in none.

    That is so where the time zone of months was changed.
    """
    for one in list_closed(connection):
        if one.name == period.name:
            _require_same(one, period)
        elif (
            (one.starts_at < period.end and period.start < one.ends_at)
            or (name_before(period.name) == one.name and one.ends_at != period.start)
            or (name_before(one.name) == period.name and period.end != one.starts_at)
        ):
            raise _other_timezone(one, period)


def _require_same(closed: ClosedPeriod, period: Period) -> None:
    if closed.period != period:
        raise _other_timezone(closed, period)


def _other_timezone(closed: ClosedPeriod, period: Period) -> ConfigurationError:
    return ConfigurationError(
        f"Configuration: with this [billing] timezone, {period.name} is from"
        f" {format_instant(period.start)} to {format_instant(period.end)}, but {closed.name} is"
        f" closed from {format_instant(closed.starts_at)} to {format_instant(closed.ends_at)}:"
        " hours would be in two months, or in none. Set the time zone that the months were closed"
        " with."
    )


def last_link(connection: sa.Connection) -> tuple[int, str]:
    """Return the number and the digest of the period that was closed last."""
    closed = list_closed(connection)
    return (closed[-1].sequence, closed[-1].digest) if closed else (0, FIRST)


def insert_closed(connection: sa.Connection, period: ClosedPeriod) -> None:
    """Add a closed period. Raises IntegrityError where another process has just added one."""
    values = {column.name: getattr(period, column.name) for column in closed_periods.c}
    connection.execute(sa.insert(closed_periods).values(values))
