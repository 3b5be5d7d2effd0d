"""The images that are stored when the last period ends: idle ones, the largest and the oldest.

The database counts them, adds them up and chooses those to list.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import sqlalchemy as sa

from instance_images.db.exact import ExactSum
from instance_images.db.tables import accounts, images
from instance_images.model.records import Account
from instance_images_billing.ledger.tables import intervals
from instance_images_billing.pricing.money import NANOS_PER_UNIT, round_half_even
from instance_images_billing.pricing.units import UNIT_BYTES
from instance_images_reports.collect.cutoff import Cut
from instance_images_reports.collect.image_facts import last_deployment
from instance_images_reports.statement.rounding import decimal_of
from instance_images_reports.trend.all_accounts.lanes import Lane
from instance_images_reports.trend.all_accounts.trend import OwnedImage
from instance_images_reports.trend.compute import LISTED
from instance_images_reports.trend.trend import StoredImage
from instance_images_reports.trend.words import SHOWN_IDLE


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored in a currency; ``saving`` is what the idle images cost in a month."""

    count: int
    idle_count: int
    saving: Decimal
    largest: Sequence[OwnedImage]
    oldest: Sequence[OwnedImage]
    idle: Sequence[OwnedImage]


def read_stored(
    connection: sa.Connection,
    lanes: Iterable[Lane],
    cut: Cut,
    owners: Mapping[int, Account],
    idle_since: datetime,
    digits: int,
) -> Stored:
    """Return what is stored at the locations that charge in the lanes' currency at the end."""
    count = idle_count = 0
    saving = Fraction(0)
    largest: list[OwnedImage] = []
    oldest: list[OwnedImage] = []
    idle: list[OwnedImage] = []
    for lane in lanes:
        if not lane.is_last:
            continue
        reader = _Reader(connection, lane, cut, owners, idle_since, digits)
        total, of_idle, idle_bytes = reader.counts()
        count, idle_count = count + total, idle_count + of_idle
        saving += reader.monthly(idle_bytes)
        largest += reader.listed(intervals.c.size_bytes.desc(), LISTED)
        oldest += reader.listed(images.c.available_at, LISTED, images.c.available_at.is_not(None))
        idle += reader.listed(intervals.c.size_bytes.desc(), SHOWN_IDLE, reader.is_idle)
    return Stored(
        count,
        idle_count,
        _rounded(saving, digits),
        _first(largest, lambda image: -image.size_bytes, LISTED),
        _first(oldest, lambda image: image.available_at, LISTED),
        _first(idle, lambda image: -image.monthly, SHOWN_IDLE),
    )


def _first(
    found: Iterable[OwnedImage], order: Callable[[StoredImage], Any], count: int
) -> list[OwnedImage]:
    return sorted(found, key=lambda one: (order(one.image), one.image.image_id))[:count]


def _rounded(amount: Fraction, digits: int) -> Decimal:
    return decimal_of(round_half_even(amount * 10**digits), digits)


class _Reader:
    """Reads the stored images of one location."""

    def __init__(
        self,
        connection: sa.Connection,
        lane: Lane,
        cut: Cut,
        owners: Mapping[int, Account],
        idle_since: datetime,
        digits: int,
    ) -> None:
        self.connection, self.lane, self.owners, self.digits = connection, lane, owners, digits
        self.idle_since = idle_since
        until = cut.locations[lane.location].metered_until
        end = cut.period.end if until is None else min(cut.period.end, until)
        self.deployed_at = last_deployment()
        self.is_idle = sa.and_(
            images.c.available_at <= idle_since,
            sa.func.coalesce(sa.type_coerce(self.deployed_at, sa.BigInteger), 0)
            < int(idle_since.timestamp()),
        )
        self.source = intervals.join(images, images.c.image_id == intervals.c.image_id)
        here = sa.select(accounts.c.account_key).where(accounts.c.location == lane.location)
        self.conditions = (
            intervals.c.account_key.in_(here),
            intervals.c.starts_at < end,
            sa.or_(intervals.c.ends_at.is_(None), intervals.c.ends_at >= end),
            images.c.deleted_at.is_(None),
        )

    def monthly(self, size_bytes: int) -> Fraction:
        """Return what so many bytes cost in a month at the present rate."""
        price = Fraction(self.lane.price_nanos, NANOS_PER_UNIT)
        return price * size_bytes / UNIT_BYTES[self.lane.unit]

    def counts(self) -> tuple[int, int, int]:
        """Return how many images are stored, how many are idle, and the bytes of these."""
        idle_bytes = sa.case((self.is_idle, intervals.c.size_bytes))
        query = (
            sa.select(sa.func.count(), sa.func.count(idle_bytes), ExactSum(idle_bytes))
            .select_from(self.source)
            .where(*self.conditions)
        )
        total, idle_count, size_bytes = self.connection.execute(query).one()
        return int(total), int(idle_count), int(size_bytes or 0)

    def listed(self, order: Any, count: int, *more: Any) -> list[OwnedImage]:
        """Return the first images in that order."""
        # The ids alone first: what else is shown is read for these images, not for all.
        query = (
            sa.select(intervals.c.image_id, intervals.c.starts_at)
            .select_from(self.source)
            .where(*self.conditions, *more)
            .order_by(order, intervals.c.image_id)
            .limit(count)
        )
        found = {row[0]: row[1] for row in self.connection.execute(query)}
        if not found:
            return []
        facts = (
            sa.select(
                intervals.c.account_key,
                intervals.c.image_id,
                images.c.name,
                intervals.c.size_bytes,
                images.c.available_at,
                self.deployed_at,
                sa.case((self.is_idle, 1), else_=0),
                intervals.c.starts_at,
            )
            .select_from(self.source)
            .where(intervals.c.image_id.in_(found))
        )
        rows = self.connection.execute(facts)
        return [self._owned(*row[:-1]) for row in rows if found[row[1]] == row[-1]]

    def _owned(
        self,
        key: int,
        image_id: str,
        name: str,
        size_bytes: int,
        available_at: datetime | None,
        deployed_at: datetime | None,
        is_idle: int,
    ) -> OwnedImage:
        image = StoredImage(
            image_id=image_id,
            name=name,
            location=self.lane.location,
            size_bytes=size_bytes,
            monthly=_rounded(self.monthly(size_bytes), self.digits),
            available_at=available_at,
            deployed_at=deployed_at,
            is_idle=bool(is_idle),
        )
        return OwnedImage(self.owners[key], image)
