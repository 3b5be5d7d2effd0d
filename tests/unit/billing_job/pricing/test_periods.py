"""Billing months begin and end at the provider's midnight, in every time zone."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instance_images.errors import UsageError
from instance_images.instants import HOUR
from instance_images_billing.pricing.periods import days_of, parse_period, period_of, slices_of

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "America/New_York",
    "Asia/Kolkata",
    "Pacific/Kiritimati",
]


def hours(seconds: int) -> float:
    return seconds / 3600


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_month_in_utc() -> None:
    november = parse_period("2026-11", ZoneInfo("UTC"))

    assert (november.start, november.end) == (at("2026-11-01T00:00Z"), at("2026-12-01T00:00Z"))
    assert hours(november.duration_seconds) == 720


def test_the_months_of_the_clock_changes_have_743_and_745_hours() -> None:
    berlin = ZoneInfo("Europe/Berlin")

    assert hours(parse_period("2026-03", berlin).duration_seconds) == 743
    assert hours(parse_period("2026-10", berlin).duration_seconds) == 745


def test_a_leap_february_has_696_hours_and_december_ends_with_the_year() -> None:
    utc = ZoneInfo("UTC")

    assert hours(parse_period("2028-02", utc).duration_seconds) == 696
    assert parse_period("2026-12", utc).end == at("2027-01-01T00:00Z")


def test_an_edge_inside_an_hour_cuts_it_in_two_slices() -> None:
    kathmandu = ZoneInfo("Asia/Kathmandu")  # UTC+05:45: December begins at 18:15 UTC

    first, second = slices_of(at("2026-11-30T18:00Z"), kathmandu)

    assert (first.start, first.end) == (at("2026-11-30T18:00Z"), at("2026-11-30T18:15Z"))
    assert (second.start, second.end) == (at("2026-11-30T18:15Z"), at("2026-11-30T19:00Z"))
    assert (first.period.name, second.period.name) == ("2026-11", "2026-12")


def test_an_hour_without_an_edge_is_one_slice() -> None:
    (whole,) = slices_of(at("2026-11-30T23:00Z"), ZoneInfo("UTC"))

    assert (whole.start, whole.end) == (at("2026-11-30T23:00Z"), at("2026-12-01T00:00Z"))


@pytest.mark.parametrize(
    "text",
    [
        "2026",
        "2026-1",
        "2026-13",
        "2026-00",
        "26-11",
        "x",
        "",
        "1999-12",
        "2026-11-01",
        "２０２６-11",
        "3000-01",
    ],
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_period(text, ZoneInfo("UTC"))


@given(
    st.sampled_from(ZONES),
    st.integers(0, 24 * 365 * 40).map(lambda h: datetime(2005, 1, 1, tzinfo=UTC) + h * HOUR),
)
def test_slices_cover_the_hour_and_each_lies_in_its_period(zone: str, hour: datetime) -> None:
    slices = slices_of(hour, ZoneInfo(zone))

    assert slices[0].start == hour
    assert slices[-1].end == hour + HOUR
    assert all(a.end == b.start for a, b in itertools.pairwise(slices))
    assert all(s.period.start <= s.start < s.end <= s.period.end for s in slices)


@given(st.sampled_from(ZONES), st.integers(2005, 2045), st.integers(1, 12))
def test_periods_follow_on_each_other_without_gap_or_overlap(
    zone: str, year: int, month: int
) -> None:
    timezone = ZoneInfo(zone)
    period = parse_period(f"{year}-{month:02}", timezone)

    assert period_of(period.end, timezone).start == period.end
    assert period_of(period.end - timedelta(seconds=1), timezone) == period


@given(st.sampled_from(ZONES), st.integers(2005, 2045), st.integers(1, 12))
def test_the_days_of_a_period_cover_it(zone: str, year: int, month: int) -> None:
    timezone = ZoneInfo(zone)
    period = parse_period(f"{year}-{month:02}", timezone)

    days = days_of(period, timezone)

    assert days[0].start == period.start
    assert days[-1].end == period.end
    assert all(a.end == b.start for a, b in itertools.pairwise(days))
    assert {day.date.month for day in days} == {month}
