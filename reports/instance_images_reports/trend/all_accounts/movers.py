"""The images of the accounts that changed most: a few for each account, whatever it has."""

from collections.abc import Mapping, Sequence
from heapq import heappush, heappushpop

import sqlalchemy as sa

from instance_images.db.tables import images
from instance_images_reports.statement.rounding import decimal_of
from instance_images_reports.trend.all_accounts.images import (
    Piece,
    charged,
    is_whole_in_both,
    months_of,
)
from instance_images_reports.trend.all_accounts.lanes import Lane
from instance_images_reports.trend.split import quotient, split_in_nanos
from instance_images_reports.trend.trend import Mover

LISTED = 3
_NANO_DIGITS = 9

# Size of the change, the image's id so that no two are equal, and what is shown of it.
_Ranked = tuple[int, str, str, str, bool, bool, int, int, int, int, int]


class ImageChanges:
    """Keeps the images whose charge changed most, of each of some accounts."""

    def __init__(self, account_ids: Mapping[int, str]) -> None:
        """Take the ids of the accounts by their keys."""
        self._account_ids = account_ids
        self._ranked: dict[str, list[_Ranked]] = {}
        self._names: dict[str, str] = {}

    def add(self, lane: Lane, pieces: Sequence[Piece]) -> None:
        """Consider an image: its intervals of one account, sorted by their start."""
        months = months_of(lane, pieces)
        was, now = charged(months[-2]), charged(months[-1])
        before = quotient(was.parts, lane.parts_per_nano) if was else 0
        after = quotient(now.parts, lane.parts_per_nano) if now else 0
        split, is_whole = (0, after - before, 0), False
        if was and now:
            is_whole = is_whole_in_both(lane, was, now)
            split = split_in_nanos(was, now, lane.parts_per_nano)
        if not any((*split, after - before)):
            return
        kind = "new" if was is None else "ended" if now is None else "kept"
        size = abs(after - before)
        has_ended = months[-1] is not None and months[-1].has_ended
        shown = (lane.location, kind, is_whole, has_ended, before, after, *split)
        ranked = (size, pieces[0].image_id, *shown)
        kept = self._ranked.setdefault(self._account_ids[pieces[0].account_key], [])
        if len(kept) < LISTED:
            heappush(kept, ranked)
        else:
            heappushpop(kept, ranked)

    def name(self, connection: sa.Connection) -> None:
        """Read the names of the images that are kept."""
        ids = [one[1] for kept in self._ranked.values() for one in kept]
        query = sa.select(images.c.image_id, images.c.name).where(images.c.image_id.in_(ids))
        self._names = {row[0]: row[1] for row in connection.execute(query)} if ids else {}

    def of(self, account_id: str) -> list[Mover]:
        """Return the images of the account, the largest change first."""
        kept = sorted(self._ranked.get(account_id, ()), key=lambda one: (-one[0], one[1]))
        return [self._mover(one) for one in kept]

    def _mover(self, one: _Ranked) -> Mover:
        _, image_id, location, kind, is_whole, has_ended, *amounts = one
        before, after, price, volume, duration = amounts
        return Mover(
            image_id=image_id,
            name=self._names.get(image_id, ""),
            location=location,
            kind=kind,
            before=decimal_of(before, _NANO_DIGITS),
            after=decimal_of(after, _NANO_DIGITS),
            change=decimal_of(after - before, _NANO_DIGITS),
            price=decimal_of(price, _NANO_DIGITS),
            volume=decimal_of(volume, _NANO_DIGITS),
            duration=decimal_of(duration, _NANO_DIGITS),
            is_whole=is_whole,
            has_ended=has_ended,
        )
