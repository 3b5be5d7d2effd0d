"""Adds up a million images, one after the other, into what a trend shows of them. Pure.

Holds sums of lanes and of accounts, never images. Images may come in any order; all intervals of
one image come together.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import NamedTuple

from instance_images_reports.trend.all_accounts.lanes import Lane, Stretch
from instance_images_reports.trend.split import Charged, quotient, split_in_nanos

_HOUR = 3600


class Piece(NamedTuple):
    """An interval of an image as the ledger has it; instants are seconds since 1970."""

    image_id: str
    account_key: int
    size_bytes: int
    starts: int
    ends: int | None
    continues: bool
    is_continued: bool


@dataclass(slots=True)
class Month:
    """One image in one period: what it is charged for, its first size and its last."""

    first_size: int
    last_size: int
    byte_seconds: int = 0
    seconds: int = 0
    parts: int = 0
    has_ended: bool = False


@dataclass(slots=True)
class GroupSum:
    """How many images of a group there are in a period, and what they cost in parts of a nano."""

    count: int = 0
    parts: int = 0

    def add(self, parts: int, count: int = 1) -> None:
        """Add an image, or several."""
        self.count += count
        self.parts += parts


@dataclass(slots=True)
class ChangeSum:
    """The change of the images of an account, or of all, in nanos by cause.

    ``whole_bytes`` are those of images that were stored all of both periods in one size: their
    change follows from their bytes, so they are split together, once all are known.
    """

    new: int = 0
    new_count: int = 0
    ended: int = 0
    ended_count: int = 0
    price: int = 0
    volume: int = 0
    duration: int = 0
    month_length: int = 0
    cut_short: int = 0
    cut_short_count: int = 0
    whole_bytes: int = 0

    @property
    def nanos(self) -> int:
        """The change of all images together."""
        return self.new + self.ended + self.price + self.volume + self.duration

    def add_split(
        self, split: tuple[int, int, int], *, is_whole: bool, has_ended: bool = False
    ) -> None:
        """Add price, volume and duration of images that were charged in both periods.

        ``has_ended``: they ended in the last one.
        """
        price, volume, duration = split
        self.price += price
        self.volume += volume
        self.duration += duration
        if is_whole:
            self.month_length += duration
        elif has_ended and duration < 0:
            self.cut_short += duration
            self.cut_short_count += 1

    def add(self, other: "ChangeSum") -> None:
        """Add the change of other images."""
        for name in ("new", "new_count", "ended", "ended_count", "price", "volume", "duration"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.month_length += other.month_length
        self.cut_short += other.cut_short
        self.cut_short_count += other.cut_short_count


@dataclass(slots=True)
class LaneSum:
    """What the images of a lane come to: by stretch, by period, and by the key of the account."""

    lane: Lane
    byte_seconds: list[int] = field(init=False)
    images: list[int] = field(init=False)
    new: list[GroupSum] = field(init=False)
    ended: list[GroupSum] = field(init=False)
    grown: list[GroupSum] = field(init=False)
    accounts: dict[int, ChangeSum] = field(default_factory=dict)
    # Images that were stored from the first second to the last, in one size.
    always: GroupSum = field(default_factory=GroupSum)
    always_bytes: int = 0
    # By how much more is stored from a stretch on, and how many more images from a period on.
    byte_steps: list[int] = field(init=False)
    image_steps: list[int] = field(init=False)
    # An image that began by then, and has not ended, was stored all of the last two periods.
    _stands_from: int = field(init=False)
    _has_gaps: bool = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.lane.whole_seconds)
        self.byte_seconds = [0] * len(self.lane.stretches)
        self.images = [0] * count
        self.new = [GroupSum() for _ in range(count)]
        self.ended = [GroupSum() for _ in range(count)]
        self.grown = [GroupSum() for _ in range(count)]
        self.byte_steps = [0] * (len(self.lane.stretches) + 1)
        self.image_steps = [0] * (count + 1)
        self._has_gaps = self.lane.has_gaps
        self._stands_from = self._standing_start()

    def _standing_start(self) -> int:
        """Return until when an image must have begun that is added by its bytes alone."""
        lane = self.lane
        if not (lane.whole_seconds[-2] and lane.whole_seconds[-1]):
            return -1
        return lane.start if self._has_gaps else lane.starts[lane.first_of[-3]]

    def add(self, pieces: Sequence[Piece]) -> None:
        """Add an image: its intervals of one account, sorted by their start."""
        first = pieces[0]
        size, starts, ends = first.size_bytes, first.starts, first.ends
        if len(pieces) > 1 or not size:
            self.add_by_months(pieces)
        elif starts <= self._stands_from and (ends is None or ends >= self.lane.end):
            # It stands all of the last two periods: their change follows from bytes alone.
            self._change_of(first.account_key).whole_bytes += size
            if starts <= self.lane.start:
                self.always.count += 1
                self.always_bytes += size
            else:
                self._add_standing(first)
        elif self._has_gaps:
            self.add_by_months(pieces)
        else:
            self._add_of_one_size(first)

    def _add_standing(self, piece: Piece) -> None:
        """Add to the periods an image that began after the first one, and stands to the end."""
        lane, size, starts = self.lane, piece.size_bytes, piece.starts
        full_from = bisect_left(lane.starts, starts)
        self.byte_steps[full_from] += size
        self.byte_steps[-1] -= size
        begins = lane.stretches[full_from].period
        parts = lane.parts_before[lane.first_of[begins + 1]] - lane.parts_before[full_from]
        for number in range(full_from - 1, -1, -1):
            stretch = lane.stretches[number]
            begin, end = stretch.charged(starts, None, piece.continues, is_continued=False)
            if begin >= end:
                break
            self.byte_seconds[number] += size * (end - begin)
            if stretch.period != begins:
                begins, parts = stretch.period, 0
            parts += (end - begin) * stretch.weight
        self.image_steps[begins] += 1
        self.image_steps[-1] -= 1
        self.new[begins].add(size * parts)

    def _add_of_one_size(self, piece: Piece) -> None:
        """Add an image by the edges of its one interval; what lies between them is a step."""
        lane, size = self.lane, piece.size_bytes
        stay = stay_of(lane, piece)
        if stay.first is None:
            return
        if stay.full_from < stay.full_until:
            self.byte_steps[stay.full_from] += size
            self.byte_steps[stay.full_until] -= size
        for number, seconds in stay.partial:
            self.byte_seconds[number] += size * seconds
        begins, ends = (lane.stretches[number].period for number in (stay.first, stay.last))
        self.image_steps[begins] += 1
        self.image_steps[ends + 1] -= 1
        self.new[begins].add(stay.charged_in(begins, size).parts)
        if stay.has_ended:
            self.ended[ends].add(stay.charged_in(ends, size).parts)
        last = len(self.images) - 1
        if ends >= last - 1:
            was, now = stay.charged_in(last - 1, size), stay.charged_in(last, size)
            self._add_split(
                piece.account_key,
                was if was.seconds else None,
                now if now.seconds else None,
                has_ended=stay.has_ended,
            )

    def add_by_months(self, pieces: Sequence[Piece]) -> None:
        """Add an image by all of its months, whatever its intervals are."""
        months = months_of(self.lane, pieces, self.byte_seconds)
        self._add_to_periods(months)
        self._add_split(
            pieces[0].account_key,
            charged(months[-2]),
            charged(months[-1]),
            has_ended=months[-1] is not None and months[-1].has_ended,
        )

    def _add_to_periods(self, months: Sequence[Month | None]) -> None:
        before: Month | None = None
        for number, month in enumerate(months):
            if month is not None:
                self.images[number] += 1
                if before is None:
                    self.new[number].add(month.parts)
                if month.has_ended:
                    self.ended[number].add(month.parts)
                if month.last_size > (month.first_size if before is None else before.last_size):
                    self.grown[number].add(month.parts)
            before = month

    def _add_split(
        self, account_key: int, was: Charged | None, now: Charged | None, *, has_ended: bool
    ) -> None:
        if was is None and now is None:
            return
        change, lane = self._change_of(account_key), self.lane
        if was is None and now is not None:
            change.new += quotient(now.parts, lane.parts_per_nano)
            change.new_count += 1
        elif now is None and was is not None:
            change.ended -= quotient(was.parts, lane.parts_per_nano)
            change.ended_count += 1
        elif was is not None and now is not None:
            split = split_in_nanos(was, now, lane.parts_per_nano)
            is_whole = is_whole_in_both(lane, was, now)
            change.add_split(split, is_whole=is_whole, has_ended=has_ended)

    def _change_of(self, account_key: int) -> ChangeSum:
        found = self.accounts.get(account_key)
        if found is None:
            found = self.accounts[account_key] = ChangeSum()
        return found

    def close(self) -> None:
        """Add what was put aside. Call it once, after the last image."""
        lane, size = self.lane, self.always_bytes
        for number, (stretch, stored) in enumerate(
            zip(lane.stretches, accumulate(self.byte_steps), strict=False)
        ):
            self.byte_seconds[number] += (size + stored) * (stretch.end - stretch.start)
        for number, count in enumerate(list(accumulate(self.image_steps))[:-1]):
            self.images[number] += count
        self.byte_steps, self.image_steps = [], []
        for number, seconds in enumerate(lane.whole_seconds):
            self.images[number] += self.always.count if seconds else 0
        for number, (earlier, later) in enumerate(pairwise(lane.whole_seconds), start=1):
            if later and not earlier:
                self.new[number].add(size * lane.whole_parts[number], self.always.count)
        for change in self.accounts.values():
            if change.whole_bytes:
                was, now = (_whole(lane, change.whole_bytes, number) for number in (-2, -1))
                split = split_in_nanos(was, now, lane.parts_per_nano)
                change.add_split(split, is_whole=lane.has_whole_months)


class Stay(NamedTuple):
    """Which stretches of a lane one interval is charged in: those it fills, and parts of others.

    ``partial`` are numbers of stretches with seconds; ``first`` and ``last`` are None if none is
    touched. ``has_ended``: the account is charged for the image no longer after ``last``.
    """

    lane: Lane
    full_from: int
    full_until: int
    partial: Sequence[tuple[int, int]]
    first: int | None
    last: int
    has_ended: bool

    def charged_in(self, period: int, size_bytes: int) -> Charged:
        """Return what an image of that size is charged for in the period."""
        lane = self.lane
        low, high = lane.first_of[period], lane.first_of[period + 1]
        begins, ends = max(low, self.full_from), min(high, self.full_until)
        seconds = parts = 0
        if begins < ends:
            seconds = lane.seconds_before[ends] - lane.seconds_before[begins]
            parts = lane.parts_before[ends] - lane.parts_before[begins]
        for number, some in self.partial:
            if low <= number < high:
                seconds += some
                parts += some * lane.stretches[number].weight
        return Charged(size_bytes * seconds, seconds, size_bytes * parts)


def stay_of(lane: Lane, piece: Piece) -> Stay:
    """Return in which stretches the interval is charged, and for how long."""
    starts, ends = piece.starts, piece.ends
    count = len(lane.starts)
    full_from = bisect_left(lane.starts, starts)
    full_until = count if ends is None else bisect_right(lane.stops, ends)
    before = bisect_right(lane.stops, starts - starts % _HOUR)
    behind = count if ends is None else bisect_left(lane.starts, ends + _HOUR)
    partial = []
    last_end = 0
    # Where it fills none, the two ranges meet or overlap.
    numbers = [*range(before, full_from), *range(max(full_until, full_from, before), behind)]
    for number in numbers:
        begin, end = lane.stretches[number].charged(
            starts, ends, piece.continues, piece.is_continued
        )
        if begin < end:
            partial.append((number, end - begin))
            last_end = end
    touched = [number for number, _ in partial]
    if full_from < full_until:
        touched += [full_from, full_until - 1]
    if not touched:
        return Stay(lane, 0, 0, (), None, 0, False)
    first, last = min(touched), max(touched)
    end = last_end if partial and partial[-1][0] == last else lane.stops[last]
    has_ended = _ends_in(lane, lane.stretches[last], end, piece, (piece,))
    return Stay(lane, full_from, full_until, partial, first, last, has_ended)


def months_of(
    lane: Lane, pieces: Sequence[Piece], byte_seconds: list[int] | None = None
) -> list[Month | None]:
    """Return what an image is charged for in each period, None where that is nothing.

    ``byte_seconds`` of the lane's stretches are added to, where they are given.
    """
    found: list[Month | None] = [None] * len(lane.whole_seconds)
    for piece in pieces:
        starts, ends, size = piece.starts, piece.ends, piece.size_bytes
        earliest = starts - starts % _HOUR
        for number, stretch in enumerate(lane.stretches):
            if stretch.end <= earliest:
                continue
            if ends is not None and stretch.start >= ends + _HOUR:
                break
            begin, end = stretch.charged(starts, ends, piece.continues, piece.is_continued)
            if begin >= end:
                continue
            month = found[stretch.period]
            if month is None:
                month = found[stretch.period] = Month(size, size)
            used = size * (end - begin)
            month.byte_seconds += used
            month.seconds += end - begin
            month.parts += used * stretch.weight
            month.last_size = size
            month.has_ended |= _ends_in(lane, stretch, end, piece, pieces)
            if byte_seconds is not None:
                byte_seconds[number] += used
    return found


def _ends_in(lane: Lane, stretch: Stretch, end: int, piece: Piece, pieces: Sequence[Piece]) -> bool:
    """Return whether the account is charged for the image no longer from the end of the piece."""
    ends = piece.ends
    if ends is None or ends > end or (end == lane.ends[stretch.period] and ends >= end):
        return False
    return not piece.is_continued or all(one.starts != ends or not one.continues for one in pieces)


def charged(month: Month | None) -> Charged | None:
    """Return what a change is split by; None where no byte was stored, which costs nothing."""
    if month is None or not month.byte_seconds:
        return None
    return Charged(month.byte_seconds, month.seconds, month.parts)


def is_whole_in_both(lane: Lane, was: Charged, now: Charged) -> bool:
    """Return whether an image was stored all of the last two periods."""
    return lane.has_whole_months and (was.seconds, now.seconds) == (
        lane.whole_seconds[-2],
        lane.whole_seconds[-1],
    )


def _whole(lane: Lane, size_bytes: int, number: int) -> Charged:
    """Return what bytes are charged for that are stored for the whole period of that number."""
    seconds = lane.whole_seconds[number]
    return Charged(size_bytes * seconds, seconds, size_bytes * lane.whole_parts[number])
