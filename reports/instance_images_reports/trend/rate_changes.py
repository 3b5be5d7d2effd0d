"""When the price of storage changed. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from instance_images_billing.pricing.rating import Rate


def rate_changed_at(
    locations: Iterable[Sequence[Rate]], currency: str, start: datetime, end: datetime
) -> datetime | None:
    """Return the one instant after ``start`` and before ``end`` at which a price changed.

    ``locations`` are the rates of each, sorted. None where no price changed, or at several times.
    """
    found = {
        later.from_hour
        for rates in locations
        for earlier, later in pairwise(rates)
        if start < later.from_hour < end
        and earlier.currency == later.currency == currency
        and _price(earlier) != _price(later)
    }
    return found.pop() if len(found) == 1 else None


def _price(rate: Rate) -> tuple[int, str, str]:
    return rate.price_nanos, rate.unit, rate.hours_per_month
