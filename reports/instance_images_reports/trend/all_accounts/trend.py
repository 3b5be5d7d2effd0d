"""The trend of all accounts over some periods, by currency. Pure values.

``compute`` computes every number once; renderers only print. Currencies are never added up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from instance_images.model.records import Account
from instance_images_billing.pricing.periods import Period
from instance_images_reports.trend.trend import Bridge, Mover, Outlook, PeriodTrend, StoredImage


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMover:
    """An account and the change of its charge, in amounts of nine decimals.

    The parts from ``new`` to ``other`` add up to ``change``, which is the ledger's. ``new`` and
    ``ended`` are images that were charged for in one of the two periods alone. ``month_length`` is
    the part of ``duration`` of images that were stored all of both periods, ``cut_short`` that of
    images that ended in the last one and were stored for less of it. ``other`` are
    adjustments, allowances, minimum charges, and rounding. ``images`` changed most, at most LISTED.
    """

    account: Account
    before: Decimal
    after: Decimal
    new: Decimal
    new_count: int
    ended: Decimal
    ended_count: int
    volume: Decimal
    duration: Decimal
    month_length: Decimal
    cut_short: Decimal
    price: Decimal
    other: Decimal
    images: Sequence[Mover]

    @property
    def change(self) -> Decimal:
        """By how much the charge is more."""
        return self.after - self.before

    @property
    def stored_time(self) -> Decimal:
        """The part of the duration of images that were stored for a part of a period."""
        return self.duration - self.month_length - self.cut_short

    @property
    def all_ended(self) -> Decimal:
        """What images changed that ended in one of the two periods."""
        return self.ended + self.cut_short


@dataclass(frozen=True, slots=True)
class OwnedImage:
    """A stored image and the account that is charged for it."""

    account: Account
    image: StoredImage


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyTrend:
    """What all accounts were charged over some periods in one currency, the oldest first.

    A total is that of the ledger, rounded once. ``movers`` are the accounts with the largest
    changes; ``movers_count`` is how many accounts have one. ``largest``, ``oldest`` and ``idle``,
    the dearest first, list some of the stored images; the counts and ``saving`` are of all.
    """

    currency: str
    unit: str
    accounts_count: int
    periods: Sequence[PeriodTrend]
    bridge: Bridge
    movers: Sequence[AccountMover]
    movers_count: int
    stored_count: int
    largest: Sequence[OwnedImage]
    oldest: Sequence[OwnedImage]
    idle: Sequence[OwnedImage]
    idle_count: int
    saving: Decimal
    outlook: Outlook | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountsTrend:
    """The trend of all accounts; ``idle_since`` is when an idle image was last deployed from."""

    timezone: str
    periods: Sequence[Period]
    idle_since: datetime
    currencies: Sequence[CurrencyTrend]
