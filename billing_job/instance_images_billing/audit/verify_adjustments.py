"""Checks where adjustments are counted, what their reasons say, and what they reverse."""

from instance_images.instants import format_instant
from instance_images_billing.audit.ledger_view import LedgerView
from instance_images_billing.pricing.corrections import (
    HAND,
    LATE,
    MINIMUM,
)
from instance_images_billing.pricing.periods import period_of
from instance_images_billing.pricing.reasons import (
    MINIMUM_CORRECTED,
    WAIVER_ENDED,
    Reason,
    reason_text,
)


def misplaced(book: LedgerView) -> list[str]:
    """Return where adjustments are counted in hours that cannot count them."""
    return [
        f"{book.place_text((one.account_key, one.corrects_at))}: the adjustment of image"
        f" {one.image_id} is counted in {format_instant(one.counted_at)}, which was already"
        " closed"
        for one in book.adjusted
        if one.corrects_at >= one.counted_at
        or one.counted_at > book.closed_until
        or one.kind not in (LATE, HAND, MINIMUM)
    ]


def untrue_reasons(book: LedgerView) -> list[str]:
    """Return which reasons say something else than their codes: the chain holds the sentences."""
    findings = []
    for one in book.adjusted:
        if one.reason_code is None:
            continue
        reason = Reason(one.reason_code, one.event_at, one.learned_at)
        month = period_of(one.corrects_at, book.timezone).name
        is_dated = reason.code in (WAIVER_ENDED, MINIMUM_CORRECTED) or None not in (
            reason.event_at,
            reason.learned_at,
        )
        if not is_dated or reason_text(reason, month) != one.reason:
            place = book.place_text((one.account_key, one.corrects_at))
            findings.append(
                f"{place}: the reason of entry {one.adjustment_key} does not match its reason code"
            )
    return findings


def wrong_reversals(book: LedgerView) -> list[str]:
    """Return which reversals are linked to no decision of their slice, or take back too much."""
    by_key = {one.adjustment_key: one for one in book.adjusted}
    back: dict[int, int] = {}
    findings = []
    for one in book.adjusted:
        if one.reverses is None:
            continue
        first = by_key.get(one.reverses)
        place = book.place_text((one.account_key, one.corrects_at))
        if (
            first is None
            or (first.kind, first.reverses, one.kind) != (HAND, None, HAND)
            or (first.account_key, first.corrects_at) != (one.account_key, one.corrects_at)
        ):
            findings.append(
                f"{place}: entry {one.adjustment_key} reverses no decision of the slice"
            )
            continue
        back[one.reverses] = back.get(one.reverses, 0) - one.amount_nanos
        if not 0 <= back[one.reverses] * _sign(first.amount_nanos) <= abs(first.amount_nanos):
            findings.append(
                f"{place}: entry {one.adjustment_key} takes back more of entry {one.reverses} than"
                " is left of it"
            )
    return findings


def _sign(nanos: int) -> int:
    return -1 if nanos < 0 else 1
