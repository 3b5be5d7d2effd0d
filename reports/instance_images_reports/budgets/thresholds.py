"""Which thresholds of a budget are reached. Decides; reads and writes nothing.

A threshold is reached where what is printed in the report, rounded to the currency's smallest
amount, is at least that part of the budget.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from instance_images.errors import UsageError
from instance_images_billing.pricing.money import parse_amount

CHARGE, FORECAST = "charge", "forecast"
DEFAULT_THRESHOLDS = (50, 80, 100)
MAX_THRESHOLD = 1000
MAX_THRESHOLDS = 10


@dataclass(frozen=True, slots=True)
class Figures:
    """What an account is charged in a period so far, and is expected to be, as reports say it.

    ``forecast`` is None where all hours of the period are closed, ``metered_until`` where a
    location of the account has no closed hour.
    """

    charged: Decimal
    forecast: Decimal | None
    metered_until: datetime | None


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A threshold that is reached by the charge or by the forecast."""

    kind: str
    threshold: int


def parse_budget(text: str, currency: str, currency_digits: int) -> int:
    """Return the nanos of a monthly amount. Raises UsageError."""
    nanos = parse_amount(text)
    if nanos == 0:
        raise UsageError("A budget is more than 0: unset it to have none.")
    if nanos % 10 ** (9 - currency_digits):
        raise UsageError(
            f"{text} has more decimals than {currency}, which has {currency_digits}: round it."
        )
    return nanos


def parse_thresholds(percents: Sequence[int]) -> tuple[int, ...]:
    """Return the thresholds, sorted; the default ones where there are none. Raises UsageError."""
    found = tuple(sorted(set(percents))) or DEFAULT_THRESHOLDS
    if len(found) > MAX_THRESHOLDS:
        raise UsageError(f"{len(found)} thresholds are too many: name at most {MAX_THRESHOLDS}.")
    return found


def reached(amount: Decimal, thresholds: Sequence[int], figures: Figures) -> list[Mark]:
    """Return the thresholds that are reached, by the charge first, the lowest first."""
    values = ((CHARGE, figures.charged), (FORECAST, figures.forecast))
    return [
        Mark(kind, threshold)
        for kind, value in values
        if value is not None
        for threshold in thresholds
        if value * 100 >= amount * threshold
    ]


def news_of(found: Sequence[Mark], known: Collection[Mark]) -> Iterator[tuple[Mark, bool]]:
    """Yield the thresholds that are newly reached, and whether each is told.

    Of several that are reached at once, the highest of each kind is told: it implies the others.
    """
    new = [mark for mark in found if mark not in known]
    told = set({mark.kind: mark for mark in sorted(new)}.values())
    for mark in new:
        yield mark, mark in told
