"""The statement: all that the Cloud Usage report says of one account and period. Pure.

Every number of the report is computed here, once; renderers only print. The total is the sum of
the ledger's postings, rounded once to the currency's minor unit; the lines are rounded so that
they add up to it (largest remainder).
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from instance_images.config import UNIT_BYTES
from instance_images.domain import Account
from instance_images.errors import InstanceImagesError
from instance_images_billing.ledger import Posting
from instance_images_billing.money import NANOS_PER_UNIT, round_half_even
from instance_images_billing.periods import LocalDay, Period
from instance_images_billing.rating import (
    SECONDS_PER_HOUR,
    Rate,
    charge_nanos,
    charged_range,
)
from instance_images_reports.beside import CORRECTION, BesideDraft, beside_drafts
from instance_images_reports.location_ledger import BilledImage, LocationLedger


@dataclass(frozen=True, slots=True)
class Line:
    """One image at one rate within the period.

    ``billable_until`` is the end of the image, of the rate, of the period or of what is metered,
    whichever comes first; ``is_open`` where the image was still billed when the metered part of
    the period ended. ``hours_per_month`` and ``partial_hour`` are terms of the rate.
    ``unit_hours`` are GB-hours (or GiB-hours), with six decimals. ``amount_exact`` has nine
    decimals, ``amount`` as many as the currency.
    """

    image_id: str
    name: str
    location: str
    source_instance_name: str
    size_bytes: int
    billable_from: datetime
    billable_until: datetime
    billable_seconds: int
    is_open: bool
    unit: str
    unit_hours: Decimal
    rate: Decimal
    hours_per_month: str
    partial_hour: str
    amount_exact: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What is charged or given back beside the lines; ``amount_exact`` has nine decimals.

    ``kind`` is ``correction`` for hours that were closed before something about them became known,
    from ``hour`` to ``until``; ``allowance`` for what is free; ``minimum`` for what is missing to
    the minimum charge. The last two are about no image: their ``image_id`` is empty.
    """

    image_id: str
    hour: datetime
    reason: str
    amount: Decimal
    kind: str = CORRECTION
    location: str = ""
    until: datetime | None = None
    amount_exact: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Day:
    """One local day: the mean of what was stored in its metered part, and what it cost."""

    day: date
    stored_units: Decimal
    amount_exact: Decimal


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report, with lines and adjustments that add up to its total."""

    name: str
    title: str
    total: Decimal
    lines: Sequence[Line]
    adjustments: Sequence[Adjustment]
    days: Sequence[Day]
    unit: str


@dataclass(frozen=True, slots=True)
class Statement:
    """The Cloud Usage report of one account, period and currency.

    ``metered_until`` is the instant up to which all locations are metered, the end of the period
    at the latest; None where a location is not metered at all.
    ``period_state`` is ``open`` or ``closed``.
    """

    account: Account
    period: Period
    timezone: str
    period_state: str
    currency: str
    metered_until: datetime | None
    total: Decimal
    sections: Sequence[Section]


class LedgerMismatch(InstanceImagesError):
    """Postings and intervals do not tell the same story; no report is made of them."""

    code = "ledger_mismatch"


def state(
    account: Account,
    period: Period,
    timezone: str,
    currency: str,
    currency_digits: int,
    ledgers: Sequence[LocationLedger],
    days: Sequence[LocalDay],
    period_state: str = "open",
) -> Statement:
    """Compute the statement; ``days`` are the period's, in order.

    The ledgers hold the postings of this currency alone. Raises LedgerMismatch where the lines
    cannot add up to the postings.
    """
    drafts = [draft for ledger in ledgers for draft in _drafts(ledger, period, currency)]
    drafts.sort(key=lambda d: (d.image.location, d.image.name, d.image.image_id, d.start))
    beside = [draft for ledger in ledgers for draft in beside_drafts(ledger, period)]
    minor_nanos = NANOS_PER_UNIT // 10**currency_digits
    total_minor = round_half_even(
        Fraction(sum(ledger.charged_nanos for ledger in ledgers), minor_nanos)
    )
    exact = [draft.nanos for draft in drafts] + [draft.nanos for draft in beside]
    amounts = apportion([nanos / minor_nanos for nanos in exact], total_minor)
    total = _decimal(total_minor, currency_digits)
    ends = [ledger.metered_until for ledger in ledgers]
    metered = [min(end, period.end) for end in ends if end is not None]
    unit = _unit(ledgers)
    posted = [posting for ledger in ledgers for posting in ledger.postings]
    section = Section(
        name="images",
        title="Images",
        total=total,
        lines=[_line(d, minor, currency_digits) for d, minor in zip(drafts, amounts, strict=False)],
        adjustments=[
            _adjustment(draft, minor, currency_digits)
            for draft, minor in zip(beside, amounts[len(drafts) :], strict=True)
        ],
        days=_days(days, posted, max(metered, default=period.start), unit),
        unit=unit,
    )
    return Statement(
        account=account,
        period=period,
        timezone=timezone,
        period_state=period_state,
        currency=currency,
        metered_until=min(metered) if metered and len(metered) == len(ends) else None,
        total=total,
        sections=[section],
    )


@dataclass(frozen=True, slots=True)
class _Draft:
    """A line before its amount is rounded."""

    image: BilledImage
    rate: Rate
    start: datetime
    end: datetime
    is_open: bool
    byte_seconds: int
    nanos: Fraction


def _drafts(ledger: LocationLedger, period: Period, currency: str) -> list[_Draft]:
    if ledger.metered_until is None:
        return []
    drafts = []
    until = min(period.end, ledger.metered_until)
    for rate, start, end in _rated_ranges(ledger, period, until):
        if rate.currency != currency:
            continue
        for image in ledger.images:
            charged = charged_range(image.interval, rate, start, end)
            if charged:
                drafts.append(_draft(image, rate, period, *charged, until=until))
    return drafts


def _rated_ranges(
    ledger: LocationLedger, period: Period, until: datetime
) -> list[tuple[Rate, datetime, datetime]]:
    """Return the part of the period before ``until``, cut where a new rate begins."""
    ends = [rate.from_hour for rate in ledger.rates[1:]] + [until]
    ranges = []
    for rate, next_begins in zip(ledger.rates, ends, strict=False):
        start, end = max(rate.from_hour, period.start), min(next_begins, until)
        if start < end:
            ranges.append((rate, start, end))
    return ranges


def _draft(
    image: BilledImage,
    rate: Rate,
    period: Period,
    start: datetime,
    end: datetime,
    *,
    until: datetime,
) -> _Draft:
    seconds = int((end - start).total_seconds())
    byte_seconds = image.interval.size_bytes * seconds
    ends_at = image.interval.ends_at
    return _Draft(
        image,
        rate,
        start,
        end,
        # An end that is known to be here only afterwards must not change a closed period.
        end == until and (ends_at is None or ends_at >= end),
        byte_seconds,
        charge_nanos(byte_seconds, rate, period),
    )


def apportion(exact: Sequence[Fraction], total: int) -> list[int]:
    """Round amounts to integers that add up to ``total``: the largest remainders are rounded up.

    Of equal remainders the earlier one is rounded up. Raises LedgerMismatch where the total is
    not within reach of rounding.
    """
    amounts = [amount.numerator // amount.denominator for amount in exact]
    left = total - sum(amounts)
    if not 0 <= left <= len(amounts):
        raise LedgerMismatch(
            "The postings of the ledger do not add up to its intervals, so no report is made of"
            " them: the database was changed by something else. Restore it from a backup."
        )
    by_remainder = sorted(range(len(exact)), key=lambda i: amounts[i] - exact[i])
    for index in by_remainder[:left]:
        amounts[index] += 1
    return amounts


def _line(draft: _Draft, amount_minor: int, currency_digits: int) -> Line:
    rate = draft.rate
    unit_hours = Fraction(draft.byte_seconds, UNIT_BYTES[rate.unit] * SECONDS_PER_HOUR)
    return Line(
        image_id=draft.image.image_id,
        name=draft.image.name,
        location=draft.image.location,
        source_instance_name=draft.image.source_instance_name,
        size_bytes=draft.image.interval.size_bytes,
        billable_from=draft.start,
        billable_until=draft.end,
        billable_seconds=int((draft.end - draft.start).total_seconds()),
        is_open=draft.is_open,
        unit=rate.unit,
        unit_hours=_decimal(round_half_even(unit_hours * 10**6), 6),
        rate=_decimal(rate.price_nanos, 9),
        hours_per_month=rate.hours_per_month,
        partial_hour=rate.partial_hour,
        amount_exact=_decimal(round_half_even(draft.nanos), 9),
        amount=_decimal(amount_minor, currency_digits),
    )


def _adjustment(draft: BesideDraft, amount_minor: int, currency_digits: int) -> Adjustment:
    return Adjustment(
        image_id=draft.image_id,
        hour=draft.start,
        reason=draft.reason,
        amount=_decimal(amount_minor, currency_digits),
        kind=draft.kind,
        location=draft.location,
        until=draft.end,
        amount_exact=_decimal(round_half_even(draft.nanos), 9),
    )


def _decimal(scaled: int, digits: int) -> Decimal:
    """Return the integer divided by 10^digits, with exactly that many decimals."""
    return Decimal(scaled).scaleb(-digits)


def _unit(ledgers: Sequence[LocationLedger]) -> str:
    """Return the unit of the newest rate: what the charts count in."""
    newest = max(
        (ledger.rates[-1] for ledger in ledgers if ledger.rates),
        default=None,
        key=lambda rate: rate.from_hour,
    )
    return newest.unit if newest else "GB"


def _days(
    days: Sequence[LocalDay], posted: Sequence[Posting], metered_until: datetime, unit: str
) -> list[Day]:
    """Sum the postings by local day, from the first day of the period to the last metered one."""
    metered = [day for day in days if day.start < metered_until]
    starts = [day.start for day in metered]
    byte_seconds, nanos = [0] * len(metered), [0] * len(metered)
    for posting in posted:
        index = bisect_right(starts, posting.starts_at) - 1
        byte_seconds[index] += posting.byte_seconds
        nanos[index] += posting.amount_nanos
    return [
        Day(day.date, _stored(bytes_, day, metered_until, unit), _decimal(amount, 9))
        for day, bytes_, amount in zip(metered, byte_seconds, nanos, strict=True)
    ]


def _stored(byte_seconds: int, day: LocalDay, metered_until: datetime, unit: str) -> Decimal:
    """Return the mean of what was stored in the metered part of the day, with six decimals."""
    seconds = int((min(day.end, metered_until) - day.start).total_seconds())
    stored = Fraction(byte_seconds * 10**6, UNIT_BYTES[unit] * seconds)
    return _decimal(round_half_even(stored), 6)
