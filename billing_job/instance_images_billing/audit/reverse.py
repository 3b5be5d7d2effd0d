"""Reverses decisions by hand: what was posted stays, and rows linked to it take it back.

A decision is all that was posted together for an image. It can be reversed as long as something is
left of it, whether its image was billable or not, and whatever months were closed since.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from instance_images.db.accounts import accounts_by_key
from instance_images.errors import NotFound, Refused
from instance_images.instants import format_instant
from instance_images_billing.ledger import adjustments, watermarks
from instance_images_billing.pricing.corrections import (
    HAND,
    Adjustment,
    Place,
    Standing,
    remaining_nanos,
)


def reverse(
    connection: sa.Connection,
    locations: Sequence[str],
    entry: int,
    reason: str,
    author: str,
    now: datetime,
) -> list[Adjustment]:
    """Post the reversal of the decision that the entry is part of; return its rows.

    Raises NotFound, and Refused where it is no decision, nothing is left of it, or an account would
    be charged less than nothing for a slice.
    """
    one = adjustments.find_entry(connection, entry)
    if one is None:
        raise NotFound("Adjustment", str(entry), "Give the number of an entry of the ledger.")
    if one.kind != HAND or one.reverses is not None or one.is_unlinked_end:
        raise Refused(
            f"Entry {entry} cannot be reversed: it is an automatic correction, or itself a"
            " reversal."
        )
    location = _location_of(connection, locations, one)
    watermarks.lock_location(connection, location)
    counted_at = watermarks.watermark(connection, location)
    assert counted_at is not None  # something was decided in closed hours
    new = _reversals(
        connection=connection, one=one, counted_at=counted_at, reason=reason, author=author, now=now
    )
    if not new:
        raise Refused(f"Entry {entry} is already fully reversed.")
    _require_no_debt(connection, new)
    return adjustments.insert_decision(connection, new)


def _location_of(connection: sa.Connection, locations: Sequence[str], one: Adjustment) -> str:
    for location in locations:
        if one.account_key in accounts_by_key(connection, location):
            return location
    raise NotFound(
        "Adjustment", str(one.adjustment_key), "Its location is not in the configuration."
    )


def _reversals(
    connection: sa.Connection,
    one: Adjustment,
    counted_at: datetime,
    reason: str,
    author: str,
    now: datetime,
) -> list[Adjustment]:
    decided = adjustments.posted_together(connection, one)
    places = adjustments.decisions_by_place(connection, {row.account_key for row in decided})
    _require_links(decided, places)
    new = []
    for row in decided:
        assert row.adjustment_key is not None
        left = remaining_nanos(places[row.account_key, row.corrects_at])[row.adjustment_key]
        if left:
            new.append(
                Adjustment(
                    account_key=row.account_key,
                    image_id=row.image_id,
                    corrects_at=row.corrects_at,
                    counted_at=counted_at,
                    kind=HAND,
                    byte_seconds=0,
                    amount_nanos=-left,
                    reason=reason,
                    author=author,
                    posted_at=now,
                    reverses=row.adjustment_key,
                )
            )
    return new


def _require_links(
    decided: Sequence[Adjustment], places: Mapping[Place, Sequence[Adjustment]]
) -> None:
    """Refuse where nobody knows what is left: earlier versions did not link the end of a waiver."""
    for row in decided:
        if any(one.is_unlinked_end for one in places[row.account_key, row.corrects_at]):
            raise Refused(
                f"The decision for {format_instant(row.corrects_at)} cannot be reversed: the"
                " charge was corrected since, which ended a waiver of that hour, and the ledger"
                " does not say which one. Set the charge of these hours with a new adjustment"
                " instead."
            )


def _require_no_debt(connection: sa.Connection, new: Sequence[Adjustment]) -> None:
    """Refuse where a later decision rests on the one that is reversed."""
    keys = {row.account_key for row in new}
    starts = [row.corrects_at for row in new]
    last = max(starts)
    standing = adjustments.standing(connection, keys, min(starts), last.replace(year=last.year + 1))
    places = adjustments.decisions_by_place(connection, keys)
    for row in new:
        place: Place = (row.account_key, row.corrects_at)
        stands = standing.get(place, Standing()).amount_nanos
        decided = sum(one.amount_nanos for one in places[place])
        if row.amount_nanos < 0 and stands + decided + row.amount_nanos < 0:
            raise Refused(
                f"The slice {format_instant(row.corrects_at)} would have a negative charge: a"
                " later adjustment refunded what this one charged. Reverse the later one first."
            )
