"""The trend of an account's charges over some periods, and why the last one differs. Pure values.

``compute`` computes every number once; renderers only print.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from instance_images.model.records import Account
from instance_images_billing.pricing.periods import Period
from instance_images_reports.statement.statement import Statement


@dataclass(frozen=True, slots=True)
class Group:
    """Some images of a period, and their share of the charge of all its images, in percent.

    ``percent`` has one decimal; None where the images were charged nothing.
    """

    count: int
    percent: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodTrend:
    """An account in one period.

    ``unit_months`` are GB-months (or GiB-months) with six decimals, ``price`` is what one of them
    cost on average, with six decimals; None where there are none. ``total`` is that of the report.
    ``new`` are images that were not charged for in the period before, ``ended`` those that were
    deleted or given away, ``grown`` those that became larger. ``is_whole``: metered to its end.
    """

    period: Period
    state: str
    is_whole: bool
    total: Decimal
    images_count: int
    unit_months: Decimal
    price: Decimal | None
    new: Group
    ended: Group
    grown: Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """Why the last period's total differs from that of the period before.

    All have the decimals of the currency, and add up: ``before`` and the six parts are ``after``.
    ``volume``, ``duration`` and ``price`` are of images that were charged for in both periods.
    ``month_length`` is the part of ``duration`` of images that were stored all of both: these
    periods, or their metered parts, are of different lengths. ``cut_short`` is the part of
    ``duration`` of images that ended in the last period, and were stored for less of it than of the
    one before. ``other`` are adjustments,
    allowances, minimum charges, and what rounding makes. ``rate_changed_at`` is when rates changed
    in the two periods, None where none did, or several at different times.
    """

    before: Decimal
    new: Decimal
    ended: Decimal
    volume: Decimal
    duration: Decimal
    price: Decimal
    other: Decimal
    after: Decimal
    new_count: int = 0
    ended_count: int = 0
    month_length: Decimal = Decimal(0)
    rate_changed_at: datetime | None = None
    cut_short: Decimal = Decimal(0)
    cut_short_count: int = 0

    @property
    def stored_time(self) -> Decimal:
        """The part of ``duration`` of other images, which were stored for a part of a period."""
        return self.duration - self.month_length - self.cut_short

    @property
    def change(self) -> Decimal:
        """By how much the last total is more."""
        return self.after - self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """An image and the change of its charge, before allowances and adjustments.

    ``kind`` is ``new``, ``ended`` or ``kept``. All amounts have nine decimals; the three parts add
    up to ``change``. ``is_whole``: the image was stored all of both periods; ``has_ended``: it was
    deleted or given away in the last one.
    """

    image_id: str
    name: str
    location: str
    kind: str
    before: Decimal
    after: Decimal
    change: Decimal
    price: Decimal
    volume: Decimal
    duration: Decimal
    is_whole: bool = False
    has_ended: bool = False

    @property
    def is_cut_short(self) -> bool:
        """Whether it ended in the last period, and was stored for less of it than before."""
        return self.kind == "kept" and self.has_ended and not self.is_whole and self.duration < 0


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What the record has of an image: when it became available and was last deployed from."""

    available_at: datetime | None
    deployed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImage:
    """An image that was stored when the last period, or its metered part, ended, and still is.

    ``monthly`` is what it costs in a month at its present rate, before allowances, with the
    decimals of the currency. ``deployed_at`` is None where no deployment is on record.
    """

    image_id: str
    name: str
    location: str
    size_bytes: int
    monthly: Decimal
    available_at: datetime | None
    deployed_at: datetime | None
    is_idle: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """The forecast of the next months, with the decimals of the currency."""

    amounts: Sequence[tuple[Period, Decimal]]
    mean_error: Decimal
    errors_count: int
    basis_months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """What an account was charged over some periods in one currency, the oldest first.

    ``largest`` and ``oldest`` hold at most LISTED images, ``idle`` all that were not deployed from
    since ``idle_since``, the dearest first; ``saving`` is what they cost in a month together.
    """

    account: Account
    currency: str
    timezone: str
    unit: str
    periods: Sequence[PeriodTrend]
    bridge: Bridge
    movers: Sequence[Mover]
    movers_count: int
    stored_count: int
    largest: Sequence[StoredImage]
    oldest: Sequence[StoredImage]
    idle: Sequence[StoredImage]
    idle_since: datetime
    saving: Decimal
    outlook: Outlook | None


class Course(Protocol):
    """What the trends of an account and of all accounts have in common, in one currency."""

    @property
    def currency(self) -> str:
        """The code of the currency."""
        ...

    @property
    def unit(self) -> str:
        """What quantities are counted in: GB or GiB."""
        ...

    @property
    def periods(self) -> Sequence[PeriodTrend]:
        """The periods, the oldest first."""
        ...

    @property
    def bridge(self) -> Bridge:
        """Why the last period differs from the one before."""
        ...

    @property
    def outlook(self) -> Outlook | None:
        """The forecast."""
        ...


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement, and whether its whole period is metered and lies in the ledger's time."""

    statement: Statement
    is_whole: bool
