"""Instants: aware UTC datetimes in whole seconds, and the hours that they fall into.

The one module that parses and prints time, and the one place where the clock is read. Ranges are
half-open everywhere, ``[start, end)``: an hour belongs to the instant at which it starts.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

HOUR = timedelta(hours=1)
_TWO = [f"{number:02}" for number in range(60)]  # isoformat takes five times as long

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the current instant, rounded down to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def floor_hour(instant: datetime) -> datetime:
    """Return the start of the UTC hour that ``instant`` falls into."""
    return instant.replace(minute=0, second=0, microsecond=0)


def ceil_hour(instant: datetime) -> datetime:
    """Return ``instant`` if it is a full UTC hour, else the start of the next one."""
    floor = floor_hour(instant)
    return floor if floor == instant else floor + HOUR


def parse_instant(text: str) -> datetime:
    """Parse ISO 8601 with an offset, such as ``2026-11-23T12:00Z``; fractions are cut off.

    Raises ValueError where the text is no instant or leaves its offset open.
    """
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError(
            f"{text!r} is not an instant: write it as in 2026-11-23T12:00:00Z"
        ) from error
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no offset: add Z for UTC, as in 2026-11-23T12:00:00Z")
    try:
        return instant.astimezone(UTC).replace(microsecond=0)
    except OverflowError as error:
        raise ValueError(f"{text!r} is outside the calendar") from error


def parse_hour(text: str) -> datetime:
    """Parse an instant that must be a full UTC hour."""
    instant = parse_instant(text)
    if instant != floor_hour(instant):
        raise ValueError(f"{text!r} is not a full hour: write it as in 2026-11-23T12:00:00Z")
    return instant


@lru_cache(20_000)
def format_instant(instant: datetime) -> str:
    """Print an aware instant as ``2026-11-23T12:00:00Z``."""
    if instant.tzinfo is not UTC:
        instant = instant.astimezone(UTC)
    hour, minute, second = _TWO[instant.hour], _TWO[instant.minute], _TWO[instant.second]
    return f"{_day_text(instant.toordinal())}T{hour}:{minute}:{second}Z"


@lru_cache(1024)
def _day_text(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()
