"""Why something is charged or given back beside the lines, in the reader's words.

What the billing job posted has a code, which is put into the reader's language and time zone; what
somebody wrote by hand stays as it is.
"""

from datetime import datetime

from instance_images_billing.pricing.periods import period_of
from instance_images_billing.pricing.reasons import MINIMUM_CORRECTED, WAIVER_ENDED, Reason
from instance_images_reports.statement.adjustments import ALLOWANCE, MINIMUM, REVERSES
from instance_images_reports.statement.statement import Adjustment
from instance_images_reports.wording.words import Words


def adjustment_reason(words: Words, adjustment: Adjustment) -> str:
    """Return why the adjustment stands there."""
    threshold = adjustment.threshold
    if threshold is not None and adjustment.kind == ALLOWANCE:
        free = f"{words.plain(threshold)} {adjustment.unit}"
        return words.gettext("%(size)s are free in every hour", size=free)
    if threshold is not None and adjustment.kind == MINIMUM:
        return words.gettext(
            "top-up to the minimum charge of %(amount)s", amount=words.price(threshold)
        )
    recorded = adjustment.reason.removeprefix(f"{REVERSES} {adjustment.reverses}: ")
    if adjustment.cause is not None:
        recorded = _cause_text(words, adjustment.cause, adjustment.hour)
    if adjustment.reverses is not None:
        return words.gettext(
            "reverses entry %(entry)s: %(reason)s", entry=str(adjustment.reverses), reason=recorded
        )
    if adjustment.entry is not None:
        return words.gettext(
            "%(reason)s (entry %(entry)s)", entry=str(adjustment.entry), reason=recorded
        )
    return recorded


def _cause_text(words: Words, cause: Reason, corrects_at: datetime) -> str:
    if cause.code == WAIVER_ENDED:
        return words.gettext("the waived charge was corrected since, and is not given back twice")
    if cause.code == MINIMUM_CORRECTED:
        return words.gettext(
            "minimum charge of %(period)s, whose usage was corrected since",
            period=period_of(corrects_at, words.zone).name,
        )
    assert cause.event_at is not None
    assert cause.learned_at is not None
    message = {
        "available": words.gettext("available at %(instant)s, which became known at %(learned)s"),
        "changed": words.gettext("changed at %(instant)s, which became known at %(learned)s"),
        "restored": words.gettext("restored at %(instant)s, which became known at %(learned)s"),
        "deleted": words.gettext("deleted at %(instant)s, which became known at %(learned)s"),
    }[cause.code]
    return message % {
        "instant": words.moment(cause.event_at),
        "learned": words.moment(cause.learned_at),
    }
