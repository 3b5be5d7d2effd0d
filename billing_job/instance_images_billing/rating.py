"""From bytes, seconds and a rate to an amount. Pure.

amount = size_bytes x seconds x price / (unit_bytes x 3600 x hours_per_month)
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from instance_images.config import UNIT_BYTES
from instance_images.instants import ceil_hour, floor_hour
from instance_images_billing.periods import Period

SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Rate:
    """The price per unit and month at a location from an hour on, with all of its terms."""

    location: str
    from_hour: datetime
    price_nanos: int
    currency: str
    unit: str
    hours_per_month: str
    partial_hour: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Interval:
    """``[starts_at, ends_at)`` in which an image of one size was billable; open while None."""

    image_id: str
    size_bytes: int
    starts_at: datetime
    ends_at: datetime | None


def rate_at(rates: Sequence[Rate], hour: datetime) -> Rate | None:
    """Return the rate of the hour; ``rates`` are of one location, sorted by their first hour."""
    index = bisect_right(rates, hour, key=lambda rate: rate.from_hour)
    return rates[index - 1] if index else None


def charge_nanos(byte_seconds: int, rate: Rate, period: Period) -> Fraction:
    """Return the exact amount, in nanos, of byte-seconds within the period."""
    divisor = UNIT_BYTES[rate.unit] * SECONDS_PER_HOUR * _hours_per_month(rate, period)
    return Fraction(byte_seconds * rate.price_nanos) / divisor


def _hours_per_month(rate: Rate, period: Period) -> Fraction:
    if rate.hours_per_month == "calendar":
        return Fraction(period.duration_seconds, SECONDS_PER_HOUR)
    return Fraction(int(rate.hours_per_month))


def charged_range(
    interval: Interval, rate: Rate, start: datetime, end: datetime
) -> tuple[datetime, datetime] | None:
    """Return the part of ``[start, end)`` that the interval is charged for at the rate.

    Under ``round_up`` an interval is charged from the start of its first hour to the end of its
    last one. ``end`` is at most the instant up to which hours are closed.
    """
    begins, ends = interval.starts_at, interval.ends_at
    if rate.partial_hour == "round_up":
        begins, ends = floor_hour(begins), ceil_hour(ends) if ends else None
    begins = max(begins, start)
    ends = end if ends is None else min(ends, end)
    return (begins, ends) if begins < ends else None
