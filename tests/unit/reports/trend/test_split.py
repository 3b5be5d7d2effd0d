"""The split of a change into price, volume and duration, worked out by hand beside the input."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from instance_images_reports.trend.split import Split, Usage, split_change

GB_HOUR = 10**9 * 3600
HOUR = 3600


def usage(gigabytes: int, hours: int, price: int) -> Usage:
    """Return the usage of an image; ``price`` is in nanos for a GB and hour."""
    return Usage(
        byte_seconds=gigabytes * hours * GB_HOUR,
        seconds=hours * HOUR,
        nanos=Fraction(gigabytes * hours * price),
    )


def test_only_the_price_rises() -> None:
    # 10 GB x 100 h: at 2 it is 2000, at 3 it is 3000.
    split = split_change(usage(10, 100, price=2), usage(10, 100, price=3))

    assert split == Split(price=Fraction(1000), volume=Fraction(0), duration=Fraction(0))


def test_only_the_volume_rises() -> None:
    # 10 GB and then 15 GB, 100 h at 2: 2000 and 3000.
    split = split_change(usage(10, 100, price=2), usage(15, 100, price=2))

    assert split == Split(price=Fraction(0), volume=Fraction(1000), duration=Fraction(0))


def test_only_the_duration_falls() -> None:
    # 10 GB at 2 for 100 h and then 40 h: 2000 and 800.
    split = split_change(usage(10, 100, price=2), usage(10, 40, price=2))

    assert split == Split(price=Fraction(0), volume=Fraction(0), duration=Fraction(-1200))


def test_two_factors_share_what_they_make_together() -> None:
    # 10 GB at 2, then 15 GB at 3, 100 h each: 2000 and 4500, which is 2500 more.
    # Price first: (3 - 2) x 10 x 100 = 1000; price last: (3 - 2) x 15 x 100 = 1500. Mean 1250.
    # Volume first: 2 x 5 x 100 = 1000; volume last: 3 x 5 x 100 = 1500. Mean 1250.
    split = split_change(usage(10, 100, price=2), usage(15, 100, price=3))

    assert split == Split(price=Fraction(1250), volume=Fraction(1250), duration=Fraction(0))


def test_three_factors_share_what_they_make_together() -> None:
    # From 1 GB x 1 h at 1 to 2 GB x 3 h at 4: from 1 to 24, which is 23 more.
    # Price, +3, times (1x1 + 2x3) / 3 + (1x3 + 2x1) / 6 = 7/3 + 5/6 = 19/6: 9.5.
    # Volume, +1, times (1x1 + 4x3) / 3 + (1x3 + 4x1) / 6 = 13/3 + 7/6 = 33/6: 5.5.
    # Duration, +2, times (1x1 + 4x2) / 3 + (1x2 + 4x1) / 6 = 9/3 + 6/6 = 4: 8.
    split = split_change(usage(1, 1, price=1), usage(2, 3, price=4))

    assert split == Split(price=Fraction(19, 2), volume=Fraction(11, 2), duration=Fraction(8))
    assert split.total == 23


def test_new_and_ended_images_change_the_volume() -> None:
    there = usage(10, 100, price=2)

    assert split_change(None, there) == Split(Fraction(0), Fraction(2000), Fraction(0))
    assert split_change(there, None) == Split(Fraction(0), Fraction(-2000), Fraction(0))


def test_free_usage_that_gets_a_price_changes_the_price_alone() -> None:
    split = split_change(usage(10, 100, price=0), usage(10, 100, price=2))

    assert split == Split(price=Fraction(2000), volume=Fraction(0), duration=Fraction(0))


USAGES = st.builds(
    Usage,
    byte_seconds=st.integers(1, 10**20),
    seconds=st.integers(1, 2_678_400),
    nanos=st.fractions(min_value=0, max_value=10**15),
)


@given(st.one_of(st.none(), USAGES), st.one_of(st.none(), USAGES))
def test_the_parts_add_up_exactly(before: Usage | None, after: Usage | None) -> None:
    split = split_change(before, after)

    assert split.total == (after.nanos if after else 0) - (before.nanos if before else 0)


@given(USAGES, USAGES)
def test_the_change_back_has_the_opposite_parts(one: Usage, other: Usage) -> None:
    there, back = split_change(one, other), split_change(other, one)

    assert (back.price, back.volume, back.duration) == (
        -there.price,
        -there.volume,
        -there.duration,
    )
