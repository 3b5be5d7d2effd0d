"""What a ledger has to hold, worked out in Fractions from the lives of the images alone.

Shares no code with the product. Instants are whole seconds after a START that is a full hour.
"""

import itertools
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo


@dataclass
class ImageLife:
    """An image: when it begins and ends, and what it is from which second on."""

    begins: int
    states: dict[int, tuple[str, int]]  # second: account and size
    ends: int | None = None


@dataclass
class Terms:
    """The provider's terms; ``prices`` are (first second, nanos)."""

    zone: str
    partial_hour: str
    hours_per_month: str
    free_bytes: int
    prices: list[tuple[int, int]] = field(default_factory=list)


def pieces(life: ImageLife, until: int, partial_hour: str) -> list[tuple[str, int, int, int]]:
    """Return account, size, begin and end of the parts that are charged, up to ``until``."""
    ends = until if life.ends is None else life.ends
    if ends <= life.begins:
        return []
    starts = sorted(max(second, life.begins) for second in life.states)
    states = {max(second, life.begins): state for second, state in sorted(life.states.items())}
    found = []
    for low, high in itertools.pairwise([*sorted(set(starts)), ends]):
        if low < min(high, ends):
            found.append([*states[low], low, min(high, ends)])
    if partial_hour == "round_up" and found:
        found[0][2] = found[0][2] // 3600 * 3600
        if life.ends is not None:
            found[-1][3] = -(-found[-1][3] // 3600) * 3600
    return [(a, s, b, min(e, until)) for a, s, b, e in found]


def month_edges(start: datetime, zone: str) -> list[int]:
    """Return where the months around START begin, in seconds after it."""
    first = datetime(start.year, start.month, 1)  # noqa: DTZ001
    months = [first.year * 12 + first.month - 1 + shift for shift in range(-1, 5)]
    return [
        int(
            datetime(month // 12, month % 12 + 1, 1, tzinfo=ZoneInfo(zone)).timestamp()
            - start.timestamp()
        )
        for month in months
    ]


def expected(
    lives: list[ImageLife], terms: Terms, start: datetime, until: int
) -> dict[tuple[str, int], tuple[int, int]]:
    """Return byte-seconds and nanos by account and the second at which a slice begins."""
    months = month_edges(start, terms.zone)
    cuts = sorted({*range(0, until + 1, 3600), *(m for m in months if 0 < m < until)})
    charged = [piece for life in lives for piece in pieces(life, until, terms.partial_hour)]
    found = {}
    for low, high in itertools.pairwise(cuts):
        used: dict[str, int] = {}
        for account, size, begin, end in charged:
            overlap = min(end, high) - max(begin, low)
            if overlap > 0:
                used[account] = used.get(account, 0) + size * overlap
        for account, byte_seconds in used.items():
            nanos = amount(byte_seconds, terms, low, high, months)
            found[account, low] = (byte_seconds, nanos)
    return found


def amount(byte_seconds: int, terms: Terms, low: int, high: int, months: list[int]) -> int:
    """Return the nanos of an account's slice, rounded half to even."""
    price = [nanos for second, nanos in terms.prices if second <= low][-1]
    if terms.hours_per_month == "calendar":
        begin = max(month for month in months if month <= low)
        hours = Fraction(min(month for month in months if month > low) - begin, 3600)
    else:
        hours = Fraction(int(terms.hours_per_month))
    rest = max(0, byte_seconds - terms.free_bytes * (high - low))
    exact = Fraction(rest * price, 10**9 * 3600) / hours
    floor = exact.numerator // exact.denominator
    over = exact - floor
    return floor + (over > Fraction(1, 2) or (over == Fraction(1, 2) and floor % 2 == 1))
