"""The trend of two months, with every number worked out by hand beside its input.

A GB and hour costs 1 EUR in October and 2 EUR in November; a month is 730 hours.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from instance_images.model.records import Account
from instance_images_billing.pricing.periods import Period, parse_period
from instance_images_reports.statement.statement import Ending, Line, Section, Statement
from instance_images_reports.trend.compute import in_currency_digits, trend_of
from instance_images_reports.trend.formats import render_trend
from instance_images_reports.trend.trend import ImageFacts, Stated, Trend

ZONE = ZoneInfo("UTC")
SEPTEMBER, OCTOBER, NOVEMBER = (parse_period(f"2026-{month:02}", ZONE) for month in (9, 10, 11))
AHEAD = [parse_period(name, ZONE) for name in ("2026-12", "2027-01", "2027-02")]
IDLE_SINCE = datetime(2026, 9, 1, tzinfo=UTC)
GB = 10**9


def line(
    name: str,
    period: Period,
    *,
    gigabytes: int = 1,
    hours: int = 10,
    price: int = 1,
    ending: Ending = Ending.PERIOD_ENDED,
    begins: int = 0,
) -> Line:
    start = period.start + timedelta(hours=begins)
    amount = Decimal(gigabytes * hours * price)
    return Line(
        image_id=f"id-{name}",
        name=name,
        location="RegionOne",
        source_instance_id="vm-id",
        source_instance_name="vm",
        size_bytes=gigabytes * GB,
        billable_from=start,
        billable_until=start + timedelta(hours=hours),
        billable_seconds=hours * 3600,
        ending=ending,
        unit="GB",
        unit_hours=Decimal(gigabytes * hours),
        rate=Decimal(730 * price),
        hours_per_month="730",
        partial_hour="prorate",
        amount_exact=amount.quantize(Decimal("1e-9")),
        amount=amount.quantize(Decimal("0.01")),
    )


def statement(period: Period, *lines: Line, total: str | None = None) -> Statement:
    amount = sum((one.amount for one in lines), Decimal("0.00"))
    whole = Decimal(total) if total is not None else amount
    section = Section(
        name="images", title="Images", total=whole, lines=lines, adjustments=(), days=(), unit="GB"
    )
    return Statement(
        account=Account("a", "demo"),
        period=period,
        timezone="UTC",
        period_state="closed",
        currency="EUR",
        metered_until=period.end,
        total=whole,
        sections=(section,),
    )


def trend(*statements: Statement, facts: dict[str, ImageFacts] | None = None) -> Trend:
    stated = [Stated(one, is_whole=True) for one in statements]
    return trend_of(stated, AHEAD, facts or {}, IDLE_SINCE, 2)


def test_the_parts_of_the_change_add_up_to_it() -> None:
    # kept: October 1 GB x 10 h x 1 = 10, November 2 GB x 10 h x 2 = 40, so 30 more:
    #   price first (2-1) x 10 = 10, last (2-1) x 20 = 20, mean 15; volume alike, 15.
    # gone: 5 in October. new: 3 GB x 2 h x 2 = 12 in November.
    # Adjustments bring the totals from 15 to 14 and from 52 to 50.
    october = statement(
        OCTOBER, line("kept", OCTOBER), line("gone", OCTOBER, hours=5), total="14.00"
    )
    november = statement(
        NOVEMBER,
        line("kept", NOVEMBER, gigabytes=2, price=2),
        line("new", NOVEMBER, gigabytes=3, hours=2, price=2),
        total="50.00",
    )

    bridge = trend(statement(SEPTEMBER), october, november).bridge

    assert (bridge.before, bridge.after, bridge.change) == (14, 50, 36)
    assert (bridge.new, bridge.ended) == (12, -5)
    assert (bridge.price, bridge.volume, bridge.duration) == (15, 15, 0)
    assert bridge.other == -1  # -1 in October, -2 in November


def test_an_image_that_ended_is_a_cause_of_its_own() -> None:
    # deleted: 10 h in October, 4 in November, 6 EUR less. longer: deleted too, but after 7 h where
    # it had 5; paused: 10 h and 9, still there. brief: new and deleted, 3 EUR.
    october = statement(
        OCTOBER,
        line("deleted", OCTOBER),
        line("longer", OCTOBER, hours=5),
        line("paused", OCTOBER),
    )
    november = statement(
        NOVEMBER,
        line("deleted", NOVEMBER, hours=4, ending=Ending.DELETED),
        line("longer", NOVEMBER, hours=7, ending=Ending.OWNER_CHANGED),
        line("paused", NOVEMBER, hours=9, begins=1),
        line("brief", NOVEMBER, hours=3, ending=Ending.DELETED),
    )

    found = trend(statement(SEPTEMBER), october, november)

    bridge = found.bridge
    assert (bridge.cut_short, bridge.cut_short_count) == (-6, 1)
    assert (bridge.duration, bridge.stored_time, bridge.month_length) == (-5, 1, 0)
    assert bridge.new == 3
    assert [one.name for one in found.movers if one.has_ended] == ["deleted", "brief", "longer"]


def test_movers_are_sorted_by_their_change() -> None:
    october = statement(OCTOBER, line("kept", OCTOBER), line("gone", OCTOBER, hours=5))
    november = statement(
        NOVEMBER,
        line("kept", NOVEMBER, hours=12),
        line("new", NOVEMBER, hours=4),
    )

    found = trend(statement(SEPTEMBER), october, november)

    assert [(one.name, one.kind, one.change, one.volume, one.duration) for one in found.movers] == [
        ("gone", "ended", -5, -5, 0),
        ("new", "new", 4, 4, 0),
        ("kept", "kept", 2, 0, 2),
    ]


def test_a_period_has_quantities_and_shares() -> None:
    # 73 GB x 10 h = 730 GB-hours = 1 GB-month, which costs 730; 1 GB x 73 h = 0.1 GB-months, 73.
    # 803 in all for 1.1 GB-months: 730 each. The share of the new image is 73 / 803 = 9.09 %.
    october = statement(OCTOBER, line("big", OCTOBER, gigabytes=73))
    november = statement(
        NOVEMBER,
        line("big", NOVEMBER, gigabytes=73, ending=Ending.DELETED),
        line("small", NOVEMBER, hours=73),
    )

    one = trend(statement(SEPTEMBER), october, november).periods[-1]

    assert (one.unit_months, one.price, one.images_count) == (Decimal("1.1"), 730, 2)
    assert (one.new.count, one.new.percent) == (1, Decimal("9.1"))
    assert (one.ended.count, one.ended.percent) == (1, Decimal("90.9"))
    assert one.grown.count == 0


def test_an_image_grows_within_a_period_and_between_two() -> None:
    october = statement(
        OCTOBER,
        line("within", OCTOBER, hours=5, ending=Ending.SIZE_CHANGED),
        line("within", OCTOBER, gigabytes=2, hours=5, begins=5),
        line("between", OCTOBER),
    )
    november = statement(
        NOVEMBER, line("within", NOVEMBER, gigabytes=2), line("between", NOVEMBER, gigabytes=3)
    )

    found = trend(statement(SEPTEMBER), october, november)

    assert [one.grown.count for one in found.periods] == [1, 1]


def test_idle_images_are_old_and_not_deployed_from() -> None:
    # 730 EUR a GB and month: "idle" costs 2 x 730 = 1460 a month. "deleted" is gone since then.
    names = ("idle", "deployed", "young", "deleted")
    november = statement(NOVEMBER, *(line(name, NOVEMBER, gigabytes=2) for name in names))
    old, recent = IDLE_SINCE - timedelta(days=9), IDLE_SINCE + timedelta(days=9)
    facts = {
        "id-idle": ImageFacts(old, old),
        "id-deployed": ImageFacts(old, recent),
        "id-young": ImageFacts(recent, None),
    }

    found = trend(statement(SEPTEMBER), statement(OCTOBER), november, facts=facts)

    assert [one.name for one in found.idle] == ["idle"]
    assert found.saving == Decimal("1460.00")
    assert [one.name for one in found.oldest] == ["deployed", "idle", "young"]
    assert found.stored_count == 3


def test_people_are_shown_the_dearest_idle_images() -> None:
    names = [f"image-{number:02}" for number in range(60)]
    november = statement(
        NOVEMBER,
        *(line(name, NOVEMBER, gigabytes=1 + index) for index, name in enumerate(names)),
    )
    facts = {f"id-{name}": ImageFacts(IDLE_SINCE, None) for name in names}

    found = trend(statement(SEPTEMBER), statement(OCTOBER), november, facts=facts)
    text = render_trend("text", found).decode()

    # 1 + 2 + ... + 60 = 1830 GB, at 730 EUR a GB and month.
    assert (len(found.idle), found.saving) == (60, Decimal("1335900.00"))
    assert "60 images were not deployed from" in text
    assert "The 50 dearest images are shown" in text
    idle = text.partition("Idle images")[2].partition("Largest images")[0]
    assert ("image-10" in idle, "image-09" in idle) == (True, False)


def test_the_forecast_rests_on_whole_periods() -> None:
    # 10, 20, 40: 15 a month. September is compared with and counts as well.
    def stated(period: Period, hours: int, *, is_whole: bool = True) -> Stated:
        return Stated(statement(period, line("image", period, hours=hours)), is_whole)

    three = [stated(SEPTEMBER, 10), stated(OCTOBER, 20), stated(NOVEMBER, 40)]
    found = trend_of(three, AHEAD, {}, IDLE_SINCE, 2).outlook

    assert found is not None
    assert [amount for _, amount in found.amounts] == [55, 70, 85]
    assert found.mean_error == 10  # 10 and 20 gave 30
    open_month = [*three[:2], stated(NOVEMBER, 40, is_whole=False)]
    assert trend_of(open_month, AHEAD, {}, IDLE_SINCE, 2).outlook is None


def test_an_image_of_no_byte_is_no_mover() -> None:
    october = statement(OCTOBER, line("empty", OCTOBER, gigabytes=0))
    november = statement(NOVEMBER, line("empty", NOVEMBER, gigabytes=0))

    assert trend(statement(SEPTEMBER), october, november).movers == []


SIZES = st.integers(1, 10**13)
LINES = st.lists(
    st.tuples(st.sampled_from("abcd"), SIZES, st.integers(1, 2_678_400), st.integers(0, 10**15)),
    max_size=6,
)


def any_statement(period: Period, drawn: list[tuple[str, int, int, int]], total: int) -> Statement:
    base = line("image", period)
    lines = [
        base._replace(
            image_id=name,
            name=name,
            size_bytes=size,
            billable_from=period.start + timedelta(seconds=index),
            billable_seconds=seconds,
            amount_exact=Decimal(nanos).scaleb(-9),
        )
        for index, (name, size, seconds, nanos) in enumerate(drawn)
    ]
    return statement(period, *lines, total=str(Decimal(total).scaleb(-2)))


@example([("a", 7, 3, 10**15 - 3)], [("a", 10**13 - 29, 2_678_399, 0)], 0, 0)  # more than 28 digits
@given(LINES, LINES, st.integers(0, 10**9), st.integers(0, 10**9))
def test_parts_add_up_whatever_the_lines_are(
    october: list[tuple[str, int, int, int]],
    november: list[tuple[str, int, int, int]],
    before: int,
    after: int,
) -> None:
    found = trend(
        statement(SEPTEMBER),
        any_statement(OCTOBER, october, before),
        any_statement(NOVEMBER, november, after),
    )

    parts = found.bridge
    assert parts.change == (
        parts.new + parts.ended + parts.volume + parts.duration + parts.price + parts.other
    )
    with localcontext() as exact:
        exact.prec = 60  # parts of a change may be far larger than what is charged
        for one in found.movers:
            for shown in (one, in_currency_digits(one, found)):
                assert shown.change == shown.price + shown.volume + shown.duration
            assert one.change == one.after - one.before
