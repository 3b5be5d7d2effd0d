"""The period that a report is asked for: one that has begun."""

from datetime import datetime
from zoneinfo import ZoneInfo

from instance_images.errors import Refused
from instance_images.instants import format_instant
from instance_images_billing.pricing.periods import Period, named_period


def begun_period(text: str, now: datetime, timezone: ZoneInfo) -> Period:
    """Return the period of that name. Raises UsageError, and Refused where it begins later."""
    period = named_period(text, now, timezone)
    if period.start > now:
        raise Refused(
            f"The period {period.name} has not begun: it is {format_instant(now)} now, and it"
            f" begins at {format_instant(period.start)}."
        )
    return period
