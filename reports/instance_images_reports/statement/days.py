"""What was stored on each day of a period, and what it cost at the full rate, as in lines. Pure.

What is free is taken off beside the lines, so it is taken off no day either.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from instance_images_billing.pricing.charged import Posting
from instance_images_billing.pricing.money import divide_half_even, round_half_even
from instance_images_billing.pricing.periods import LocalDay, Period
from instance_images_billing.pricing.rating import charge_nanos, rate_at
from instance_images_billing.pricing.units import UNIT_BYTES
from instance_images_reports.statement.location_ledger import LocationLedger
from instance_images_reports.statement.rounding import decimal_of
from instance_images_reports.statement.statement import Day


def at_full_rate(ledger: LocationLedger, period: Period) -> list[Posting]:
    """Return the ledger's postings with the amounts that they would have if nothing were free."""
    found = []
    for posting in ledger.postings:
        rate = rate_at(ledger.rates, posting.starts_at)
        if rate is not None and rate.free_bytes:
            nanos = round_half_even(charge_nanos(posting.byte_seconds, rate, period))
            found.append(posting._replace(amount_nanos=nanos))
        else:
            found.append(posting)
    return found


def days_of_postings(
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
        Day(day.date, _stored(bytes_, day, metered_until, unit), decimal_of(amount, 9))
        for day, bytes_, amount in zip(metered, byte_seconds, nanos, strict=True)
    ]


def _stored(byte_seconds: int, day: LocalDay, metered_until: datetime, unit: str) -> Decimal:
    """Return the mean of what was stored in the metered part of the day, with six decimals."""
    seconds = int((min(day.end, metered_until) - day.start).total_seconds())
    return decimal_of(divide_half_even(byte_seconds * 10**6, UNIT_BYTES[unit] * seconds), 6)
