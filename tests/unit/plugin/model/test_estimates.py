"""How long a capture will still take follows from those of the same location before it."""

import pytest

from instance_images.model.estimates import (
    Basis,
    ExpectedSize,
    PastCapture,
    expected_size,
    seconds_left,
)

SERVER_A = PastCapture("a", False, 4_000, 40)
SERVER_B = PastCapture("b", False, 8_000, 20)
VOLUME = PastCapture("v", True, 900, 9)


def left(past: list[PastCapture], instance: str, elapsed: int = 0, volume: bool = False) -> object:
    return seconds_left(
        past, source_instance_id=instance, is_of_volume=volume, elapsed_seconds=elapsed
    )


def test_nothing_is_estimated_where_nothing_is_known() -> None:
    assert left([], "a") is None
    assert left([VOLUME], "a") is None


def test_an_instance_is_expected_to_be_as_large_as_the_last_time() -> None:
    past = [SERVER_A, SERVER_B, PastCapture("a", False, 12_000, 20)]

    # 24,000 bytes in 80 seconds are 300 a second: 4,000 bytes take 13.3 seconds, 8,000 take 26.7.
    assert left(past, "a") == 14
    assert left(past, "b") == 27


def test_another_instance_is_expected_to_be_of_mean_size() -> None:
    # 12,000 bytes in 60 seconds are 200 a second: the mean of 6,000 bytes takes 30 seconds.
    assert left([SERVER_A, SERVER_B], "c") == 30
    assert left([SERVER_A, SERVER_B], "c", elapsed=12) == 18


def test_a_capture_that_takes_longer_than_expected_has_nothing_left_rather_than_less() -> None:
    assert left([SERVER_A, SERVER_B], "c", elapsed=31) == 0


def test_volumes_are_estimated_by_volumes() -> None:
    assert left([SERVER_A, VOLUME], "v", volume=True) == 9


def test_captures_within_one_second_do_not_divide_by_zero() -> None:
    assert left([PastCapture("a", False, 10, 0)], "a") == 1


@pytest.mark.parametrize(
    ("past", "disk_bytes", "expected"),
    [
        ([SERVER_B, SERVER_A], 9_000, ExpectedSize(4_000, Basis.LAST_CAPTURE)),
        ([SERVER_B, PastCapture("c", False, 4_000, 1)], 9_000, ExpectedSize(6_000, Basis.SIMILAR)),
        ([SERVER_B], 5_000, ExpectedSize(5_000, Basis.SIMILAR)),
        ([SERVER_B], None, ExpectedSize(8_000, Basis.SIMILAR)),
        ([VOLUME], 9_000, ExpectedSize(9_000, Basis.DISK)),
        ([], None, ExpectedSize(None, Basis.DISK)),
    ],
)
def test_size_is_that_of_the_last_capture_or_of_similar_ones_or_of_the_disk(
    past: list[PastCapture], disk_bytes: int | None, expected: ExpectedSize
) -> None:
    found = expected_size(past, source_instance_id="a", is_of_volume=False, disk_bytes=disk_bytes)

    assert found == expected
