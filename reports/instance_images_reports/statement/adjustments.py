"""What is charged or given back beside the lines of a statement. Pure.

Lines say what was stored in the hours of the period, at the full rate. Beside them stand what is
free of it, what was corrected of hours that had been closed, and what was missing to the minimum.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from zoneinfo import ZoneInfo

from instance_images.instants import HOUR, floor_hour
from instance_images_billing.pricing.charged import MinimumCharge, Posting, minimum_rate
from instance_images_billing.pricing.corrections import HAND, Adjustment
from instance_images_billing.pricing.money import decimal_of, price_text
from instance_images_billing.pricing.periods import Period, period_of
from instance_images_billing.pricing.rating import Rate, charge_nanos, charged_byte_seconds, rate_at
from instance_images_billing.pricing.reasons import Reason
from instance_images_billing.pricing.units import UNIT_BYTES
from instance_images_reports.statement.location_ledger import LocationLedger

REVERSES = "reverses entry"
CORRECTION, ALLOWANCE, MINIMUM = "correction", "allowance", "minimum"


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideDraft:
    """An amount beside the lines, before it is rounded.

    ``image_id`` and ``name`` are empty where it is of no image.
    """

    kind: str
    location: str
    image_id: str
    start: datetime
    end: datetime
    reason: str
    nanos: Fraction
    name: str = ""
    threshold: Decimal | None = None
    unit: str = ""
    entry: int | None = None
    reverses: int | None = None
    cause: Reason | None = None


def beside_drafts(ledger: LocationLedger, period: Period, timezone: ZoneInfo) -> list[BesideDraft]:
    """Return what stands beside the location's lines: allowances, corrections, minimum charges."""
    return [
        *_allowances(ledger, period),
        *_corrections(ledger, timezone),
        *(
            BesideDraft(
                kind=MINIMUM,
                location=ledger.location,
                image_id="",
                start=period.start,
                end=period.end,
                reason=_minimum_reason(rate),
                nanos=Fraction(minimum.amount_nanos),
                threshold=decimal_of(rate.minimum_nanos),
            )
            for minimum, rate in _with_rates(ledger, period)
        ),
    ]


def _allowances(ledger: LocationLedger, period: Period) -> list[BesideDraft]:
    """Return what was free at each of the rates, as a negative amount."""
    free: dict[datetime, Fraction] = {}
    until: dict[datetime, datetime] = {}
    for posting in ledger.postings:
        rate = rate_at(ledger.rates, posting.starts_at)
        if rate is not None and rate.free_bytes:
            taken_off = _taken_off(posting, rate, period)
            free[rate.from_hour] = free.get(rate.from_hour, Fraction(0)) - taken_off
            until[rate.from_hour] = _slice_end(posting.starts_at, period)
    return [
        BesideDraft(
            kind=ALLOWANCE,
            location=ledger.location,
            image_id="",
            start=max(rate.from_hour, period.start),
            end=until[rate.from_hour],
            reason=f"{_size_text(rate)} are free in every hour",
            nanos=free[rate.from_hour],
            threshold=Decimal(rate.free_bytes) / UNIT_BYTES[rate.unit],
            unit=rate.unit,
        )
        for rate in ledger.rates
        if rate.from_hour in free
    ]


def _taken_off(posting: Posting, rate: Rate, period: Period) -> Fraction:
    duration: timedelta = _slice_end(posting.starts_at, period) - posting.starts_at
    charged = charged_byte_seconds(posting.byte_seconds, rate, int(duration.total_seconds()))
    return charge_nanos(posting.byte_seconds - charged, rate, period)


def _slice_end(start: datetime, period: Period) -> datetime:
    return min(floor_hour(start) + HOUR, period.end)


def _size_text(rate: Rate) -> str:
    size = Fraction(rate.free_bytes, UNIT_BYTES[rate.unit])
    shown = f"{size.numerator}" if size.denominator == 1 else f"{float(size):g}"
    return f"{shown} {rate.unit}"


def _with_rates(ledger: LocationLedger, period: Period) -> Iterator[tuple[MinimumCharge, Rate]]:
    for minimum in ledger.minimums:
        rate = minimum_rate(ledger.rates, period, ledger.minimum_rule)
        assert rate is not None
        yield minimum, rate


def _minimum_reason(rate: Rate) -> str:
    return f"top-up to the minimum charge of {price_text(rate.minimum_nanos)} {rate.currency}"


def _cause(one: Adjustment) -> Reason | None:
    if one.reason_code is None:
        return None
    return Reason(one.reason_code, one.event_at, one.learned_at)


def _corrections(ledger: LocationLedger, timezone: ZoneInfo) -> list[BesideDraft]:
    """Return the adjustments, those of one image and month that were posted together as one."""

    def posting(one: Adjustment) -> tuple[datetime, str, bool, str, Period]:
        month = period_of(one.corrects_at, timezone)
        return one.posted_at, one.image_id, one.reverses is not None, one.reason, month

    drafts = []
    in_order = sorted(ledger.adjustments, key=lambda one: (*posting(one)[:4], one.corrects_at))
    for (_posted_at, image_id, _, reason, month), group in groupby(in_order, key=posting):
        rows: Sequence[Adjustment] = list(group)
        drafts.append(
            BesideDraft(
                kind=CORRECTION,
                location=ledger.location,
                image_id=image_id,
                start=rows[0].corrects_at,
                end=min(floor_hour(rows[-1].corrects_at) + HOUR, month.end),
                reason=reason
                if rows[0].reverses is None
                else f"{REVERSES} {rows[0].reverses}: {reason}",
                nanos=Fraction(sum(row.amount_nanos for row in rows)),
                name=ledger.image_names.get(image_id, ""),
                entry=rows[0].adjustment_key if rows[0].kind == HAND else None,
                reverses=rows[0].reverses,
                cause=_cause(rows[0]),
            )
        )
    return drafts
