"""What accounts used and are charged: by hours, and to the minimum of a period. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from instance_images.instants import HOUR, ceil_hour
from instance_images_billing.pricing.periods import Period, period_of
from instance_images_billing.pricing.rating import Rate, rate_at


class Usage(NamedTuple):
    """What one account used in one slice of an hour. A tuple: an hour has one of each account."""

    account_key: int
    byte_seconds: int


class Posting(NamedTuple):
    """The charge of one account at one location for one hour, or for a period's part of it."""

    account_key: int
    starts_at: datetime
    byte_seconds: int
    amount_nanos: int


@dataclass(frozen=True, slots=True)
class MinimumCharge:
    """What was missing to an account's minimum charge in a period."""

    account_key: int
    period: str
    counted_at: datetime
    amount_nanos: int
    posted_at: datetime


# How minimum charges follow from the rates and the usage of a period. A closed period keeps the
# rule that it was closed by: the first one was that of revisions before 0010.
BY_LAST_RATE = 1  # the minimum of the rate at its end, for whoever used anything
BY_FIRST_RATE = 2  # the minimum of the rate at its beginning, for whoever is charged for usage
MINIMUM_RULES = (BY_LAST_RATE, BY_FIRST_RATE)


def minimum_rate(rates: Sequence[Rate], period: Period, rule: int = BY_FIRST_RATE) -> Rate | None:
    """Return the rate of the location whose minimum charge applies to the period, if one does.

    That is the rate in force in the first hour of the period that has one: a minimum applies to
    whole periods. None applies where the currency changes in the period.
    """
    if rule == BY_LAST_RATE:
        return rate_at(rates, last_slice(period))
    first = rate_at(rates, max(period.start, rates[0].from_hour)) if rates else None
    if first is None or first.from_hour >= period.end:
        return None
    in_period = [one for one in rates if first.from_hour <= one.from_hour < period.end]
    return first if all(one.currency == first.currency for one in in_period) else None


def first_period_of_minimum(rates: Sequence[Rate], new: Rate, timezone: ZoneInfo) -> Period:
    """Return the first period that the minimum charge of the rate, one of ``rates``, applies to.

    Another rate that begins before that period puts its own in its place.
    """
    period = period_of(new.from_hour, timezone)
    before = [one for one in rates if one.from_hour <= new.from_hour]
    return period if minimum_rate(before, period) == new else period_of(period.end, timezone)


def missing_to_minimum(
    byte_seconds: int, nanos: int, minimum_nanos: int, rule: int = BY_FIRST_RATE
) -> int:
    """Return what is missing to the minimum charge of a period; nothing where nothing is charged.

    Usage that is free, or has a price of 0, asks for no minimum.
    """
    is_due = nanos > 0 if rule == BY_FIRST_RATE else byte_seconds > 0
    return max(0, minimum_nanos - nanos) if is_due else 0


def last_slice(period: Period) -> datetime:
    """Return where the last hour of the period begins, or the part of an hour that ends it."""
    return ceil_hour(period.end) - HOUR
