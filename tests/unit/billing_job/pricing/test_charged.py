"""Which minimum charge applies to a period, and what is missing to it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from instance_images_billing.pricing.charged import (
    BY_LAST_RATE,
    first_period_of_minimum,
    minimum_rate,
    missing_to_minimum,
)
from instance_images_billing.pricing.periods import parse_period
from instance_images_billing.pricing.rating import Rate

NOVEMBER = parse_period("2026-11", ZoneInfo("UTC"))


def rate(day: int, minimum: int, currency: str = "EUR", *, month: int = 11, hour: int = 0) -> Rate:
    from_hour = datetime(2026, month, day, hour, tzinfo=UTC)
    return Rate(
        location="L",
        from_hour=from_hour,
        price_nanos=1,
        currency=currency,
        unit="GB",
        hours_per_month="730",
        partial_hour="prorate",
        set_at=from_hour,
        minimum_nanos=minimum,
    )


@pytest.mark.parametrize(
    ("rates", "minimum"),
    [
        ([], None),
        ([rate(1, 3)], 3),
        ([rate(1, 3, month=10)], 3),
        ([rate(1, 3), rate(20, 5)], 3),
        ([rate(1, 3, month=10), rate(1, 5)], 5),
        ([rate(1, 3, month=10), rate(1, 5, hour=1)], 3),
        ([rate(20, 5)], 5),
        ([rate(20, 5), rate(25, 7)], 5),
        ([rate(1, 5, month=12)], None),
        ([rate(1, 3), rate(20, 5, "USD")], None),
        ([rate(1, 3), rate(20, 5, "USD"), rate(25, 7)], None),
        ([rate(1, 3, "USD", month=10), rate(1, 5)], 5),
        ([rate(1, 3), rate(1, 5, "USD", month=12)], 3),
    ],
)
def test_the_minimum_is_that_of_the_first_hour_that_has_a_rate(
    rates: list[Rate], minimum: int | None
) -> None:
    found = minimum_rate(rates, NOVEMBER)

    assert (found.minimum_nanos if found else None) == minimum


def test_where_a_month_begins_inside_an_hour_the_rate_of_that_hour_counts() -> None:
    november = parse_period("2026-11", ZoneInfo("Asia/Kathmandu"))  # from 18:15 UTC
    before, within = rate(31, 3, month=10, hour=18), rate(31, 5, month=10, hour=19)

    found = minimum_rate([before, within], november)

    assert found == before


@pytest.mark.parametrize(
    ("earlier", "new", "name"),
    [
        ([], rate(20, 5), "2026-11"),
        ([rate(1, 3)], rate(20, 5), "2026-12"),
        ([rate(1, 3)], rate(1, 5, month=12), "2026-12"),
        ([rate(1, 3)], rate(1, 5, month=12, hour=1), "2027-01"),
        ([rate(1, 3)], rate(20, 5, "USD"), "2026-12"),
    ],
)
def test_a_new_minimum_takes_effect_with_the_next_whole_period(
    earlier: list[Rate], new: Rate, name: str
) -> None:
    found = first_period_of_minimum([*earlier, new], new, ZoneInfo("UTC"))

    assert found.name == name


def test_a_period_that_was_closed_by_the_first_rule_has_the_minimum_of_its_last_rate() -> None:
    found = minimum_rate([rate(1, 3), rate(20, 5)], NOVEMBER, BY_LAST_RATE)

    assert found == rate(20, 5)


def test_a_minimum_asks_for_charged_usage() -> None:
    assert missing_to_minimum(10**9, 2, 5) == 3
    assert missing_to_minimum(10**9, 7, 5) == 0
    assert missing_to_minimum(10**9, 0, 5) == 0
    assert missing_to_minimum(10**9, 0, 5, BY_LAST_RATE) == 5
    assert missing_to_minimum(0, 0, 5, BY_LAST_RATE) == 0
