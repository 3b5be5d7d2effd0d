"""What a period will have cost when it ends, if what is stored now stays as it is. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from instance_images_billing.pricing.charged import (
    Posting,
    last_slice,
    minimum_rate,
    missing_to_minimum,
)
from instance_images_billing.pricing.corrections import LATE, Adjustment
from instance_images_billing.pricing.money import NANOS_PER_UNIT, round_half_even
from instance_images_billing.pricing.periods import Period
from instance_images_billing.pricing.rating import Rate, charge_nanos, charged_byte_seconds
from instance_images_reports.statement.lines import rated_ranges
from instance_images_reports.statement.location_ledger import LocationLedger
from instance_images_reports.statement.rounding import decimal_of
from instance_images_reports.statement.statement import Forecast


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the forecast of a period rests on: an account at one location, in one currency.

    ``rates`` are all of the location, of any currency, sorted by their first hour.
    ``stored_bytes`` and ``images_count`` are of the images that are still stored where the metered
    hours end. ``charged_nanos`` is all that is charged so far. ``used_byte_seconds`` and
    ``used_nanos`` are what minimum charges are held against: the postings, and the late corrections
    of the period itself.
    """

    metered_until: datetime | None
    rates: Sequence[Rate]
    stored_bytes: int = 0
    images_count: int = 0
    charged_nanos: int = 0
    used_byte_seconds: int = 0
    used_nanos: int = 0


def standing_of(ledger: LocationLedger, period: Period) -> Standing:
    """Return what the rows of the ledger, which are of one currency, add up to."""
    stored = {
        image.image_id: image.interval.size_bytes
        for image in ledger.images
        if image.interval.ends_at is None
    }
    # As where a period is closed, its late corrections are usage, and decisions by hand are not.
    used: list[Posting | Adjustment] = [
        *ledger.postings,
        *(
            one
            for one in ledger.adjustments
            if one.kind == LATE and period.start <= one.corrects_at < period.end
        ),
    ]
    return Standing(
        metered_until=ledger.metered_until,
        rates=ledger.rates,
        stored_bytes=sum(stored.values()),
        images_count=len(stored),
        charged_nanos=ledger.charged_nanos,
        used_byte_seconds=sum(one.byte_seconds for one in used),
        used_nanos=sum(one.amount_nanos for one in used),
    )


def forecast_of(
    ledgers: Sequence[LocationLedger], period: Period, currency: str, currency_digits: int
) -> Forecast | None:
    """Return the forecast of an open period; None where each location is metered to its end."""
    if all(_is_metered(ledger, period) for ledger in ledgers):
        return None
    standings = [standing_of(ledger, period) for ledger in ledgers]
    return forecast_from(standings, period, currency, currency_digits)


def forecast_from(
    standings: Sequence[Standing], period: Period, currency: str, currency_digits: int
) -> Forecast | None:
    """Return the forecast of an open period; None where each location is metered to its end.

    Exact until it is rounded, but for the posting of each hour: those are rounded to a billionth.
    """
    if all(_is_metered(standing, period) for standing in standings):
        return None
    minor_nanos = NANOS_PER_UNIT // 10**currency_digits
    expected = sum(_expected(standing, period, currency) for standing in standings)
    charged = sum(standing.charged_nanos for standing in standings)
    charged_so_far = charged_from(standings, currency_digits)
    total_minor = round_half_even((charged + expected) / Fraction(minor_nanos))
    total = decimal_of(total_minor, currency_digits)
    goes_on = [standing for standing in standings if _goes_on(standing, period, currency)]
    images_count = sum(standing.images_count for standing in goes_on)
    return Forecast(
        total=total,
        charged=charged_so_far,
        expected=total - charged_so_far,
        images_count=images_count,
        others_count=sum(standing.images_count for standing in standings) - images_count,
    )


def charged_from(standings: Sequence[Standing], currency_digits: int) -> Decimal:
    """Return what is charged so far, with the decimals of the currency."""
    minor_nanos = NANOS_PER_UNIT // 10**currency_digits
    charged = sum(standing.charged_nanos for standing in standings)
    return decimal_of(round_half_even(Fraction(charged, minor_nanos)), currency_digits)


def _is_metered(one: Standing | LocationLedger, period: Period) -> bool:
    return one.metered_until is not None and one.metered_until >= period.end


def _goes_on(standing: Standing, period: Period, currency: str) -> bool:
    """Return whether the location charges in the currency in what is left of the period.

    Where nothing is left, its last hour decides.
    """
    start = min(max(standing.metered_until or period.start, period.start), last_slice(period))
    left = rated_ranges(standing.rates, start, period.end)
    return any(rate.currency == currency for rate, _, _ in left)


def _expected(standing: Standing, period: Period, currency: str) -> Fraction:
    """Return the nanos that metering the rest of the period will add at the location."""
    if standing.metered_until is None:
        return Fraction(0)
    byte_seconds, nanos = 0, Fraction(0)
    start = max(standing.metered_until, period.start)
    for rate, begins, ends in rated_ranges(standing.rates, start, period.end):
        if rate.currency == currency:
            seconds = int((ends - begins).total_seconds())
            byte_seconds += standing.stored_bytes * seconds
            # The allowance is taken off hour by hour; while nothing changes that is the same.
            charged = charged_byte_seconds(standing.stored_bytes * seconds, rate, seconds)
            nanos += charge_nanos(charged, rate, period)
    return nanos + _expected_minimum(standing, period, currency, byte_seconds, nanos)


def _expected_minimum(
    standing: Standing, period: Period, currency: str, byte_seconds: int, nanos: Fraction
) -> Fraction | int:
    """Return what closing the period will add on top of what is used in all of it."""
    rate = minimum_rate(standing.rates, period)
    if rate is None or rate.currency != currency:
        return 0
    used = standing.used_byte_seconds + byte_seconds
    return missing_to_minimum(
        used, round_half_even(standing.used_nanos + nanos), rate.minimum_nanos
    )
