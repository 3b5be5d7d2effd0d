"""Lines of a statement before their amounts are rounded: which image, at which rate, how long.

Pure. An image has a line for each of its sizes and for each rate.
"""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from instance_images_billing.pricing.money import round_half_even
from instance_images_billing.pricing.periods import Period
from instance_images_billing.pricing.rating import (
    SECONDS_PER_HOUR,
    Rate,
    charge_nanos,
    charged_range,
)
from instance_images_billing.pricing.units import UNIT_BYTES
from instance_images_reports.statement.location_ledger import BilledImage, LocationLedger
from instance_images_reports.statement.rounding import decimal_of
from instance_images_reports.statement.statement import Ending, Line


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDraft:
    """A line before its amount is rounded."""

    image: BilledImage
    rate: Rate
    start: datetime
    end: datetime
    ending: Ending
    byte_seconds: int
    nanos: Fraction

    def line(self, amount_minor: int, currency_digits: int) -> Line:
        """Return the line with its rounded amount, counted in the currency's minor unit."""
        rate, image = self.rate, self.image
        unit_hours = Fraction(self.byte_seconds * 10**6, UNIT_BYTES[rate.unit] * SECONDS_PER_HOUR)
        return Line(
            image_id=image.image_id,
            name=image.name,
            location=image.location,
            source_instance_id=image.source_instance_id,
            source_instance_name=image.source_instance_name,
            size_bytes=image.interval.size_bytes,
            billable_from=self.start,
            billable_until=self.end,
            billable_seconds=_seconds(self.start, self.end),
            ending=self.ending,
            unit=rate.unit,
            unit_hours=decimal_of(round_half_even(unit_hours), 6),
            rate=decimal_of(rate.price_nanos, 9),
            hours_per_month=rate.hours_per_month,
            partial_hour=rate.partial_hour,
            amount_exact=decimal_of(round_half_even(self.nanos), 9),
            amount=decimal_of(amount_minor, currency_digits),
        )


def line_drafts(ledger: LocationLedger, period: Period, currency: str) -> list[LineDraft]:
    """Return the location's lines of that currency."""
    if ledger.metered_until is None:
        return []
    drafts = []
    until = min(period.end, ledger.metered_until)
    continued = {
        (image.image_id, image.interval.starts_at)
        for image in ledger.images
        if image.interval.continues
    }
    for rate, start, end in rated_ranges(ledger, period.start, until):
        if rate.currency != currency:
            continue
        for image in ledger.images:
            charged = charged_range(image.interval, rate, start, end)
            if charged:
                ending = _ending(image, charged[1], period, until, continued)
                drafts.append(_draft(image, rate, period, *charged, ending))
    return drafts


def rated_ranges(
    ledger: LocationLedger, start: datetime, end: datetime
) -> list[tuple[Rate, datetime, datetime]]:
    """Return ``[start, end)`` as far as there are rates, cut where a new rate begins."""
    ends = [rate.from_hour for rate in ledger.rates[1:]] + [end]
    ranges = []
    for rate, next_begins in zip(ledger.rates, ends, strict=False):
        begins, ends_at = max(rate.from_hour, start), min(next_begins, end)
        if begins < ends_at:
            ranges.append((rate, begins, ends_at))
    return ranges


def _ending(
    image: BilledImage,
    end: datetime,
    period: Period,
    until: datetime,
    continued: set[tuple[str, datetime]],
) -> Ending:
    """Return why a line of the image ends at ``end``, which is ``until`` at the latest."""
    ends_at = image.interval.ends_at
    # An end that is known to be here only afterwards must not change a closed period.
    if end == until and (ends_at is None or ends_at >= end):
        return Ending.PERIOD_ENDED if until == period.end else Ending.STORED
    if ends_at is None or ends_at > end:
        return Ending.RATE_CHANGED
    if not image.interval.is_continued:
        return Ending.DELETED
    return Ending.SIZE_CHANGED if (image.image_id, ends_at) in continued else Ending.OWNER_CHANGED


def _draft(
    image: BilledImage,
    rate: Rate,
    period: Period,
    start: datetime,
    end: datetime,
    ending: Ending,
) -> LineDraft:
    byte_seconds = image.interval.size_bytes * _seconds(start, end)
    nanos = charge_nanos(byte_seconds, rate, period)
    return LineDraft(
        image=image,
        rate=rate,
        start=start,
        end=end,
        ending=ending,
        byte_seconds=byte_seconds,
        nanos=nanos,
    )


def _seconds(start: datetime, end: datetime) -> int:
    return int((end - start).total_seconds())
