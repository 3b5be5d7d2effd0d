"""What a second of a byte costs, worked out by hand."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instance_images_billing.pricing.periods import parse_period
from instance_images_billing.pricing.rating import (
    Interval,
    Rate,
    charge_nanos,
    charged_range,
    rate_at,
)

T0 = datetime(2026, 11, 1, tzinfo=UTC)
NOVEMBER = parse_period("2026-11", ZoneInfo("UTC"))


def rate(**terms: str) -> Rate:
    return Rate(
        location="RegionOne",
        from_hour=T0,
        price_nanos=50_000_000,
        currency="EUR",
        unit=terms.get("unit", "GB"),
        hours_per_month=terms.get("hours_per_month", "730"),
        partial_hour=terms.get("partial_hour", "prorate"),
        set_at=T0,
    )


def interval(start: str, end: str | None) -> Interval:
    return Interval(
        image_id="i",
        size_bytes=10**9,
        starts_at=datetime.fromisoformat(start),
        ends_at=datetime.fromisoformat(end) if end else None,
    )


def test_one_gigabyte_for_730_hours_costs_the_monthly_price() -> None:
    # 0.05 EUR are 50 000 000 nanos.
    assert charge_nanos(10**9 * 730 * 3600, rate(), NOVEMBER) == 50_000_000


def test_one_gigabyte_for_one_hour_costs_a_730th() -> None:
    assert charge_nanos(10**9 * 3600, rate(), NOVEMBER) == Fraction(50_000_000, 730)


@pytest.mark.parametrize(
    ("hours_per_month", "hours"), [("730", 730), ("720", 720), ("672", 672), ("calendar", 720)]
)
def test_the_month_is_as_long_as_the_rate_says(hours_per_month: str, hours: int) -> None:
    charge = charge_nanos(10**9 * 3600, rate(hours_per_month=hours_per_month), NOVEMBER)

    assert charge == Fraction(50_000_000, hours)


def test_a_calendar_month_with_a_clock_change_is_its_real_hours_long() -> None:
    march = parse_period("2026-03", ZoneInfo("Europe/Berlin"))

    assert charge_nanos(10**9 * 743 * 3600, rate(hours_per_month="calendar"), march) == 50_000_000


def test_a_gibibyte_is_two_to_the_thirtieth() -> None:
    assert charge_nanos(2**30 * 730 * 3600, rate(unit="GiB"), NOVEMBER) == 50_000_000


@pytest.mark.parametrize(
    ("start", "end", "partial_hour", "minutes"),
    [
        ("2026-11-02T12:10Z", "2026-11-02T12:40Z", "prorate", (10, 40)),
        ("2026-11-02T12:10Z", "2026-11-02T12:40Z", "round_up", (0, 60)),
        ("2026-11-02T11:59Z", "2026-11-02T12:01Z", "prorate", (0, 1)),
        ("2026-11-02T11:59Z", "2026-11-02T12:01Z", "round_up", (0, 60)),
        ("2026-11-02T12:59Z", None, "prorate", (59, 60)),
        ("2026-11-02T12:59Z", None, "round_up", (0, 60)),
        ("2026-11-02T12:00Z", "2026-11-02T13:00Z", "round_up", (0, 60)),
    ],
)
def test_what_of_the_hour_from_twelve_is_charged(
    start: str, end: str | None, partial_hour: str, minutes: tuple[int, int]
) -> None:
    noon = datetime(2026, 11, 2, 12, tzinfo=UTC)

    charged = charged_range(
        interval(start, end), rate(partial_hour=partial_hour), noon, noon + timedelta(hours=1)
    )

    assert charged == tuple(noon + timedelta(minutes=m) for m in minutes)


@pytest.mark.parametrize("partial_hour", ["prorate", "round_up"])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-11-02T10:00Z", "2026-11-02T12:00Z"),
        ("2026-11-02T13:00Z", None),
        ("2026-11-02T12:00Z", "2026-11-02T12:00Z"),
    ],
)
def test_an_interval_that_only_touches_the_hour_is_not_charged(
    start: str, end: str | None, partial_hour: str
) -> None:
    noon = datetime(2026, 11, 2, 12, tzinfo=UTC)

    assert (
        charged_range(
            interval(start, end), rate(partial_hour=partial_hour), noon, noon + timedelta(hours=1)
        )
        is None
    )


@given(st.integers(0, 86400), st.integers(0, 86400), st.integers(0, 86400))
def test_two_halves_of_a_range_are_charged_as_the_whole(a: int, b: int, cut: int) -> None:
    lived = Interval(
        image_id="i",
        size_bytes=1,
        starts_at=T0 + timedelta(seconds=min(a, b)),
        ends_at=T0 + timedelta(seconds=max(a, b)),
    )
    day, middle = T0 + timedelta(days=1), T0 + timedelta(seconds=cut)

    def seconds(start: datetime, end: datetime) -> float:
        charged = charged_range(lived, rate(), start, end)
        return (charged[1] - charged[0]).total_seconds() if charged else 0

    assert seconds(T0, middle) + seconds(middle, day) == seconds(T0, day) == abs(a - b)


def test_the_rate_of_an_hour_is_the_last_that_began() -> None:
    later = Rate(
        location="RegionOne",
        from_hour=T0 + timedelta(hours=5),
        price_nanos=1,
        currency="EUR",
        unit="GB",
        hours_per_month="730",
        partial_hour="prorate",
        set_at=T0,
    )
    rates = [rate(), later]

    assert rate_at(rates, T0 - timedelta(hours=1)) is None
    assert rate_at(rates, T0 + timedelta(hours=4)) == rates[0]
    assert rate_at(rates, T0 + timedelta(hours=5)) == later
