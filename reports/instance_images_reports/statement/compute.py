"""Computes the statement of one account and period from what the ledger holds. Pure.

The total is the sum of the ledger's postings, rounded once to the currency's minor unit; the lines
are rounded so that they add up to it (largest remainder).
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from instance_images.model.records import Account
from instance_images_billing.pricing.money import NANOS_PER_UNIT, divide_half_even, round_half_even
from instance_images_billing.pricing.periods import LocalDay, Period
from instance_images_reports.statement.adjustments import BesideDraft, beside_drafts
from instance_images_reports.statement.days import at_full_rate, days_of_postings
from instance_images_reports.statement.forecast import forecast_of
from instance_images_reports.statement.lines import line_drafts
from instance_images_reports.statement.location_ledger import LocationLedger
from instance_images_reports.statement.rounding import apportion_ratios, decimal_of
from instance_images_reports.statement.statement import (
    Adjustment,
    Comparison,
    Previous,
    Section,
    Statement,
)
from instance_images_reports.statement.subtotals import shares_of, subtotals_of


def state(
    account: Account,
    period: Period,
    timezone: str,
    currency: str,
    currency_digits: int,
    ledgers: Sequence[LocationLedger],
    days: Sequence[LocalDay],
    period_state: str = "open",
    previous: Previous | None = None,
    closed_at: datetime | None = None,
) -> Statement:
    """Compute the statement; ``days`` are the period's, in order.

    The ledgers hold the postings of this currency alone. ``previous`` is None where nothing was
    charged in the period before. Raises LedgerMismatch where the lines cannot add up to the
    postings.
    """
    drafts = [draft for ledger in ledgers for draft in line_drafts(ledger, period, currency)]
    drafts.sort(key=lambda d: (d.image.location, d.image.name, d.image.image_id, d.start))
    zone = ZoneInfo(timezone)
    beside = [draft for ledger in ledgers for draft in beside_drafts(ledger, period, zone)]
    minor_nanos = NANOS_PER_UNIT // 10**currency_digits
    charged = sum(ledger.charged_nanos for ledger in ledgers)
    total_minor = divide_half_even(charged, minor_nanos)
    exact = [(draft.numerator, draft.divisor * minor_nanos) for draft in drafts]
    exact += [(draft.nanos.numerator, draft.nanos.denominator * minor_nanos) for draft in beside]
    amounts = apportion_ratios(exact, total_minor)
    lines = [d.line(minor, currency_digits) for d, minor in zip(drafts, amounts, strict=False)]
    adjustments = [
        _adjustment(draft, minor, currency_digits)
        for draft, minor in zip(beside, amounts[len(drafts) :], strict=True)
    ]
    total = decimal_of(total_minor, currency_digits)
    ends = [ledger.metered_until for ledger in ledgers]
    metered = [min(end, period.end) for end in ends if end is not None]
    unit = _unit(ledgers)
    posted = [posting for ledger in ledgers for posting in at_full_rate(ledger, period)]
    section = Section(
        name="images",
        title="Images",
        total=total,
        lines=lines,
        adjustments=adjustments,
        days=days_of_postings(days, posted, max(metered, default=period.start), unit),
        unit=unit,
        subtotals=subtotals_of(lines, adjustments),
        shares=shares_of(lines),
        comparison=None if previous is None else compare(total, previous, currency_digits),
        forecast=(
            forecast_of(ledgers, period, currency, currency_digits)
            if period_state == "open"
            else None
        ),
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
        closed_at=closed_at,
    )


def compare(total: Decimal, previous: Previous, currency_digits: int) -> Comparison:
    """Return the total of the period before, rounded as it was there, and the difference."""
    minor_nanos = NANOS_PER_UNIT // 10**currency_digits
    before_minor = round_half_even(Fraction(previous.charged_nanos, minor_nanos))
    before = decimal_of(before_minor, currency_digits)
    difference = total - before
    percent = None
    if before > 0:
        tenths = round_half_even(Fraction(difference) * 1000 / Fraction(before))
        percent = decimal_of(tenths, 1)
    return Comparison(previous.period, before, difference, percent)


def _adjustment(draft: BesideDraft, amount_minor: int, currency_digits: int) -> Adjustment:
    return Adjustment(
        image_id=draft.image_id,
        hour=draft.start,
        reason=draft.reason,
        amount=decimal_of(amount_minor, currency_digits),
        kind=draft.kind,
        location=draft.location,
        until=draft.end,
        amount_exact=decimal_of(round_half_even(draft.nanos), 9),
        name=draft.name,
        threshold=draft.threshold,
        unit=draft.unit,
        entry=draft.entry,
        reverses=draft.reverses,
        cause=draft.cause,
    )


def _unit(ledgers: Sequence[LocationLedger]) -> str:
    """Return the unit of the newest rate: what the charts count in."""
    newest = max(
        (ledger.rates[-1] for ledger in ledgers if ledger.rates),
        default=None,
        key=lambda rate: rate.from_hour,
    )
    return newest.unit if newest else "GB"
