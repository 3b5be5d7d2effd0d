"""What an image is to be billed for, as far as it is known, and how hours are posted by it. Pure.

The truth follows from the history of the image alone. Hours that are closed were posted by what
was known then and stay so: what hours are posted by is the past as it was posted, and from the
first open hour on the truth.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from instance_images.model.image_events import Event
from instance_images_billing.pricing.rating import Interval

Intervals = tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """A piece of an image's history: the account and billable size that it has since then."""

    image_id: str
    account_key: int
    event: str
    effective_at: datetime
    size_bytes: int
    learned_at: datetime
    source: str


def true_intervals(facts: Sequence[Fact]) -> Intervals:
    """Return the intervals that follow from an image's facts, in the order they were learned.

    Of two facts about the same thing the one that was learned last is believed. An image that was
    restored has lived several times: what was learned before is of its earlier lives.
    """
    available = [fact for fact in facts if fact.event == Event.AVAILABLE]
    if not available:
        return ()
    restored = [at for at, fact in enumerate(facts) if fact.event == Event.RESTORED]
    begins = [available[-1], *(facts[at] for at in restored)]
    pieces: list[Interval] = []
    for begin, (first, last) in zip(begins, pairwise([0, *restored, len(facts)]), strict=True):
        if pieces and pieces[-1].ends_at is None:
            break  # it never ended, so that it was not restored
        earliest = pieces[-1].ends_at if pieces else None
        pieces += _life(begin, facts[first:last], earliest or begin.effective_at)
    return joined(pieces)


def _life(begin: Fact, facts: Sequence[Fact], earliest: datetime) -> list[Interval]:
    """Return the intervals from ``begin`` to the deletion among the facts."""
    deleted = [fact.effective_at for fact in facts if fact.event == Event.DELETED]
    end = deleted[-1] if deleted else None
    starts_at = max(begin.effective_at, earliest)
    states: dict[datetime, Fact] = {starts_at: begin}
    changes = [fact for fact in facts if fact.event == Event.CHANGED]
    # The sort is stable: of changes at one instant the one learned last comes last, and stays.
    for change in sorted(changes, key=lambda fact: fact.effective_at):
        states[max(change.effective_at, starts_at)] = change
    edges: list[datetime | None] = [*states, end]
    return [
        Interval(
            image_id=begin.image_id,
            size_bytes=fact.size_bytes,
            starts_at=start,
            ends_at=_earlier(next_start, end),
            continues=False,
            is_continued=False,
            account_key=key,
        )
        for (start, next_start), fact in zip(pairwise(edges), states.values(), strict=True)
        if start is not None and (end is None or start < end)
        for key in [fact.account_key]
    ]


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return min(one, other)


def posted_intervals(
    posted: Iterable[Interval], truth: Iterable[Interval], closed_until: datetime | None
) -> Intervals:
    """Return what hours are posted by: ``posted`` before ``closed_until``, the truth after it."""
    if closed_until is None:
        return tuple(truth)
    past = [
        one._replace(ends_at=_earlier(one.ends_at, closed_until))
        for one in posted
        if one.starts_at < closed_until
    ]
    future = [
        one._replace(starts_at=max(one.starts_at, closed_until))
        for one in truth
        if one.ends_at is None or one.ends_at > closed_until
    ]
    return joined([*past, *future])


def joined(pieces: Sequence[Interval]) -> Intervals:
    """Return the pieces, in order, with those that are one joined, and their edges marked."""
    found: list[Interval] = []
    for piece in pieces:
        last = found[-1] if found else None
        if last is None or last.ends_at != piece.starts_at:
            found.append(piece._replace(continues=False, is_continued=False))
        elif (last.account_key, last.size_bytes) == (piece.account_key, piece.size_bytes):
            found[-1] = last._replace(ends_at=piece.ends_at)
        else:
            found[-1] = last._replace(is_continued=True)
            found.append(piece._replace(continues=True, is_continued=False))
    return tuple(found)


def first_difference(one: Sequence[Interval], other: Sequence[Interval]) -> datetime | None:
    """Return the first instant at which they say something else of the image, or None."""
    edges = sorted(
        {i.starts_at for i in (*one, *other)} | {i.ends_at for i in (*one, *other) if i.ends_at}
    )
    for edge in edges:
        if _state_at(one, edge) != _state_at(other, edge):
            return edge
    return None


def _state_at(intervals: Sequence[Interval], instant: datetime) -> tuple[int | None, int] | None:
    for one in intervals:
        if one.starts_at <= instant and (one.ends_at is None or instant < one.ends_at):
            return one.account_key, one.size_bytes
    return None
