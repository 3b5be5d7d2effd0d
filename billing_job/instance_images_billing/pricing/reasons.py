"""Why the billing job posts an adjustment: a code with instants, and an English sentence. Pure.

The sentence stands in the chain of digests, so it may never change for a code that is in use.
Reports put the code into the reader's words. A decision by hand has no code: it has the words of
whoever decided.
"""

from dataclasses import dataclass
from datetime import datetime

from instance_images.instants import format_instant

# Codes for what became known of an image late are those of its events: available, changed ...
WAIVER_ENDED, MINIMUM_CORRECTED = "waiver_ended", "minimum_corrected"


@dataclass(frozen=True, slots=True)
class Reason:
    """A code, and for a late event when it happened and when that became known."""

    code: str
    event_at: datetime | None = None
    learned_at: datetime | None = None


def reason_text(reason: Reason, period_name: str = "") -> str:
    """Return the sentence that is posted. ``period_name`` is that of the minimum charge."""
    if reason.code == WAIVER_ENDED:
        return "the waived charge was corrected since, and is not given back twice"
    if reason.code == MINIMUM_CORRECTED:
        return f"minimum charge of {period_name}, whose usage was corrected since"
    assert reason.event_at is not None
    assert reason.learned_at is not None
    return (
        f"{reason.code} at {format_instant(reason.event_at)}, which became known at"
        f" {format_instant(reason.learned_at)}"
    )
