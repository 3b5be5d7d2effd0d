"""The statement, with every amount worked out by hand beside its input."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instance_images.model.records import Account
from instance_images_billing.pricing.charged import Posting
from instance_images_billing.pricing.periods import days_of, parse_period
from instance_images_billing.pricing.rating import Interval, Rate
from instance_images_reports.statement.compute import state
from instance_images_reports.statement.location_ledger import BilledImage, LocationLedger
from instance_images_reports.statement.rounding import LedgerMismatch, apportion
from instance_images_reports.statement.statement import Statement

UTC_ZONE = ZoneInfo("UTC")
NOVEMBER = parse_period("2026-11", UTC_ZONE)
GB = 10**9
EUR = 10**9


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def rate(from_hour: datetime, euro_per_gb_hour: int = 1) -> Rate:
    return Rate(
        location="RegionOne",
        from_hour=from_hour,
        price_nanos=730 * EUR * euro_per_gb_hour,
        currency="EUR",
        unit="GB",
        hours_per_month="730",
        partial_hour="prorate",
        set_at=from_hour,
    )


def billed(name: str, start: datetime, end: datetime | None, size: int = GB) -> BilledImage:
    interval = Interval(image_id=name, size_bytes=size, starts_at=start, ends_at=end)
    return BilledImage(
        image_id=f"id-{name}",
        name=name,
        location="RegionOne",
        source_instance_name="vm",
        interval=interval,
        source_instance_id="vm-id",
    )


def statement(
    images: list[BilledImage],
    postings: list[tuple[datetime, int]],
    rates: list[Rate],
    until: datetime | None,
) -> Statement:
    """Make a statement of postings given as (start, nanos)."""
    posted = [Posting(1, start, nanos * 3600, nanos) for start, nanos in postings]
    ledger = LocationLedger(
        location="RegionOne", metered_until=until, rates=rates, images=images, postings=posted
    )
    return state(
        account=Account("a", "acme"),
        period=NOVEMBER,
        timezone="UTC",
        currency="EUR",
        currency_digits=2,
        ledgers=[ledger],
        days=days_of(NOVEMBER, UTC_ZONE),
    )


def test_a_line_says_from_when_until_when_and_for_how_much() -> None:
    # 12:15 to 14:20 are 7500 s: 2.083333 GB-hours, 2.083333333 EUR.
    found = statement(
        [billed("web", at(2, 12, 15), at(2, 14, 20))],
        [(at(2, 12), 750_000_000), (at(2, 13), EUR), (at(2, 14), 333_333_333)],
        [rate(at(1))],
        at(3),
    )

    (line,) = found.sections[0].lines
    assert (line.billable_from, line.billable_until) == (at(2, 12, 15), at(2, 14, 20))
    assert (line.billable_seconds, line.is_open) == (7500, False)
    assert line.unit_hours == Decimal("2.083333")
    assert line.amount_exact == Decimal("2.083333333")
    assert line.amount == found.total == Decimal("2.08")


def test_a_rate_change_parts_a_line_in_two() -> None:
    found = statement(
        [billed("web", at(2, 12), None)],
        [(at(2, 12), EUR), (at(2, 13), 2 * EUR)],
        [rate(at(1)), rate(at(2, 13), 2)],
        at(2, 14),
    )

    first, second = found.sections[0].lines
    assert (first.billable_until, first.amount, first.is_open) == (at(2, 13), 1, False)
    assert (second.billable_from, second.amount, second.is_open) == (at(2, 13), 2, True)
    assert found.total == 3


def test_what_is_not_metered_yet_is_not_charged_yet() -> None:
    found = statement([billed("web", at(2, 12), None)], [], [rate(at(1))], at(2, 12))

    assert found.sections[0].lines == []
    assert (found.total, found.metered_until) == (Decimal("0.00"), at(2, 12))


def test_an_image_from_before_the_period_is_charged_from_its_beginning() -> None:
    october = datetime(2026, 10, 1, tzinfo=UTC)

    found = statement([billed("old", october, None)], [(at(1), EUR)], [rate(october)], at(1, 1))

    (line,) = found.sections[0].lines
    assert (line.billable_from, line.billable_until) == (at(1), at(1, 1))


def test_three_thirds_of_a_cent_are_one_cent_on_one_line() -> None:
    # Three images of a third of a cent each: the postings say 0.01.
    third = 10**7 // 3 + 1
    images = [billed(n, at(2, 12), at(2, 13), GB // 300 + 1) for n in "abc"]

    found = statement(images, [(at(2, 12), 3 * third)], [rate(at(1))], at(3))

    assert [line.amount for line in found.sections[0].lines] == [
        Decimal("0.01"),
        Decimal("0.00"),
        Decimal("0.00"),
    ]
    assert found.total == Decimal("0.01")


def test_postings_that_no_interval_explains_make_no_report() -> None:
    with pytest.raises(LedgerMismatch):
        statement(
            [billed("web", at(2, 12), at(2, 13))], [(at(2, 12), 5 * EUR)], [rate(at(1))], at(3)
        )


def test_a_day_shows_the_mean_of_its_metered_part() -> None:
    # 1 GB during 6 of 24 hours, and during 6 of the 12 hours that are metered of the next day.
    postings = [(at(2, hour), EUR) for hour in range(18, 24)]
    postings += [(at(3, hour), EUR) for hour in range(6)]

    found = statement([billed("web", at(2, 18), at(3, 6))], postings, [rate(at(1))], at(3, 12))

    days = {day.day.day: (day.stored_units, day.amount_exact) for day in found.sections[0].days}
    assert days == {1: (0, 0), 2: (Decimal("0.25"), 6), 3: (Decimal("0.5"), 6)}


def test_an_account_without_images_has_an_empty_statement() -> None:
    found = statement([], [], [], None)

    assert (found.total, found.metered_until) == (Decimal("0.00"), None)
    assert found.sections[0].lines == found.sections[0].days == []


@given(st.lists(st.fractions(min_value=0, max_value=1000), max_size=20), st.integers(-1, 1))
def test_rounded_amounts_add_up_and_each_is_less_than_one_off(
    exact: list[Fraction], nudge: int
) -> None:
    total = round(sum(exact))
    floors = sum(int(amount) for amount in exact)
    if not floors <= total + nudge <= floors + len(exact):
        nudge = 0

    amounts = apportion(exact, total + nudge)

    assert sum(amounts) == total + nudge
    assert all(abs(amount - wanted) <= 1 for amount, wanted in zip(amounts, exact, strict=True))


def test_of_equal_remainders_the_earlier_is_rounded_up() -> None:
    assert apportion([Fraction(1, 2), Fraction(1, 2)], 1) == [1, 0]
