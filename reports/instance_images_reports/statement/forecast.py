"""What a period will have cost when it ends, if what is stored now stays as it is. Pure."""

from collections.abc import Sequence
from fractions import Fraction

from instance_images_billing.pricing.charged import last_slice, minimum_rate, missing_to_minimum
from instance_images_billing.pricing.corrections import LATE
from instance_images_billing.pricing.money import NANOS_PER_UNIT, round_half_even
from instance_images_billing.pricing.periods import Period
from instance_images_billing.pricing.rating import charge_nanos, charged_byte_seconds
from instance_images_reports.statement.lines import rated_ranges
from instance_images_reports.statement.location_ledger import LocationLedger
from instance_images_reports.statement.rounding import decimal_of
from instance_images_reports.statement.statement import Forecast


def forecast_of(
    ledgers: Sequence[LocationLedger], period: Period, currency: str, currency_digits: int
) -> Forecast | None:
    """Return the forecast of an open period; None where each location is metered to its end.

    Exact until it is rounded, but for the posting of each hour: those are rounded to a billionth.
    """
    if all(_is_metered(ledger, period) for ledger in ledgers):
        return None
    minor_nanos = NANOS_PER_UNIT // 10**currency_digits
    charged = sum(ledger.charged_nanos for ledger in ledgers)
    expected = sum(_expected(ledger, period, currency) for ledger in ledgers)
    charged_minor = round_half_even(Fraction(charged, minor_nanos))
    total_minor = round_half_even((charged + expected) / Fraction(minor_nanos))
    goes_on = [ledger for ledger in ledgers if _goes_on(ledger, period, currency)]
    images_count = sum(len(_stored(ledger)) for ledger in goes_on)
    return Forecast(
        total=decimal_of(total_minor, currency_digits),
        charged=decimal_of(charged_minor, currency_digits),
        expected=decimal_of(total_minor - charged_minor, currency_digits),
        images_count=images_count,
        others_count=sum(len(_stored(ledger)) for ledger in ledgers) - images_count,
    )


def _is_metered(ledger: LocationLedger, period: Period) -> bool:
    return ledger.metered_until is not None and ledger.metered_until >= period.end


def _stored(ledger: LocationLedger) -> dict[str, int]:
    """Return the sizes of the images that are still stored where the metered hours end."""
    return {
        image.image_id: image.interval.size_bytes
        for image in ledger.images
        if image.interval.ends_at is None
    }


def _goes_on(ledger: LocationLedger, period: Period, currency: str) -> bool:
    """Return whether the location charges in the currency in what is left of the period.

    Where nothing is left, its last hour decides.
    """
    start = min(max(ledger.metered_until or period.start, period.start), last_slice(period))
    left = rated_ranges(ledger.rates, start, period.end)
    return any(rate.currency == currency for rate, _, _ in left)


def _expected(ledger: LocationLedger, period: Period, currency: str) -> Fraction:
    """Return the nanos that metering the rest of the period will add at the location."""
    if ledger.metered_until is None:
        return Fraction(0)
    stored_bytes = sum(_stored(ledger).values())
    byte_seconds, nanos = 0, Fraction(0)
    start = max(ledger.metered_until, period.start)
    for rate, begins, ends in rated_ranges(ledger.rates, start, period.end):
        if rate.currency == currency:
            seconds = int((ends - begins).total_seconds())
            byte_seconds += stored_bytes * seconds
            # The allowance is taken off hour by hour; while nothing changes that is the same.
            charged = charged_byte_seconds(stored_bytes * seconds, rate, seconds)
            nanos += charge_nanos(charged, rate, period)
    return nanos + _expected_minimum(ledger, period, currency, byte_seconds, nanos)


def _expected_minimum(
    ledger: LocationLedger, period: Period, currency: str, byte_seconds: int, nanos: Fraction
) -> Fraction | int:
    """Return what closing the period will add on top of what is used in all of it.

    As there, late corrections of the period count as used, and decisions by hand do not.
    """
    rate = minimum_rate(ledger.rates, period)
    if rate is None or rate.currency != currency:
        return 0
    late = [
        one
        for one in ledger.adjustments
        if one.kind == LATE and period.start <= one.corrects_at < period.end
    ]
    byte_seconds += sum(one.byte_seconds for one in ledger.postings)
    byte_seconds += sum(one.byte_seconds for one in late)
    nanos += sum(one.amount_nanos for one in ledger.postings)
    nanos += sum(one.amount_nanos for one in late)
    return missing_to_minimum(byte_seconds, round_half_even(nanos), rate.minimum_nanos)
