"""Computes postings again, from intervals and rates, by other means than the hourly run. Pure.

Shares no arithmetic with it: no SQL, its own rounding, its own way through the hours. Per account
the edges of intervals are marked on a line of slices and summed up along it, so that the work
grows with images plus hours, not with images x hours. Instants are seconds since 1970.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from zoneinfo import ZoneInfo

from instance_images_billing.pricing.periods import Period, period_of
from instance_images_billing.pricing.rating import Interval, Rate

_UNIT_BYTES = {"GB": 1_000_000_000, "GiB": 1_073_741_824}


@dataclass(frozen=True, slots=True)
class Line:
    """The slices of a location's hours: ``[cuts[k], cuts[k + 1])`` is priced by ``rates[k]``.

    A slice without a rate is charged nothing.
    """

    cuts: Sequence[int]
    rates: Sequence[Rate | None]
    periods: Sequence[Period]

    def start_of(self, index: int) -> datetime:
        """Return the instant at which the slice begins."""
        return datetime.fromtimestamp(self.cuts[index], UTC)


def line_of(start: datetime, end: datetime, rates: Sequence[Rate], timezone: ZoneInfo) -> Line:
    """Cut the time between two full hours at every hour and at every edge of a period."""
    first, last = int(start.timestamp()), int(end.timestamp())
    edges = set(range(first, last, 3600))
    period = period_of(start, timezone)
    while period.end < end:
        edges.add(int(period.end.timestamp()))
        period = period_of(period.end, timezone)
    cuts = sorted(edges)
    in_order = sorted(rates, key=lambda rate: rate.from_hour)
    begins = [int(rate.from_hour.timestamp()) for rate in in_order]
    found_rates: list[Rate | None] = []
    found_periods: list[Period] = []
    period = period_of(start, timezone)
    for cut in cuts:
        while cut >= int(period.end.timestamp()):
            period = period_of(period.end, timezone)
        found_periods.append(period)
        index = bisect_right(begins, cut)
        found_rates.append(in_order[index - 1] if index else None)
    return Line([*cuts, last], found_rates, found_periods)


def byte_seconds_along(line: Line, intervals: Iterable[Interval]) -> list[int]:
    """Return the byte-seconds of an account's intervals in each slice of the line."""
    count = len(line.rates)
    parts, steps = [0] * (count + 1), [0] * (count + 2)
    for one in intervals:
        begin, end = _charged_seconds(line, one)
        if begin >= end:
            continue
        first, last = bisect_right(line.cuts, begin) - 1, bisect_right(line.cuts, end - 1) - 1
        if first == last:
            parts[first] += one.size_bytes * (end - begin)
            continue
        parts[first] += one.size_bytes * (line.cuts[first + 1] - begin)
        parts[last] += one.size_bytes * (end - line.cuts[last])
        steps[first + 1] += one.size_bytes
        steps[last] -= one.size_bytes
    stored = list(accumulate(steps))
    return [
        parts[k] + stored[k] * (line.cuts[k + 1] - line.cuts[k]) if line.rates[k] else 0
        for k in range(count)
    ]


def _charged_seconds(line: Line, one: Interval) -> tuple[int, int]:
    """Return the seconds that are charged, as far as they are on the line."""
    low, high = line.cuts[0], line.cuts[-1]
    begin = int(one.starts_at.timestamp())
    end = high if one.ends_at is None else int(one.ends_at.timestamp())
    if begin >= end:
        return low, low
    if not one.continues and _is_rounded_up(line, begin):
        begin -= begin % 3600
    if one.ends_at is not None and not one.is_continued and _is_rounded_up(line, end - 1):
        end += -end % 3600
    return max(begin, low), min(end, high)


def _is_rounded_up(line: Line, second: int) -> bool:
    if not line.cuts[0] <= second < line.cuts[-1]:
        return False
    rate = line.rates[bisect_right(line.cuts, second) - 1]
    return rate is not None and rate.partial_hour == "round_up"


def nanos_of(line: Line, index: int, byte_seconds: int) -> int:
    """Return the amount of byte-seconds in the slice, after the allowance, rounded half-even."""
    rate = line.rates[index]
    if rate is None:
        return 0
    return _nanos(byte_seconds, rate, line.periods[index], line.cuts[index + 1] - line.cuts[index])


@lru_cache(maxsize=100_000)
def _nanos(byte_seconds: int, rate: Rate, period: Period, duration: int) -> int:
    charged = max(byte_seconds - rate.free_bytes * duration, 0)
    if rate.hours_per_month == "calendar":
        hours = Fraction(int(period.end.timestamp()) - int(period.start.timestamp()), 3600)
    else:
        hours = Fraction(rate.hours_per_month)
    exact = Fraction(charged, _UNIT_BYTES[rate.unit] * 3600) * rate.price_nanos / hours
    floor, rest = divmod(exact.numerator, exact.denominator)
    twice = 2 * rest
    is_up = twice > exact.denominator or (twice == exact.denominator and floor % 2 == 1)
    return floor + is_up
