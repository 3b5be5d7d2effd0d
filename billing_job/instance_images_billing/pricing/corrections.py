"""What must be added to closed hours so that they hold what is known now. Pure.

A correction is worked out per image, account and slice of an hour, first in byte-seconds and then
in money: the account's charge for the slice with the image's difference, less what stands there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from instance_images.instants import HOUR, floor_hour
from instance_images_billing.pricing.periods import Slice, slices_of
from instance_images_billing.pricing.rating import (
    Interval,
    Rate,
    charged_range,
    posted_nanos,
    rate_at,
)
from instance_images_billing.pricing.reasons import WAIVER_ENDED

# What follows from the history; what somebody decided; what a minimum charge lacks after that.
LATE, HAND, MINIMUM = "late", "hand", "minimum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """A correction of the slice that starts at ``corrects_at``, counted in hour ``counted_at``.

    ``adjustment_key`` is its number in the ledger, None before it is posted. ``reverses`` is the
    number of the decision by hand that it takes back, all of it or a part. The fields of ``Reason``
    say the same as ``reason``; they are None where somebody decided.
    """

    account_key: int
    image_id: str
    corrects_at: datetime
    counted_at: datetime
    kind: str
    byte_seconds: int
    amount_nanos: int
    reason: str
    author: str
    posted_at: datetime
    reverses: int | None = None
    reason_code: str | None = None
    event_at: datetime | None = None
    learned_at: datetime | None = None
    adjustment_key: int | None = field(default=None, compare=False)

    @property
    def is_unlinked_end(self) -> bool:
        """Whether a run ended a waiver by it, and did not record which one."""
        return self.reverses is None and self.reason_code == WAIVER_ENDED


@dataclass(frozen=True, slots=True)
class Difference:
    """Byte-seconds by which an image's usage of one account in one slice was posted wrongly."""

    account_key: int
    image_id: str
    part: Slice
    rate: Rate
    byte_seconds: int


Place = tuple[int, datetime]  # an account's key and the start of a slice


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in the ledger for an account and a slice, decisions by hand left out."""

    byte_seconds: int = 0
    amount_nanos: int = 0


def closed_slices(
    start: datetime, closed_until: datetime, rates: Sequence[Rate], timezone: ZoneInfo
) -> list[tuple[Slice, Rate]]:
    """Return the slices of the hours from ``start``'s on that are closed, with their rates.

    Hours before the first rate are left out: nothing was ever charged for them.
    """
    found = []
    hour = floor_hour(start)
    while hour < closed_until:
        rate = rate_at(rates, hour)
        if rate is not None:
            found += [(part, rate) for part in slices_of(hour, timezone)]
        hour += HOUR
    return found


def usage_in(intervals: Sequence[Interval], part: Slice, rate: Rate) -> dict[int, int]:
    """Return the byte-seconds of one image's intervals in the slice, by account."""
    used: dict[int, int] = {}
    for interval in intervals:
        charged = charged_range(interval, rate, part.start, part.end)
        if charged and interval.account_key is not None:
            seconds = int((charged[1] - charged[0]).total_seconds())
            key = interval.account_key
            used[key] = used.get(key, 0) + interval.size_bytes * seconds
    return used


def differences(
    image_id: str,
    truth: Sequence[Interval],
    posted: Sequence[Interval],
    adjusted: Mapping[Place, int],
    slices: Sequence[tuple[Slice, Rate]],
) -> list[Difference]:
    """Return where the truth differs from what was posted and adjusted so far, in byte-seconds."""
    keys = {one.account_key for one in (*truth, *posted)} | {key for key, _ in adjusted}
    found = []
    for part, rate in slices:
        wanted = usage_in(truth, part, rate)
        standing = usage_in(posted, part, rate)
        for key in sorted(key for key in keys if key is not None):
            before = standing.get(key, 0) + adjusted.get((key, part.start), 0)
            if wanted.get(key, 0) != before:
                found.append(Difference(key, image_id, part, rate, wanted.get(key, 0) - before))
    return found


def priced(
    found: Sequence[Difference], standing: Mapping[Place, Standing]
) -> list[tuple[Difference, int]]:
    """Return the differences with their nanos, so that the account's slice is charged exactly.

    Where several images of an account differ in one slice, each is charged on top of those before.
    """
    now = dict(standing)
    amounts = []
    for one in found:
        place = (one.account_key, one.part.start)
        before = now.get(place, Standing())
        byte_seconds = before.byte_seconds + one.byte_seconds
        nanos = posted_nanos(byte_seconds, one.rate, one.part)
        now[place] = Standing(byte_seconds, nanos)
        amounts.append((one, nanos - before.amount_nanos))
    return amounts


def given_back_twice(
    by_hand: Mapping[str, int], image_id: str, late_nanos: int, stands_nanos: int
) -> int:
    """Return what a late correction of an image gives back that had been waived by hand before.

    ``by_hand`` are the decisions of the account's slice by image, ``stands_nanos`` what it is
    charged for after the correction: that much can be waived at most.
    """
    own = min(-by_hand.get(image_id, 0), -late_nanos)
    beyond = -(stands_nanos + sum(by_hand.values()))
    return max(0, own, beyond) if by_hand else 0


def remaining_nanos(rows: Sequence[Adjustment]) -> dict[int, int]:
    """Return what is left of each decision among these rows by its number: nothing once reversed.

    The rows are all decisions by hand of their slices, with their reversals.
    """
    left: dict[int, int] = {}
    for one in rows:
        if one.reverses is not None:
            left[one.reverses] = left.get(one.reverses, 0) + one.amount_nanos
        elif one.adjustment_key is not None:
            key = one.adjustment_key
            left[key] = left.get(key, 0) + one.amount_nanos
    return left


def waivers_ended(
    rows: Sequence[Adjustment], image_id: str, nanos: int
) -> list[tuple[int | None, int]]:
    """Return which waivers a give-back of so many nanos ends, with the part of each.

    The image's own waivers come first, and of these the newest. What no waiver explains has None.
    """
    left = remaining_nanos(rows)
    waivers = [one for one in rows if one.reverses is None and one.adjustment_key is not None]
    waivers.sort(key=lambda one: (one.image_id != image_id, -(one.adjustment_key or 0)))
    found: list[tuple[int | None, int]] = []
    for one in waivers:
        assert one.adjustment_key is not None
        part = min(max(0, -left[one.adjustment_key]), nanos)
        if part:
            found.append((one.adjustment_key, part))
            nanos -= part
    return [*found, (None, nanos)] if nanos else found
