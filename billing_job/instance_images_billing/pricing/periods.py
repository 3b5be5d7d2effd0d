"""Billing months in the provider's time zone, and the hours that their edges cut.

The one module that knows a time zone. A period is ``[start, end)`` between two local midnights. In
zones with offsets of :30 or :45 such a midnight falls inside a UTC hour: that hour is posted in
two slices, one for each period, so that no second is in two months or in none.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from instance_images.errors import UsageError
from instance_images.instants import HOUR

FIRST_YEAR, LAST_YEAR = 2000, 2999


@dataclass(frozen=True, slots=True)
class Period:
    """A billing month: its name, such as ``2026-11``, and its edges as instants."""

    name: str
    start: datetime
    end: datetime

    @property
    def duration_seconds(self) -> int:
        """The month's real length: 743 or 745 hours where a clock was changed in it."""
        return int((self.end - self.start).total_seconds())


@dataclass(frozen=True, slots=True)
class LocalDay:
    """A day of the calendar in the provider's time zone, ``[start, end)``."""

    date: date
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Slice:
    """An hour, or the part of it that lies in one period."""

    start: datetime
    end: datetime
    period: Period


def parse_period(text: str, timezone: ZoneInfo) -> Period:
    """Return the period named ``YYYY-MM``. Raises UsageError."""
    match = re.fullmatch(r"([0-9]{4})-([0-9]{2})", text)
    if match:
        year, month = int(match[1]), int(match[2])
        if FIRST_YEAR <= year <= LAST_YEAR and 1 <= month <= 12:
            return _period(year, month, timezone)
    raise UsageError(f"{text!r} is not a period: write year and month, as in 2026-11.")


def named_period(text: str, now: datetime, timezone: ZoneInfo) -> Period:
    """Return the period named ``YYYY-MM``, or ``this`` or ``last`` as of now. Raises UsageError."""
    if text == "this":
        return period_of(now, timezone)
    return period_before(now, timezone) if text == "last" else parse_period(text, timezone)


def period_of(instant: datetime, timezone: ZoneInfo) -> Period:
    """Return the period that the instant falls into."""
    local = instant.astimezone(timezone)
    return _period(local.year, local.month, timezone)


def period_before(instant: datetime, timezone: ZoneInfo) -> Period:
    """Return the period before the one that the instant falls into."""
    return period_of(period_of(instant, timezone).start - timedelta(seconds=1), timezone)


def name_before(name: str) -> str:
    """Return the name of the period before the one of that name."""
    year, month = int(name[:4]), int(name[5:])
    return f"{year:04}-{month - 1:02}" if month > 1 else f"{year - 1:04}-12"


def periods_between(start: datetime, end: datetime, timezone: ZoneInfo) -> Sequence[Period]:
    """Return the periods that the instants from ``start`` to ``end``, included, fall into."""
    found = [period_of(start, timezone)]
    while found[-1].end <= end:
        found.append(period_of(found[-1].end, timezone))
    return found


def slices_of(hour: datetime, timezone: ZoneInfo) -> Sequence[Slice]:
    """Return the hour that starts at ``hour``, cut where a period ends inside it."""
    first = period_of(hour, timezone)
    end = hour + HOUR
    if first.end >= end:
        return [Slice(hour, end, first)]
    return [
        Slice(hour, first.end, first),
        Slice(first.end, end, period_of(first.end, timezone)),
    ]


@lru_cache(64)
def days_of(period: Period, timezone: ZoneInfo) -> Sequence[LocalDay]:
    """Return the period's local days in order; 23 or 25 hours long where a clock is changed."""
    days = []
    start = period.start
    while start < period.end:
        today = start.astimezone(timezone).date()
        tomorrow = today + timedelta(days=1)
        end = datetime.combine(tomorrow, time(), tzinfo=timezone).astimezone(UTC)
        days.append(LocalDay(today, start, end))
        start = end
    return tuple(days)


def _period(year: int, month: int, timezone: ZoneInfo) -> Period:
    following = (year + 1, 1) if month == 12 else (year, month + 1)
    return Period(
        name=f"{year:04}-{month:02}",
        start=_local_midnight(year, month, timezone),
        end=_local_midnight(*following, timezone),
    )


def _local_midnight(year: int, month: int, timezone: ZoneInfo) -> datetime:
    return datetime(year, month, 1, tzinfo=timezone).astimezone(UTC)
