"""How long a location whose services fail is left alone."""

import pytest

from instance_images.worker.back_off import BackOff


def fail_again(back_off: BackOff, at_seconds: float, asked: float | None = None) -> float:
    return back_off.failed(
        "RegionOne", began_seconds=at_seconds, now_seconds=at_seconds, retry_after_seconds=asked
    )


def test_pauses_double_up_to_a_minute() -> None:
    back_off = BackOff()

    pauses = [fail_again(back_off, 100.0 * number) for number in range(9)]

    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


@pytest.mark.parametrize(("asked", "expected"), [(None, 1), (0, 1), (7, 7), (900, 900)])
def test_a_service_that_says_how_long_is_left_alone_so_long(
    asked: float | None, expected: float
) -> None:
    assert fail_again(BackOff(), 0, asked) == expected


def test_an_absurd_retry_after_stops_a_location_for_an_hour_at_most() -> None:
    assert fail_again(BackOff(), 0, 10**9) == 3600


def test_a_location_waits_until_its_pause_is_over_and_others_do_not() -> None:
    back_off = BackOff()
    fail_again(back_off, 10)

    assert back_off.waits("RegionOne", 10.9)
    assert not back_off.waits("RegionOne", 11)
    assert back_off.is_failing("RegionOne")
    assert not back_off.waits("RegionTwo", 10)


def test_checks_that_fail_together_count_once() -> None:
    back_off = BackOff()
    fail_again(back_off, 10)

    pause_seconds = back_off.failed("RegionOne", began_seconds=9.5, now_seconds=10.5)

    assert pause_seconds == 0.5  # what is left of the pause
    assert fail_again(back_off, 12) == 2


def test_a_success_ends_it_but_not_one_that_began_before_the_failure() -> None:
    back_off = BackOff()
    fail_again(back_off, 10)

    back_off.succeeded("RegionOne", began_seconds=9)
    assert back_off.is_failing("RegionOne")

    back_off.succeeded("RegionOne", began_seconds=11)
    assert not back_off.is_failing("RegionOne")
    assert fail_again(back_off, 20) == 1
