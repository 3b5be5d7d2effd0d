"""Why something is charged or given back beside the lines, in the reader's words.

The ledger holds reasons in English. Those that the hourly run recorded are recognised and put into
the reader's language and time zone; what somebody wrote by hand stays as it is.
"""

import re

from instance_images.instants import parse_instant
from instance_images_billing.pricing.corrections import END_OF_WAIVER
from instance_images_reports.statement.adjustments import ALLOWANCE, MINIMUM, REVERSES
from instance_images_reports.statement.statement import Adjustment
from instance_images_reports.wording.words import Words

_LATE = re.compile(r"(available|changed|deleted|restored) at (\S+Z), which became known at (\S+Z)")
_MINIMUM = re.compile(r"minimum charge of (\d{4}-\d\d), whose usage was corrected since")
_REVERSAL = re.compile(rf"^{REVERSES} [0-9]+: ")


def adjustment_reason(words: Words, adjustment: Adjustment) -> str:
    """Return why the adjustment stands there."""
    threshold = adjustment.threshold
    if threshold is not None and adjustment.kind == ALLOWANCE:
        free = f"{words.plain(threshold)} {adjustment.unit}"
        return words.gettext("%(size)s are free in every hour", size=free)
    if threshold is not None and adjustment.kind == MINIMUM:
        return words.gettext(
            "missing to the minimum charge of %(amount)s", amount=words.price(threshold)
        )
    recorded = _recorded(words, adjustment.reason)
    if adjustment.reverses is not None:
        return words.gettext(
            "reverses entry %(entry)s: %(reason)s",
            entry=str(adjustment.reverses),
            reason=_recorded(words, _REVERSAL.sub("", adjustment.reason)),
        )
    if adjustment.entry is not None:
        return words.gettext(
            "%(reason)s (entry %(entry)s)", entry=str(adjustment.entry), reason=recorded
        )
    return recorded


def _recorded(words: Words, reason: str) -> str:
    if reason == END_OF_WAIVER:
        return words.gettext("the waived charge was corrected since, and is not given back twice")
    if minimum := _MINIMUM.fullmatch(reason):
        return words.gettext(
            "minimum charge of %(period)s, whose usage was corrected since", period=minimum[1]
        )
    if late := _LATE.fullmatch(reason):
        try:
            return _late_text(words, *late.groups())
        except ValueError:  # by hand, anything can be written that looks alike
            return reason
    return reason


def _late_text(words: Words, event: str, effective_at: str, learned_at: str) -> str:
    message = {
        "available": words.gettext("available at %(instant)s, which became known at %(learned)s"),
        "changed": words.gettext("changed at %(instant)s, which became known at %(learned)s"),
        "restored": words.gettext("restored at %(instant)s, which became known at %(learned)s"),
        "deleted": words.gettext("deleted at %(instant)s, which became known at %(learned)s"),
    }[event]
    return message % {
        "instant": words.moment(parse_instant(effective_at)),
        "learned": words.moment(parse_instant(learned_at)),
    }
