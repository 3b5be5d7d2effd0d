"""The images that are stored when the last period ends: idle ones, the largest and the oldest.

All stored images are read once, for all currencies. What is held in memory are sums and the few
images to list; their names are read for these alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import sqlalchemy as sa

from instance_images.db.tables import images, tasks
from instance_images.model.records import Account, TaskKind
from instance_images_billing.ledger.tables import intervals
from instance_images_billing.pricing.money import NANOS_PER_UNIT, round_half_even
from instance_images_billing.pricing.units import UNIT_BYTES
from instance_images_reports.collect.currencies import currency_digits
from instance_images_reports.collect.cutoff import Cut
from instance_images_reports.collect.image_facts import last_deployment
from instance_images_reports.statement.rounding import decimal_of
from instance_images_reports.trend.all_accounts.lanes import Lane
from instance_images_reports.trend.all_accounts.trend import OwnedImage
from instance_images_reports.trend.compute import LISTED
from instance_images_reports.trend.trend import StoredImage
from instance_images_reports.trend.words import SHOWN_IDLE

_ROWS_AT_A_TIME = 10_000


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored in a currency; ``saving`` is what the idle images cost in a month."""

    count: int
    idle_count: int
    saving: Decimal
    largest: Sequence[OwnedImage]
    oldest: Sequence[OwnedImage]
    idle: Sequence[OwnedImage]


class _Row(NamedTuple):
    """A stored image; instants are seconds since 1970."""

    image_id: str
    account_key: int
    size_bytes: int
    starts: int
    ends: int | None
    available: int | None
    was_deployed: int


@dataclass(slots=True)
class _First:
    """The first rows in an order, of all that are offered; the order is given with each."""

    count: int
    kept: list[tuple[Any, str, _Row]] = field(default_factory=list)
    last: Any = None  # nothing behind it can be among the first any more

    def offer(self, order: Any, row: _Row) -> None:
        """Keep the row if it may be among the first; of equal ones, the first id is."""
        if self.last is not None and order > self.last:
            return
        self.kept.append((order, row.image_id, row))
        if len(self.kept) >= 4 * self.count:
            self.last = self.rows()[-1][0]

    def rows(self) -> list[tuple[Any, str, _Row]]:
        """Return the first rows, each with its order and its id; forget the others."""
        self.kept = sorted(self.kept)[: self.count]
        return self.kept


@dataclass(slots=True)
class _Shelf:
    """What is stored at a location when its metered part of the period ends."""

    lane: Lane
    end: int
    idle_since: int
    count: int = 0
    idle_count: int = 0
    idle_bytes: int = 0
    largest: _First = field(default_factory=lambda: _First(LISTED))
    oldest: _First = field(default_factory=lambda: _First(LISTED))
    idle: _First = field(default_factory=lambda: _First(SHOWN_IDLE))

    def add(self, row: _Row) -> None:
        """Add an image, if it is stored at the end."""
        if row.starts >= self.end or (row.ends is not None and row.ends < self.end):
            return
        self.count += 1
        self.largest.offer(-row.size_bytes, row)
        if row.available is not None:
            self.oldest.offer(row.available, row)
        if self.is_idle(row):
            self.idle_count += 1
            self.idle_bytes += row.size_bytes
            self.idle.offer(-row.size_bytes, row)

    def is_idle(self, row: _Row) -> bool:
        """Return whether the image is old enough, and was not deployed from since then."""
        available = row.available
        return available is not None and available <= self.idle_since and not row.was_deployed

    def monthly(self, size_bytes: int) -> Fraction:
        """Return what so many bytes cost in a month at the present rate."""
        price = Fraction(self.lane.price_nanos, NANOS_PER_UNIT)
        return price * size_bytes / UNIT_BYTES[self.lane.unit]


def read_stored(
    connection: sa.Connection,
    currencies: Iterable[str],
    lanes: Iterable[Lane],
    cut: Cut,
    owners: Mapping[int, Account],
    locations: Mapping[int, str],
    idle_since: datetime,
) -> dict[str, Stored]:
    """Return by currency what is stored at the end, at the locations whose rate is in it then.

    ``owners`` and ``locations`` are by the keys of the accounts.
    """
    since = int(idle_since.timestamp())
    shelves = {one.location: _Shelf(one, _end(one, cut), since) for one in lanes if one.is_last}
    if shelves:
        by_key = {key: shelves[name] for key, name in locations.items() if name in shelves}
        for row in _rows(connection, [one.end for one in shelves.values()], since):
            shelf = by_key.get(row.account_key)
            if shelf is not None:
                shelf.add(row)
    return {
        currency: _stored(
            connection,
            [one for one in shelves.values() if one.lane.currency == currency],
            owners,
            currency_digits(currency),
        )
        for currency in currencies
    }


