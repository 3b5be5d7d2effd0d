"""What a statement says beside its lines, with every amount worked out by hand beside its input."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from instance_images.model.records import Account
from instance_images_billing.pricing.charged import MinimumCharge, Posting
from instance_images_billing.pricing.corrections import HAND, LATE, Adjustment
from instance_images_billing.pricing.periods import days_of, parse_period
from instance_images_billing.pricing.rating import Interval, Rate
from instance_images_reports.statement.compute import state
from instance_images_reports.statement.location_ledger import BilledImage, LocationLedger
from instance_images_reports.statement.statement import Ending, Forecast, Previous, Section, Share

from support.statements import sample_statements as samples

UTC_ZONE = ZoneInfo("UTC")
NOVEMBER = parse_period("2026-11", UTC_ZONE)
OCTOBER = parse_period("2026-10", UTC_ZONE)
GB = 10**9
EUR = 10**9
HOUR = timedelta(hours=1)


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def rate(from_hour: datetime = NOVEMBER.start, euro_per_gb_hour: int = 1, **terms: object) -> Rate:
    """Make a rate of so many EUR for a GB and an hour."""
    made = Rate(
        location="RegionOne",
        from_hour=from_hour,
        price_nanos=730 * EUR * euro_per_gb_hour,
        currency="EUR",
        unit="GB",
        hours_per_month="730",
        partial_hour="prorate",
        set_at=from_hour,
    )
    return replace(made, **terms)  # type: ignore[arg-type]


def billed(
    name: str,
    start: datetime,
    end: datetime | None,
    *,
    gb: int = 1,
    location: str = "RegionOne",
    continues: bool = False,
    is_continued: bool = False,
) -> BilledImage:
    interval = Interval(
        image_id=name,
        size_bytes=gb * GB,
        starts_at=start,
        ends_at=end,
        continues=continues,
        is_continued=is_continued,
    )
    return BilledImage(
        image_id=f"id-{name}",
        name=name,
        location=location,
        source_instance_name="vm",
        interval=interval,
        source_instance_id=f"vm-{name}",
    )


def posted(start: datetime, gb_seconds: int, nanos: int | None = None) -> Posting:
    """Make a posting of an hour; without nanos at one EUR for a GB and an hour."""
    amount = gb_seconds * EUR // 3600 if nanos is None else nanos
    return Posting(1, start, gb_seconds * GB, amount)


def hours(start: datetime, count: int, gb: int = 1) -> list[Posting]:
    return [posted(start + number * HOUR, 3600 * gb) for number in range(count)]


def section(
    *ledgers: LocationLedger,
    period_state: str = "open",
    previous: Previous | None = None,
    digits: int = 2,
) -> Section:
    statement = state(
        account=Account("a", "acme"),
        period=NOVEMBER,
        timezone="UTC",
        currency="EUR",
        currency_digits=digits,
        ledgers=ledgers,
        days=days_of(NOVEMBER, UTC_ZONE),
        period_state=period_state,
        previous=previous,
    )
    [only] = statement.sections
    return only


def ledger(
    images: list[BilledImage],
    postings: list[Posting],
    until: datetime | None,
    rates: list[Rate] | None = None,
    location: str = "RegionOne",
    **more: object,
) -> LocationLedger:
    own = [rate()] if rates is None else rates
    return LocationLedger(
        location=location, metered_until=until, rates=own, images=images, postings=postings, **more
    )  # type: ignore[arg-type]


# ---------------------------------------------------------------------- endings


def endings(made: LocationLedger) -> list[tuple[str, Ending]]:
    return [(line.name, line.ending) for line in section(made).lines]


def test_an_image_that_goes_on_is_told_from_one_that_was_deleted() -> None:
    images = [billed("kept", at(2, 12), None), billed("gone", at(2, 12), at(2, 13))]

    found = endings(ledger(images, [posted(at(2, 12), 7200), posted(at(2, 13), 3600)], at(2, 14)))

    assert found == [("gone", Ending.DELETED), ("kept", Ending.STORED)]


def test_an_image_that_outlives_the_period_ends_with_it() -> None:
    last_hour = NOVEMBER.end - HOUR
    images = [
        billed("kept", last_hour, None),
        # Known only because the report is made later; the closed period must not change by it.
        billed("deleted at once after", last_hour, NOVEMBER.end),
        billed("deleted in december", last_hour, NOVEMBER.end + HOUR),
    ]

    made = ledger(images, [posted(last_hour, 3 * 3600)], NOVEMBER.end + 5 * HOUR)

    assert {ending for _, ending in endings(made)} == {Ending.PERIOD_ENDED}


def test_a_rate_change_ends_a_line_and_not_the_image() -> None:
    images = [billed("kept", at(2, 12), None), billed("gone", at(2, 12), at(2, 13))]
    rates = [rate(), rate(at(2, 13), 2)]
    postings = [posted(at(2, 12), 7200), posted(at(2, 13), 3600, 2 * EUR)]

    found = endings(ledger(images, postings, at(2, 14), rates))

    # 'gone' was deleted in the very second of the change.
    assert found == [
        ("gone", Ending.DELETED),
        ("kept", Ending.RATE_CHANGED),
        ("kept", Ending.STORED),
    ]


def test_another_size_and_another_owner_are_told_from_deletion() -> None:
    images = [
        billed("grown", at(2, 12), at(2, 13), is_continued=True),
        billed("grown", at(2, 13), None, gb=2, continues=True),
        billed("given away", at(2, 12), at(2, 13), is_continued=True),
    ]

    found = endings(ledger(images, [posted(at(2, 12), 7200), posted(at(2, 13), 7200)], at(2, 14)))

    assert found == [
        ("given away", Ending.OWNER_CHANGED),
        ("grown", Ending.SIZE_CHANGED),
        ("grown", Ending.STORED),
    ]


def test_a_last_hour_that_is_charged_whole_was_a_deletion_all_the_same() -> None:
    images = [billed("gone", at(2, 12, 10), at(2, 12, 20))]
    rates = [rate(partial_hour="round_up")]

    found = section(ledger(images, [posted(at(2, 12), 3600)], at(2, 13), rates))

    assert (found.lines[0].ending, found.deleted_count, found.stored_count) == (
        Ending.DELETED, 1, 0,
    )  # fmt: skip


# -------------------------------------------------------------------- subtotals


def test_subtotals_hold_lines_and_adjustments_and_add_up_to_the_section() -> None:
    # RegionOne: 2 images x 1 h, 2.00, less 0.50; RegionTwo: 3 GB x 1 h, 3.00. Together 4.50.
    one = ledger(
        [billed("a", at(2, 12), at(2, 13)), billed("b", at(2, 12), at(2, 13))],
        [posted(at(2, 12), 7200)],
        at(3),
        adjustments=[adjustment(-EUR // 2)],
        image_names={"id-old": "old name"},
    )
    two = ledger(
        [billed("c", at(2, 12), at(2, 13), gb=3, location="RegionTwo")],
        [posted(at(2, 12), 3 * 3600)],
        at(3),
        location="RegionTwo",
    )

    found = section(one, two)

    assert [(s.location, s.images_count, s.amount) for s in found.subtotals] == [
        ("RegionOne", 2, Decimal("1.50")),
        ("RegionTwo", 1, Decimal("3.00")),
    ]
    assert found.total == Decimal("4.50")
    first, second = found.by_location
    assert [line.name for line in first.lines] == ["a", "b"]
    assert [(each.name, each.amount) for each in first.adjustments] == [
        ("old name", Decimal("-0.50"))
    ]
    assert ([line.name for line in second.lines], second.adjustments) == (["c"], [])


def test_the_dearest_image_of_a_location_is_first_and_its_lines_stay_together() -> None:
    line = samples.plain().sections[0].lines[0]
    cheap, dear, same = (
        line._replace(image_id=name, name=name, amount=Decimal(amount))
        for name, amount in (("Cheap", "0.10"), ("dear", "0.30"), ("also cheap", "0.10"))
    )
    later = dear._replace(billable_from=dear.billable_from + timedelta(days=1))
    whole = samples.plain().sections[0]
    found = replace(whole, lines=[cheap, later, same, dear], adjustments=[])

    [part] = [one for one in found.by_location if one.lines]

    assert part.lines == [dear, later, same, cheap]


def adjustment(nanos: int, kind: str = HAND, gb_seconds: int = 0) -> Adjustment:
    """Make an adjustment of an hour on the first, counted on the second."""
    return Adjustment(
        account_key=1,
        image_id="id-old",
        corrects_at=at(1),
        counted_at=at(2),
        kind=kind,
        byte_seconds=gb_seconds * GB,
        amount_nanos=nanos,
        reason="outage",
        author="me",
        posted_at=at(2),
    )


# ----------------------------------------------------------------------- shares


def test_shares_are_those_of_images_whatever_their_lines_and_add_up_to_a_hundred() -> None:
    # 'a' and 'c' have two lines each, an hour at 1 EUR and an hour at 2 EUR; 'b' an hour at 1 EUR.
    # That is 3, 3 and 1 of 7: 428.57, 428.57 and 142.86 tenths of a percent. Rounded down they are
    # 998; the two largest remainders are that of 'b' and the first of the others.
    images = [
        billed("a", at(2, 12), at(2, 14)),
        billed("b", at(2, 12), at(2, 13)),
        billed("c", at(2, 12), at(2, 14)),
    ]
    postings = [posted(at(2, 12), 3 * 3600), posted(at(2, 13), 7200, 4 * EUR)]

    found = section(ledger(images, postings, at(3), [rate(), rate(at(2, 13), 2)]))

    assert [(s.name, s.amount, s.percent) for s in found.shares] == [
        ("a", Decimal("3.00"), Decimal("42.9")),
        ("c", Decimal("3.00"), Decimal("42.8")),
        ("b", Decimal("1.00"), Decimal("14.3")),
    ]


def test_ten_images_are_shown_and_the_others_together() -> None:
    # 12 images of 1 to 12 GB for an hour: 78 EUR. The smallest two have 1 + 2 = 3 of it: 3.846 %.
    images = [billed(f"i{gb:02}", at(2, 12), at(2, 13), gb=gb) for gb in range(1, 13)]

    found = section(ledger(images, [posted(at(2, 12), 78 * 3600)], at(3))).shares

    assert [share.name for share in found[:2]] == ["i12", "i11"]
    assert len(found) == 11
    assert found[-1] == Share(
        image_id="",
        name="",
        location="",
        images_count=2,
        amount=Decimal("3.00"),
        percent=Decimal("3.8"),
    )
    assert sum(share.percent for share in found) == 100


def test_an_eleventh_image_that_is_alone_keeps_its_name() -> None:
    images = [billed(f"i{gb:02}", at(2, 12), at(2, 13), gb=gb) for gb in range(1, 12)]

    found = section(ledger(images, [posted(at(2, 12), 66 * 3600)], at(3))).shares

    assert found[-1].images_count == 1
    assert found[-1].name == "i01"


def test_shares_of_the_same_charge_stand_by_name() -> None:
    images = [billed("Zoe", at(2, 12), at(2, 13)), billed("api", at(2, 13), at(2, 14))]

    found = section(
        ledger(images, [posted(at(2, 12), 3600), posted(at(2, 13), 3600)], at(3))
    ).shares

    assert [share.name for share in found] == ["api", "Zoe"]


def test_images_that_cost_nothing_have_no_shares() -> None:
    images = [billed("free", at(2, 12), at(2, 13))]

    found = section(ledger(images, [posted(at(2, 12), 3600, 0)], at(3), [rate(price_nanos=0)]))

    assert (found.shares, found.total) == ([], Decimal("0.00"))


# ------------------------------------------------------------------- comparison


@pytest.mark.parametrize(
    ("before_nanos", "total", "difference", "percent"),
    [
        (2 * EUR, "2.00", "1.00", "50.0"),
        (4 * EUR, "4.00", "-1.00", "-25.0"),
        (7 * EUR, "7.00", "-4.00", "-57.1"),
        (3_004_999_999, "3.00", "0.00", "0.0"),  # rounded as it was in its own report
        (3_005_000_000, "3.00", "0.00", "0.0"),  # a half goes to the even neighbour
        (3_015_000_000, "3.02", "-0.02", "-0.7"),
        (0, "0.00", "3.00", None),
        (-EUR, "-1.00", "4.00", None),
    ],
)
def test_the_period_before_is_compared_as_it_was_reported(
    before_nanos: int, total: str, difference: str, percent: str | None
) -> None:
    three = ledger([billed("a", at(2, 12), at(2, 15))], hours(at(2, 12), 3), at(3))

    found = section(three, previous=Previous(OCTOBER, before_nanos)).comparison

    assert found is not None
    assert (found.period, str(found.total)) == (OCTOBER, total)
    assert str(found.difference) == difference
    assert (None if found.percent is None else str(found.percent)) == percent


def test_nothing_is_compared_where_nothing_was_charged_before() -> None:
    assert section(ledger([], [], at(3))).comparison is None


# --------------------------------------------------------------------- forecast


def forecast(*ledgers: LocationLedger, period_state: str = "open") -> Forecast:
    found = section(*ledgers, period_state=period_state).forecast
    assert found is not None
    return found


def test_a_forecast_keeps_what_is_stored_until_the_period_ends() -> None:
    # Metered until noon of the 30th: 12 hours are left. 2 GB are stored, 5 GB were deleted.
    # 2 EUR and 5 EUR are charged for the last hour; 24 EUR are to come.
    images = [
        billed("kept", at(30, 11), None, gb=2),
        billed("gone", at(30, 11), at(30, 12), gb=5),
    ]

    found = forecast(ledger(images, [posted(at(30, 11), 7 * 3600)], at(30, 12)))

    assert found == Forecast(Decimal("31.00"), Decimal("7.00"), Decimal("24.00"), 1)


def test_a_forecast_follows_rates_that_are_set_already() -> None:
    # 12 hours are left: 6 at 1 EUR, 6 at 3 EUR.
    rates = [rate(), rate(at(30, 18), 3)]

    found = forecast(
        ledger([billed("kept", at(30, 11), None)], hours(at(30, 11), 1), at(30, 12), rates)
    )

    assert (found.total, found.expected) == (Decimal("25.00"), Decimal("24.00"))


def test_a_forecast_leaves_out_what_is_free_and_other_currencies() -> None:
    # 3 GB, 2 of them free, for 6 hours at 1 EUR; then the location charges in dollars.
    rates = [rate(free_bytes=2 * GB), rate(at(30, 18), 3, currency="USD")]
    images = [billed("kept", at(30, 11), None, gb=3)]

    found = forecast(ledger(images, [posted(at(30, 11), 3 * 3600, EUR)], at(30, 12), rates))

    assert (found.charged, found.expected) == (Decimal("1.00"), Decimal("6.00"))


def test_a_forecast_counts_the_images_of_its_currency_alone() -> None:
    # RegionOne went over to dollars when its metered hours ended, RegionTwo charges in EUR.
    rates = [rate(), rate(at(30, 12), 3, currency="USD")]
    one = ledger([billed("a", at(30, 11), None)], hours(at(30, 11), 1), at(30, 12), rates)
    two = ledger(
        [billed(name, at(30, 11), None, location="RegionTwo") for name in "bc"],
        hours(at(30, 11), 1, gb=2),
        at(30, 12),
        location="RegionTwo",
    )

    found, alone = forecast(one, two), forecast(one)

    assert (found.images_count, found.others_count) == (2, 1)
    assert (alone.images_count, alone.others_count) == (0, 1)


def test_a_forecast_adds_what_will_be_missing_to_the_minimum() -> None:
    # 1 EUR is charged, 12 EUR are to come, 20 EUR are the least. What was waived by hand stays
    # waived: 20 - 13 = 7 are missing, and 20 - 1 are the total. What was corrected late counts.
    rates = [rate(minimum_nanos=20 * EUR)]
    images = [billed("kept", at(30, 11), None)]
    waived = adjustment(-EUR)
    late = adjustment(2 * EUR, LATE, 7200)

    def total(*adjustments: Adjustment) -> Decimal:
        return forecast(
            ledger(images, hours(at(30, 11), 1), at(30, 12), rates, adjustments=adjustments)
        ).total

    assert total() == Decimal("20.00")
    assert total(waived) == Decimal("19.00")
    assert total(late) == Decimal("20.00")


def test_a_forecast_of_an_account_that_stores_nothing_adds_no_minimum() -> None:
    found = forecast(ledger([], [], at(30, 12), [rate(minimum_nanos=20 * EUR)]))

    assert found == Forecast(Decimal("0.00"), Decimal("0.00"), Decimal("0.00"), 0)


def test_a_location_that_is_metered_to_the_end_adds_nothing_to_a_forecast() -> None:
    # RegionOne is metered to the end, RegionTwo 12 hours behind with 1 GB.
    one = ledger([billed("a", at(30, 23), None)], hours(at(30, 23), 1), NOVEMBER.end)
    two = ledger(
        [billed("b", at(30, 11), None, location="RegionTwo")],
        hours(at(30, 11), 1),
        at(30, 12),
        location="RegionTwo",
    )

    found = forecast(one, two)

    assert (found.total, found.charged) == (Decimal("14.00"), Decimal("2.00"))


def test_a_ledger_behind_the_period_forecasts_all_of_it() -> None:
    # Metered until the middle of October: 720 hours of November at 1 EUR are to come.
    october = datetime(2026, 10, 15, tzinfo=UTC)

    found = forecast(ledger([billed("kept", october, None)], [], october, [rate(october)]))

    assert (found.charged, found.expected) == (Decimal("0.00"), Decimal("720.00"))


def test_nothing_is_forecast_of_a_period_that_is_metered_or_closed() -> None:
    images, last = [billed("a", at(30, 23), None)], hours(at(30, 23), 1)
    whole = ledger(images, last, NOVEMBER.end)

    assert section(whole).forecast is None
    assert section(whole, period_state="closed").forecast is None


# ------------------------------------------------------------------- thresholds


def test_days_and_lines_are_at_the_full_rate_and_what_is_free_stands_beside() -> None:
    # 3 GB for the last two hours of a day and the first of the next; 2 GB are free.
    rates = [rate(free_bytes=2 * GB)]
    images = [billed(f"web-{n}", at(2, 22), at(3, 1)) for n in range(3)]
    charged = [posted(at(2, 22) + n * HOUR, 3 * 3600, EUR) for n in range(3)]

    found = section(ledger(images, charged, at(4), rates))

    by_day = {day.day.day: str(day.amount_exact) for day in found.days if day.amount_exact}
    assert by_day == {2: "6.000000000", 3: "3.000000000"}
    (allowance,) = found.adjustments
    days = sum(day.amount_exact for day in found.days)
    assert days == sum(line.amount_exact for line in found.lines)
    assert days + allowance.amount_exact == found.total == 3


def test_allowance_and_minimum_say_what_was_set() -> None:
    # 3 GB for an hour, 2 of them free: 3.00 - 2.00, and 4.00 to the minimum of 5.00.
    rates = [rate(free_bytes=2 * GB, minimum_nanos=5 * EUR)]
    missing = MinimumCharge(1, "2026-11", NOVEMBER.end - HOUR, 4 * EUR, NOVEMBER.end)
    images = [billed("a", at(2, 12), at(2, 13), gb=3)]

    found = section(
        ledger(images, [posted(at(2, 12), 3 * 3600, EUR)], NOVEMBER.end, rates, minimums=[missing])
    )

    free, least = found.adjustments
    assert (free.kind, free.threshold, free.unit, free.amount) == ("allowance", 2, "GB", -2)
    assert (least.kind, least.threshold, least.amount) == ("minimum", 5, 4)
    assert found.total == Decimal("5.00")
