"""A million images in sums: held against an oracle in Fractions, which reads each by itself."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from instance_images.model.records import Account
from instance_images_billing.pricing.periods import Period, parse_period
from instance_images_billing.pricing.rating import Interval, Rate, charge_nanos, charged_range
from instance_images_reports.collect.cutoff import Cut, LocationCut
from instance_images_reports.trend.all_accounts.compute import changes_of, largest_changes
from instance_images_reports.trend.all_accounts.images import LaneSum, Piece
from instance_images_reports.trend.all_accounts.lanes import lanes_of
from instance_images_reports.trend.split import Charged, Usage, split_change, split_in_nanos

ZONE = ZoneInfo("UTC")
PERIODS = [parse_period(f"2026-{month:02}", ZONE) for month in (8, 9, 10, 11)]
START, END = PERIODS[0].start, PERIODS[-1].end
GB = 10**9


def rate(from_hour: datetime, price: int, **terms: str) -> Rate:
    return Rate(
        location="RegionOne",
        from_hour=from_hour,
        price_nanos=price,
        currency=terms.get("currency", "EUR"),
        unit=terms.get("unit", "GB"),
        hours_per_month=terms.get("hours_per_month", "730"),
        partial_hour=terms.get("partial_hour", "prorate"),
        set_at=from_hour,
    )


def cuts(rates: Sequence[Rate], until: datetime = END) -> list[Cut]:
    place = LocationCut("RegionOne", until, 0, rates)
    return [Cut(period, None, {"RegionOne": place}) for period in PERIODS]


def piece(
    image: str,
    starts: datetime,
    ends: datetime | None,
    size: int = GB,
    account: int = 1,
    **edges: bool,
) -> Piece:
    return Piece(
        image,
        account,
        size,
        int(starts.timestamp()),
        None if ends is None else int(ends.timestamp()),
        edges.get("continues", False),
        edges.get("is_continued", False),
    )


def summed(rates: Sequence[Rate], images: Sequence[Sequence[Piece]]) -> LaneSum:
    [lane] = lanes_of(cuts(rates))
    found = LaneSum(lane)
    for pieces in images:
        found.add(pieces)
    found.close()
    return found


def test_months_of_other_lengths_are_a_cause_of_their_own() -> None:
    # 730 EUR a GB and month of 730 hours: 1 EUR an hour. October 744 EUR, November 720 EUR.
    # "late" is stored from 15 November: new. "short": October 10 h, November 30 h: 20 EUR more.
    october, november = PERIODS[2].start, PERIODS[3].start
    found = summed(
        [rate(START, 730 * 10**9)],
        [
            [piece("always", START, None)],
            [piece("short", november - timedelta(hours=10), november + timedelta(hours=30))],
            [piece("late", november + timedelta(days=14), None)],
            [piece("gone", october, october + timedelta(hours=7))],
        ],
    )

    change = found.accounts[1]
    euros = 10**9
    assert (change.new, change.ended) == (16 * 24 * euros, -7 * euros)
    assert (change.duration, change.month_length) == ((20 - 24) * euros, -24 * euros)
    assert (change.price, change.volume) == (0, 0)
    assert change.nanos == (720 + 30 + 16 * 24 - 744 - 10 - 7) * euros
    assert found.images == [1, 1, 3, 3]
    assert [one.count for one in found.new[1:]] == [0, 2, 1]
    assert [one.count for one in found.ended[1:]] == [0, 1, 1]


def test_calendar_months_cost_the_same_and_say_so() -> None:
    # The rate counts calendar months: a GB costs 730 EUR in October and in November.
    # Price: (730/720 - 730/744) x (744 + 720) / 2; duration takes back the same.
    found = summed(
        [rate(START, 730 * 10**9, hours_per_month="calendar")], [[piece("a", START, None)]]
    )

    change = found.accounts[1]
    price = (Fraction(730, 720) - Fraction(730, 744)) * (744 + 720) / 2 * 10**9
    assert change.nanos == 0
    assert change.price == round(price)
    assert change.month_length == change.duration == -change.price


def test_amounts_beyond_64_bits_are_exact() -> None:
    # Ten thousand images of 9 EB at a million EUR: 10^4 x 9 x 10^9 GB x 10^6 EUR, in nanos.
    images = [[piece(str(number), START, None, size=9 * 10**18)] for number in range(10_000)]
    found = summed([rate(START, 10**15, hours_per_month="720")], images)

    [nanos] = [
        Fraction(used * stretch.weight, found.lane.parts_per_nano)
        for used, stretch in zip(found.byte_seconds, found.lane.stretches, strict=True)
        if stretch.period == 3
    ]
    assert nanos == 10**4 * 9 * 10**9 * 10**15


INSTANTS = st.integers(-90 * 86400, int((END - START).total_seconds()) - 1).map(
    lambda seconds: START + timedelta(seconds=seconds)
)
SIZES = st.integers(0, 2**62)


@st.composite
def any_image(draw: st.DrawFn) -> list[Piece]:
    """Draw an image that may be resized, given away or deleted, of one of three accounts."""
    edges = sorted(draw(st.lists(INSTANTS, min_size=1, max_size=4, unique=True)))
    is_open = draw(st.booleans()) or len(edges) == 1
    name, account = draw(st.uuids()), draw(st.integers(1, 3))
    ends = [*edges[1:], None] if is_open else edges[1:]
    last = len(ends) - 1
    return [
        piece(
            str(name),
            start,
            end,
            size=draw(SIZES),
            account=account,
            continues=number > 0,
            is_continued=number < last,
        )
        for number, (start, end) in enumerate(zip(edges, ends, strict=False))
    ]


@st.composite
def any_rates(draw: st.DrawFn) -> list[Rate]:
    hours = draw(st.lists(st.integers(0, 2900), min_size=1, max_size=3, unique=True))
    return [
        rate(
            START + timedelta(hours=hour),
            draw(st.integers(0, 10**15)),
            unit=draw(st.sampled_from(["GB", "GiB"])),
            hours_per_month=draw(st.sampled_from(["730", "672", "calendar"])),
            partial_hour=draw(st.sampled_from(["prorate", "round_up"])),
        )
        for hour in sorted(hours)
    ]


def usage_of(pieces: Sequence[Piece], rates: Sequence[Rate], period: Period) -> Usage | None:
    """Return what the image is charged for, by the rules of the ledger's own module."""
    byte_seconds = seconds = 0
    nanos = Fraction(0)
    ends = [*(one.from_hour for one in rates[1:]), END]
    for one, until in zip(rates, ends, strict=True):
        for each in pieces:
            interval = Interval(
                each.image_id,
                each.size_bytes,
                datetime.fromtimestamp(each.starts, UTC),
                None if each.ends is None else datetime.fromtimestamp(each.ends, UTC),
                each.continues,
                each.is_continued,
            )
            start, end = max(one.from_hour, period.start), min(until, period.end)
            found = charged_range(interval, one, start, end) if start < end else None
            if found:
                duration = int((found[1] - found[0]).total_seconds())
                byte_seconds += each.size_bytes * duration
                seconds += duration
                nanos += charge_nanos(each.size_bytes * duration, one, period)
    return Usage(byte_seconds, seconds, nanos) if byte_seconds else None