def _end(lane: Lane, cut: Cut) -> int:
    until = cut.locations[lane.location].metered_until
    return int((cut.period.end if until is None else min(cut.period.end, until)).timestamp())


def _rows(connection: sa.Connection, ends: Sequence[int], idle_since: int) -> Iterable[_Row]:
    """Return all images that may be stored at one of the ends, in no order."""
    was_deployed = (
        sa.select(tasks.c.image_id)
        .where(
            tasks.c.kind == TaskKind.DEPLOY,
            sa.type_coerce(tasks.c.started_at, sa.BigInteger) >= idle_since,
        )
        .group_by(tasks.c.image_id)
        .subquery()
    )
    starts_at, ends_at, available_at = (
        sa.type_coerce(column, sa.BigInteger)
        for column in (intervals.c.starts_at, intervals.c.ends_at, images.c.available_at)
    )
    query = (
        sa.select(
            intervals.c.image_id,
            intervals.c.account_key,
            intervals.c.size_bytes,
            starts_at,
            ends_at,
            available_at,
            sa.case((was_deployed.c.image_id.is_not(None), 1), else_=0),
        )
        .select_from(
            intervals.join(images, images.c.image_id == intervals.c.image_id).outerjoin(
                was_deployed, was_deployed.c.image_id == intervals.c.image_id
            )
        )
        .where(
            starts_at < max(ends),
            sa.or_(ends_at.is_(None), ends_at >= min(ends)),
            images.c.deleted_at.is_(None),
        )
    )
    found = connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME))
    return map(_Row._make, found)


def _stored(
    connection: sa.Connection,
    shelves: Sequence[_Shelf],
    owners: Mapping[int, Account],
    digits: int,
) -> Stored:
    """Put the shelves of one currency together."""
    found = {
        "largest": _merged(
            [(order, row, one) for one in shelves for order, _, row in one.largest.rows()]
        )[:LISTED],
        "oldest": _merged(
            [(order, row, one) for one in shelves for order, _, row in one.oldest.rows()]
        )[:LISTED],
        "idle": _merged(
            [
                (-one.monthly(row.size_bytes), row, one)
                for one in shelves
                for _, _, row in one.idle.rows()
            ]
        )[:SHOWN_IDLE],
    }
    facts = _facts(connection, {row.image_id for rows in found.values() for row, _ in rows})
    listed = {
        name: [
            OwnedImage(owners[row.account_key], _image(row, shelf, *facts[row.image_id], digits))
            for row, shelf in rows
        ]
        for name, rows in found.items()
    }
    saving = sum((one.monthly(one.idle_bytes) for one in shelves), Fraction(0))
    return Stored(
        count=sum(one.count for one in shelves),
        idle_count=sum(one.idle_count for one in shelves),
        saving=_rounded(saving, digits),
        **listed,
    )


def _merged(found: Iterable[tuple[Any, _Row, _Shelf]]) -> list[tuple[_Row, _Shelf]]:
    """Return the rows of several shelves in the order that is given with each."""
    return [
        (row, shelf) for _, row, shelf in sorted(found, key=lambda one: (one[0], one[1].image_id))
    ]


def _image(
    row: _Row, shelf: _Shelf, name: str, deployed_at: datetime | None, digits: int
) -> StoredImage:
    return StoredImage(
        image_id=row.image_id,
        name=name,
        location=shelf.lane.location,
        size_bytes=row.size_bytes,
        monthly=_rounded(shelf.monthly(row.size_bytes), digits),
        available_at=None if row.available is None else datetime.fromtimestamp(row.available, UTC),
        deployed_at=deployed_at,
        is_idle=shelf.is_idle(row),
    )


def _facts(
    connection: sa.Connection, image_ids: Iterable[str]
) -> dict[str, tuple[str, datetime | None]]:
    """Return name and last deployment of these images."""
    query = sa.select(images.c.image_id, images.c.name, last_deployment()).where(
        images.c.image_id.in_(sorted(image_ids))
    )
    return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def _rounded(amount: Fraction, digits: int) -> Decimal:
    return decimal_of(round_half_even(amount * 10**digits), digits)
