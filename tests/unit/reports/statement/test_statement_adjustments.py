"""What stands beside the lines, with the ranges and amounts worked out by hand."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from instance_images_billing.pricing.corrections import LATE, Adjustment
from instance_images_billing.pricing.periods import parse_period
from instance_images_reports.statement.adjustments import beside_drafts
from instance_images_reports.statement.location_ledger import LocationLedger

EUR = 10**9


def adjustment(corrects_at: datetime, euro: int) -> Adjustment:
    known = datetime(2026, 11, 1, 6, tzinfo=UTC)
    return Adjustment(
        account_key=1,
        image_id="a",
        corrects_at=corrects_at,
        counted_at=known,
        kind=LATE,
        byte_seconds=0,
        amount_nanos=euro * EUR,
        reason="late",
        author="meter",
        posted_at=known,
    )


@pytest.mark.parametrize(
    ("timezone", "midnight"),
    [
        ("UTC", datetime(2026, 11, 1, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 10, 31, 18, 15, tzinfo=UTC)),  # 00:00 at +05:45
    ],
)
def test_a_correction_of_two_months_is_one_for_each_of_them(
    timezone: str, midnight: datetime
) -> None:
    zone = ZoneInfo(timezone)
    hours = [midnight.replace(minute=0), midnight]
    if midnight.minute == 0:
        hours[0] = datetime(2026, 10, 31, 23, tzinfo=UTC)
    ledger = LocationLedger(
        location="RegionOne",
        metered_until=None,
        rates=[],
        images=[],
        postings=[],
        adjustments=[adjustment(hour, euro) for hour, euro in zip(hours, (-1, -2), strict=True)],
    )

    before, within = beside_drafts(ledger, parse_period("2026-11", zone), zone)

    assert (before.start, before.end, before.nanos) == (hours[0], midnight, -EUR)
    assert (within.start, within.nanos) == (midnight, -2 * EUR)