@given(st.lists(any_image(), max_size=5), any_rates())
def test_sums_are_those_of_the_images(images: list[list[Piece]], rates: list[Rate]) -> None:
    found = summed(rates, images)

    for number, period in enumerate(PERIODS):
        expected = [usage_of(pieces, rates, period) for pieces in images]
        nanos = sum(
            Fraction(used * stretch.weight, found.lane.parts_per_nano)
            for used, stretch in zip(found.byte_seconds, found.lane.stretches, strict=True)
            if stretch.period == number
        )
        assert nanos == sum(one.nanos for one in expected if one)
    price = new = Fraction(0)
    for pieces in images:
        was, now = (usage_of(pieces, rates, period) for period in PERIODS[-2:])
        if was and now:
            price += split_change(was, now).price
        elif now:
            new += now.nanos
    assert abs(sum(one.price for one in found.accounts.values()) - price) <= len(images)
    assert abs(sum(one.new for one in found.accounts.values()) - new) <= len(images)


@given(st.lists(any_image(), max_size=6), any_rates(), st.randoms(use_true_random=False))
def test_the_order_of_images_and_accounts_does_not_matter(
    images: list[list[Piece]], rates: list[Rate], random: object
) -> None:
    shuffled = list(images)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    accounts = {key: Account(str(key), "same name") for key in (3, 1, 2)}

    one, other = summed(rates, images), summed(rates, shuffled)

    assert one == other
    changes = changes_of(accounts, [one], {"1": 5}, {"2": 7})
    assert changes == changes_of(dict(sorted(accounts.items())), [other], {"1": 5}, {"2": 7})
    for each in changes:
        assert each.nanos == each.after - each.before
    assert largest_changes(changes) == largest_changes(changes[::-1])


@given(st.lists(any_image(), max_size=5), any_rates())
def test_an_image_of_one_size_is_added_as_any_other(
    images: list[list[Piece]], rates: list[Rate]
) -> None:
    [lane] = lanes_of(cuts(rates))
    one, other = LaneSum(lane), LaneSum(lane)
    for pieces in images:
        one.add(pieces)
        other.add_by_months(pieces)
    one.close()
    other.close()

    assert one.byte_seconds == other.byte_seconds
    assert one.images == other.images
    assert one.new[1:] == other.new[1:]
    assert (one.ended, one.grown) == (other.ended, other.grown)
    # Images of both whole months are split together by one of the ways, so rounded once.
    for key in one.accounts.keys() | other.accounts.keys():
        nanos, other_nanos = (
            found.accounts[key].nanos if key in found.accounts else 0 for found in (one, other)
        )
        assert abs(nanos - other_nanos) <= len(images)


CHARGES = st.builds(
    Charged, st.integers(1, 10**25), st.integers(1, 2_678_400), st.integers(0, 10**40)
)


@given(CHARGES, CHARGES, st.integers(1, 10**20))
def test_a_split_in_nanos_is_the_exact_one_rounded(was: Charged, now: Charged, unit: int) -> None:
    price, volume, duration = split_in_nanos(was, now, unit)

    exact = split_change(
        *(Usage(one.byte_seconds, one.seconds, Fraction(one.parts, unit)) for one in (was, now))
    )
    assert (price, duration) == (round(exact.price), round(exact.duration))
    assert abs(volume - exact.volume) <= 2
    assert price + volume + duration == round(Fraction(now.parts, unit)) - round(
        Fraction(was.parts, unit)
    )
