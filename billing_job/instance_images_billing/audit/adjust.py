"""Adjustments by hand: what somebody decides that an image costs in closed hours.

Hours stay as they were posted; the decision is posted beside them. No decision brings an image's
charge of an hour below nothing, however often it is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images.db.accounts import accounts_by_key
from instance_images.errors import NotFound, Refused
from instance_images.instants import ceil_hour, floor_hour, format_instant
from instance_images_billing.ledger import adjustments, watermarks
from instance_images_billing.ledger import rates as ledger_rates
from instance_images_billing.ledger.histories import read_facts
from instance_images_billing.pricing.corrections import (
    HAND,
    Adjustment,
    Place,
    Standing,
    closed_slices,
    usage_in,
)
from instance_images_billing.pricing.history import Intervals, true_intervals
from instance_images_billing.pricing.rating import Rate, posted_nanos, rate_at

FAR = 10  # an amount of more than so many times what is charged may be a slip of the finger


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was asked for: the image, its hours ``[start, end)``, and what they are to cost.

    ``wanted_nanos`` is None for a waiver: the hours are to cost nothing.
    """

    image_id: str
    start: datetime
    end: datetime
    wanted_nanos: int | None
    reason: str
    author: str


@dataclass(frozen=True, slots=True)
class Charged:
    """What an image is charged in one slice, decisions that were made before included.

    ``net_nanos`` is the image's own; ``slice_nanos`` all that the account is charged for the slice.
    """

    place: Place
    byte_seconds: int
    net_nanos: int
    slice_nanos: int


def decide(
    connection: sa.Connection,
    locations: Sequence[str],
    decision: Decision,
    timezone: ZoneInfo,
    now: datetime,
) -> list[Adjustment]:
    """Post the decision; return its adjustments. Raises NotFound and Refused."""
    location = _location_of(connection, locations, decision.image_id)
    watermarks.lock_location(connection, location)
    closed_until = _closed_until(connection, location, decision)
    charged = _charged(connection, location, decision, closed_until, timezone)
    new = [
        Adjustment(
            account_key=one.place[0],
            image_id=decision.image_id,
            corrects_at=one.place[1],
            counted_at=closed_until,
            kind=HAND,
            byte_seconds=0,
            amount_nanos=nanos,
            reason=decision.reason,
            author=decision.author,
            posted_at=now,
        )
        for one, nanos in zip(charged, amounts(charged, decision.wanted_nanos), strict=True)
        if nanos
    ]
    if not new:
        raise Refused(
            f"Image {decision.image_id} is already charged that amount in these hours: there is"
            " nothing to adjust."
        )
    return adjustments.insert_decision(connection, new)


def charged_nanos(
    connection: sa.Connection, locations: Sequence[str], decision: Decision, timezone: ZoneInfo
) -> int:
    """Return what the image is charged in the hours now. Raises NotFound and Refused."""
    location = _location_of(connection, locations, decision.image_id)
    closed_until = _closed_until(connection, location, decision)
    charged = _charged(connection, location, decision, closed_until, timezone)
    return sum(one.net_nanos for one in charged)


def is_far(wanted_nanos: int, charged_nanos: int) -> bool:
    """Return whether an amount is more than FAR times what is charged, or less than its part."""
    return wanted_nanos > FAR * charged_nanos or wanted_nanos * FAR < charged_nanos


def _closed_until(connection: sa.Connection, location: str, decision: Decision) -> datetime:
    """Return up to when hours are closed. Raises Refused where those of the decision are not."""
    closed_until = watermarks.watermark(connection, location)
    if closed_until is None or decision.end > closed_until:
        shown = format_instant(closed_until) if closed_until else "none"
        raise Refused(
            f"The hours up to {format_instant(decision.end)} are not all closed: {location} is"
            f" metered until {shown}. Only closed hours are adjusted; others follow the rate."
        )
    return closed_until


def _location_of(connection: sa.Connection, locations: Sequence[str], image_id: str) -> str:
    for _, facts in read_facts(connection, [image_id]):
        for location in locations:
            if facts[0].account_key in accounts_by_key(connection, location):
                return location
    raise NotFound("Image", image_id, "The ledger has no image of that id.")


def _charged(
    connection: sa.Connection,
    location: str,
    decision: Decision,
    closed_until: datetime,
    timezone: ZoneInfo,
) -> list[Charged]:
    """Return what the image is charged in each slice. Raises Refused where it was not billed."""
    ((_, facts),) = read_facts(connection, [decision.image_id])
    truth = true_intervals(facts)
    keys = {one.account_key for one in truth if one.account_key is not None}
    standing = adjustments.standing(connection, keys, decision.start, decision.end)
    by_hand = adjustments.decisions_by_place(connection, keys)
    rates = ledger_rates.list_rates(connection, location)
    if rate_at(rates, decision.start) is None:
        raise _not_billed(decision, decision.start, truth, rates, closed_until)
    found = []
    billed: set[datetime] = set()
    slices = closed_slices(decision.start, min(decision.end, closed_until), rates, timezone)
    for part, rate in slices:
        for key, byte_seconds in sorted(usage_in(truth, part, rate).items()):
            place = (key, part.start)
            stands = standing.get(place, Standing())
            without = posted_nanos(stands.byte_seconds - byte_seconds, rate, part)
            decided = adjustments.nanos_by_image(by_hand.get(place, []))
            own = stands.amount_nanos - without + decided.get(decision.image_id, 0)
            total = stands.amount_nanos + sum(decided.values())
            found.append(Charged(place, byte_seconds, own, total))
            billed.add(part.start)
    unbilled = [part.start for part, _ in slices if part.start not in billed]
    if unbilled or not found:
        hour = unbilled[0] if unbilled else decision.start
        raise _not_billed(decision, hour, truth, rates, closed_until)
    return found


def _not_billed(
    decision: Decision,
    hour: datetime,
    truth: Intervals,
    rates: Sequence[Rate],
    closed_until: datetime,
) -> Refused:
    """Return the refusal of hours before, between or after those in which the image was billed."""
    said = f"Image {decision.image_id} was not billed in the hour {format_instant(hour)}"
    if not rates or not truth:
        return Refused(f"{said}, nor in any other closed hour: there is nothing to adjust.")
    last = truth[-1].ends_at
    begins = max(floor_hour(truth[0].starts_at), rates[0].from_hour)
    ends = closed_until if last is None else min(ceil_hour(last), closed_until)
    if begins >= ends:
        return Refused(f"{said}, nor in any other closed hour: there is nothing to adjust.")
    return Refused(
        f"{said}: choose hours between {format_instant(begins)} and {format_instant(ends)}."
    )


def amounts(charged: Sequence[Charged], wanted_nanos: int | None) -> list[int]:
    """Return what must be added to each slice, so that together they cost what is wanted.

    The wanted amount is spread by what was used; what is over in a slice is given back as far as
    the account is charged for it at all.
    """
    shares = [0] * len(charged)
    if wanted_nanos:
        total = sum(one.byte_seconds for one in charged)
        exact = [Fraction(wanted_nanos * one.byte_seconds, total) for one in charged]
        edges = [round(sum(exact[: index + 1], Fraction(0))) for index in range(len(exact))]
        shares = [end - start for start, end in zip([0, *edges], edges, strict=False)]
    return [
        max(share - one.net_nanos, -max(one.slice_nanos, 0))
        if share < one.net_nanos
        else (share - one.net_nanos if wanted_nanos else 0)
        for one, share in zip(charged, shares, strict=True)
    ]
