"""From bytes, seconds and a rate to an amount. Pure.

amount = size_bytes x seconds x price / (unit_bytes x 3600 x hours_per_month)

Where a rate has an allowance, the free bytes times the seconds are taken off an account's
size_bytes x seconds of each hour first.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from instance_images.instants import ceil_hour, floor_hour
from instance_images_billing.pricing.money import divide_half_even
from instance_images_billing.pricing.periods import Period, Slice
from instance_images_billing.pricing.units import UNIT_BYTES

SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """The price per unit and month at a location from an hour on, with all of its terms.

    ``free_bytes`` are free for each account at any time. ``minimum_nanos`` is what an account is
    charged for a period at least, if it is charged for usage in it at all and the period begins
    with this rate.
    """

    location: str
    from_hour: datetime
    price_nanos: int
    currency: str
    unit: str
    hours_per_month: str
    partial_hour: str
    set_at: datetime
    free_bytes: int = 0
    minimum_nanos: int = 0


class Interval(NamedTuple):
    """``[starts_at, ends_at)`` in which an image of one size was billable; open while None.

    It ``continues`` another interval of the image, or ``is_continued`` by one, where the size or
    the account changed. ``account_key`` is None where only one account is looked at.
    """

    image_id: str
    size_bytes: int
    starts_at: datetime
    ends_at: datetime | None
    continues: bool = False
    is_continued: bool = False
    account_key: int | None = None


def rate_at(rates: Sequence[Rate], hour: datetime) -> Rate | None:
    """Return the rate of the hour; ``rates`` are of one location, sorted by their first hour."""
    index = bisect_right(rates, hour, key=lambda rate: rate.from_hour)
    return rates[index - 1] if index else None


def charge_nanos(byte_seconds: int, rate: Rate, period: Period) -> Fraction:
    """Return the exact amount, in nanos, of byte-seconds within the period."""
    return Fraction(byte_seconds * rate.price_nanos, charge_divisor(rate, period))


def charge_divisor(rate: Rate, period: Period) -> int:
    """Return what byte-seconds within the period, times the price, are divided by for an amount."""
    if rate.hours_per_month == "calendar":
        return UNIT_BYTES[rate.unit] * period.duration_seconds
    return UNIT_BYTES[rate.unit] * SECONDS_PER_HOUR * int(rate.hours_per_month)


def charged_byte_seconds(byte_seconds: int, rate: Rate, duration_seconds: int) -> int:
    """Return what is left of an account's byte-seconds after the allowance of these seconds."""
    return max(0, byte_seconds - rate.free_bytes * duration_seconds)


@dataclass(frozen=True, slots=True)
class SlicePrice:
    """What byte-seconds in one slice of an hour cost, in integers: for many accounts at once.

    ``free_byte_seconds`` of an account are free. The rest times ``price_nanos`` / ``divisor`` is
    the amount, rounded once.
    """

    free_byte_seconds: int
    price_nanos: int
    divisor: int

    def nanos(self, byte_seconds: int) -> int:
        """Return the amount of a posting of so many byte-seconds."""
        charged = max(0, byte_seconds - self.free_byte_seconds)
        return divide_half_even(charged * self.price_nanos, self.divisor)


def slice_price(rate: Rate, part: Slice) -> SlicePrice:
    """Return what the slice costs at the rate."""
    seconds = int((part.end - part.start).total_seconds())
    hours = hours_per_month(rate, part.period)
    return SlicePrice(
        free_byte_seconds=rate.free_bytes * seconds,
        price_nanos=rate.price_nanos * hours.denominator,
        divisor=UNIT_BYTES[rate.unit] * SECONDS_PER_HOUR * hours.numerator,
    )


def posted_nanos(byte_seconds: int, rate: Rate, part: Slice) -> int:
    """Return the amount of a posting: an account's byte-seconds in an hour or its part, charged."""
    return slice_price(rate, part).nanos(byte_seconds)


def hours_per_month(rate: Rate, period: Period) -> Fraction:
    """Return the hours that the rate's month has: a number of its own, or those of the period."""
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
        begins = begins if interval.continues else floor_hour(begins)
        ends = ends if ends is None or interval.is_continued else ceil_hour(ends)
    begins = max(begins, start)
    ends = end if ends is None else min(ends, end)
    return (begins, ends) if begins < ends else None
