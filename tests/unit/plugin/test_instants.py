"""Instants are aware, in UTC, in whole seconds."""

from datetime import UTC, datetime

import pytest

from instance_images.instants import (
    ceil_hour,
    floor_hour,
    format_instant,
    parse_hour,
    parse_instant,
    system_clock,
)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T12:00:00Z",
        "2026-11-23T12:00Z",
        "2026-11-23T13:00+01:00",
        "2026-11-23T12:00:00.999Z",
        " 20261123T1200Z ",
    ],
)
def test_the_same_instant_is_read_from_every_way_to_write_it(text: str) -> None:
    assert format_instant(parse_instant(text)) == "2026-11-23T12:00:00Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-23",
        "2026-11-23T12:00",
        "2026-13-01T00:00Z",
        "2026-11-23T24:01Z",
        "0001-01-01T00:00+14:00",
    ],
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^'"):
        parse_instant(text)


@pytest.mark.parametrize(
    "text", ["2026-11-23T12:00:01Z", "2026-11-23T12:30Z", "2026-11-23T12:00+05:45"]
)
def test_what_is_no_full_hour_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^'"):
        parse_hour(text)


def test_an_hour_begins_at_its_own_start() -> None:
    noon, later = (
        datetime(2026, 11, 23, 12, tzinfo=UTC),
        datetime(2026, 11, 23, 12, 0, 1, tzinfo=UTC),
    )

    assert floor_hour(noon) == ceil_hour(noon) == floor_hour(later) == noon
    assert ceil_hour(later) == datetime(2026, 11, 23, 13, tzinfo=UTC)


def test_the_clock_shows_whole_seconds_in_utc() -> None:
    now = system_clock()

    assert now.tzinfo is UTC
    assert now.microsecond == 0
