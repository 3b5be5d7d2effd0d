"""Reads what the ledger holds of many accounts in a few queries, or of one account.

Postings are added up by the database as far as a statement allows it: within a local day and a
rate. Where a rate has an allowance, which is taken off hour by hour, they are read by the hour.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from instance_images.db.exact import ExactSum
from instance_images.db.tables import images
from instance_images.instants import floor_hour
from instance_images.model.records import Account
from instance_images_billing.ledger.tables import adjustments, intervals, minimum_charges, postings
from instance_images_billing.pricing.charged import MinimumCharge, Posting
from instance_images_billing.pricing.corrections import Adjustment
from instance_images_billing.pricing.periods import LocalDay
from instance_images_billing.pricing.rating import Interval, Rate
from instance_images_reports.collect.cutoff import AccountPlaces, Cut, LocationCut
from instance_images_reports.statement.location_ledger import BilledImage, LocationLedger

_IN_ONE_QUERY = 500  # images
_DAY = timedelta(days=1)
_DAY_SECONDS = 86_400
_NAMES = images.c.name, images.c.source_instance_id, images.c.source_instance_name
_ADJUSTMENT = tuple(adjustments.c)
_ADJUSTMENT_NAMES = tuple(c.name for c in _ADJUSTMENT)

Rows = dict[int, list[Any]]


def read_ledgers(
    connection: sa.Connection, cut: Cut, days: Sequence[LocalDay], places: Sequence[AccountPlaces]
) -> Iterator[tuple[Account, list[LocationLedger]]]:
    """Yield each of the accounts with what the ledger holds of it at its locations.

    ``days`` are the period's, in order. All of these accounts are held in memory at once.
    """
    found: dict[int, LocationLedger] = {}
    for name, place in cut.locations.items():
        keys = [each.keys[name] for each in places if name in each.keys]
        if keys:
            found |= _at_location(connection, cut, place, days, keys)
    for each in places:
        yield each.account, [found[key] for key in each.keys.values()]


def _at_location(
    connection: sa.Connection,
    cut: Cut,
    place: LocationCut,
    days: Sequence[LocalDay],
    keys: Sequence[int],
) -> dict[int, LocationLedger]:
    billed = _billed_images(connection, cut, place.location, keys)
    posted = _postings(connection, cut, place, days, keys)
    adjusted, names = _adjustments(connection, cut, place, keys)
    minimums = _minimums(connection, cut, keys)
    return {
        key: LocationLedger(
            location=place.location,
            metered_until=place.metered_until,
            rates=place.rates,
            images=billed.get(key, ()),
            postings=posted.get(key, ()),
            adjustments=adjusted.get(key, ()),
            minimums=minimums.get(key, ()),
            image_names=names.get(key, {}),
            minimum_rule=cut.minimum_rule,
        )
        for key in keys
    }


# --------------------------------------------------------------------------- images


def _billed_images(connection: sa.Connection, cut: Cut, location: str, keys: Sequence[int]) -> Rows:
    """Return images with an interval that touches an hour of the period.

    Nearly all are images of these accounts still: by their accounts PostgreSQL finds them together,
    where it would read the images of all accounts. The others are looked up.
    """
    columns = intervals.c
    of_these = sa.and_(images.c.image_id == columns.image_id, images.c.account_key.in_(keys))
    query = (
        sa.select(
            columns.account_key,
            columns.image_id,
            columns.size_bytes,
            columns.starts_at,
            columns.ends_at,
            columns.continues,
            columns.is_continued,
            *_NAMES,
        )
        .join_from(intervals, images, of_these, isouter=True)
        .where(
            columns.account_key.in_(keys),
            columns.starts_at < cut.period.end,
            sa.or_(
                columns.ends_at.is_(None),
                columns.ends_at > floor_hour(cut.period.start),  # it may be rounded up
            ),
        )
    )
    rows = connection.execute(query).all()
    others = _names(connection, [row[1] for row in rows if row[7] is None])
    found: Rows = defaultdict(list)
    for key, image_id, size_bytes, starts_at, ends_at, continues, is_continued, *names in rows:
        name, source_id, source_name = others.get(image_id, names)
        if name is None:  # a row of the database was removed by hand: the sums will tell
            continue
        interval = Interval(image_id, size_bytes, starts_at, ends_at, continues, is_continued)
        image = BilledImage(image_id, name, location, source_name, interval, source_id)
        found[key].append(image)
    return found


def _names(connection: sa.Connection, image_ids: Sequence[str]) -> dict[str, Sequence[str]]:
    """Return the names of images, and the ids and names of their sources."""
    found: dict[str, Sequence[str]] = {}
    for start in range(0, len(image_ids), _IN_ONE_QUERY):
        some = images.c.image_id.in_(image_ids[start : start + _IN_ONE_QUERY])
        query = sa.select(images.c.image_id, *_NAMES).where(some)
        found |= {image_id: names for image_id, *names in connection.execute(query)}
    return found


# ------------------------------------------------------------------------- postings


def _postings(
    connection: sa.Connection,
    cut: Cut,
    place: LocationCut,
    days: Sequence[LocalDay],
    keys: Sequence[int],
) -> Rows:
    """Return what was posted in the period, by the hour or added up; each with where it begins."""
    found: Rows = {}
    if place.metered_until is None:
        return found
    until = min(cut.period.end, place.metered_until)
    begins = sa.type_coerce(postings.c.starts_at, sa.BigInteger)
    is_by_hour = any(rate.free_bytes for rate in place.rates)
    query = (
        sa.select(
            postings.c.account_key,
            sa.func.min(postings.c.starts_at),
            ExactSum(postings.c.amount_nanos),
            ExactSum(postings.c.byte_seconds),
            (begins if is_by_hour else _part_of_day(begins, days)).label("part"),
            _rate_number(begins, place.rates).label("rate_number"),
        )
        .where(
            postings.c.account_key.in_(keys),
            postings.c.starts_at >= cut.period.start,
            postings.c.starts_at < until,
        )
        .group_by(postings.c.account_key, "part", "rate_number")
        .order_by(postings.c.account_key, sa.func.min(postings.c.starts_at))
    )
    for key, starts_at, nanos, byte_seconds, *_ in connection.execute(query).all():
        found.setdefault(key, []).append(Posting(key, starts_at, byte_seconds, nanos))
    return found


def _part_of_day(begins: Any, days: Sequence[LocalDay]) -> Any:
    """Return the expression of a part of the period that lies within one local day.

    That is 24 hours from where days begin; they are counted anew after a day on which the clock is
    changed, and the 25th hour of such a day is a part of its own.
    """
    firsts = [days[0].start]
    firsts += [later.start for earlier, later in pairwise(days) if _is_odd(earlier)]
    whole = [
        (start, begins - (begins - _seconds(start)) % _DAY_SECONDS) for start in reversed(firsts)
    ]
    if len(whole) == 1:
        return whole[0][1]
    *later, (_, else_) = whole
    return sa.case(*((begins >= _seconds(start), part) for start, part in later), else_=else_)


def _is_odd(day: LocalDay) -> bool:
    return day.end - day.start != _DAY


def _rate_number(begins: Any, rates: Sequence[Rate]) -> Any:
    """Return the expression of which rate holds: what is posted by two of them is kept apart."""
    cases = [
        (begins >= _seconds(rate.from_hour), number)
        for number, rate in reversed(list(enumerate(rates, start=1)))
    ]
    return sa.case(*cases, else_=0) if cases else sa.literal(0)


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())


# --------------------------------------------------------------------------- beside


def _adjustments(
    connection: sa.Connection, cut: Cut, place: LocationCut, keys: Sequence[int]
) -> tuple[Rows, dict[int, dict[str, str]]]:
    """Return the adjustments that are counted in the period, in order, and their images' names."""
    query = (
        sa.select(images.c.name, *_ADJUSTMENT)
        .join_from(adjustments, images, images.c.image_id == adjustments.c.image_id, isouter=True)
        .where(
            adjustments.c.account_key.in_(keys),
            adjustments.c.counted_at >= cut.period.start,
            adjustments.c.counted_at < cut.period.end,
            adjustments.c.adjustment_key <= place.last_adjustment,
        )
        .order_by(adjustments.c.adjustment_key)
    )
    found: Rows = {}
    names: dict[int, dict[str, str]] = {}
    for name, *values in connection.execute(query):
        one = Adjustment(**dict(zip(_ADJUSTMENT_NAMES, values, strict=True)))
        found.setdefault(one.account_key, []).append(one)
        if name is not None:
            names.setdefault(one.account_key, {})[one.image_id] = name
    return found, names


def _minimums(connection: sa.Connection, cut: Cut, keys: Sequence[int]) -> Rows:
    """Return the minimum charges that are counted in the period; it has some once it is closed."""
    found: Rows = {}
    if cut.closed_at is None:
        return found
    query = (
        sa.select(minimum_charges)
        .where(
            minimum_charges.c.account_key.in_(keys),
            minimum_charges.c.counted_at >= cut.period.start,
            minimum_charges.c.counted_at < cut.period.end,
        )
        .order_by(minimum_charges.c.counted_at)
    )
    for row in connection.execute(query):
        found.setdefault(row.account_key, []).append(MinimumCharge(**row._mapping))
    return found
