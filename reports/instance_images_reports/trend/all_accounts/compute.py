"""Computes the trend of all accounts from sums of their images and the ledger's charges. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from instance_images.model.records import Account
from instance_images_billing.pricing.money import NANOS_PER_UNIT, round_half_even
from instance_images_billing.pricing.periods import Period
from instance_images_billing.pricing.units import UNIT_BYTES
from instance_images_reports.collect.cutoff import Cut
from instance_images_reports.statement.rounding import decimal_of
from instance_images_reports.trend.all_accounts.images import ChangeSum, GroupSum, LaneSum
from instance_images_reports.trend.all_accounts.trend import AccountMover, CurrencyTrend
from instance_images_reports.trend.compute import MOVERS, outlook_of
from instance_images_reports.trend.rate_changes import rate_changed_at
from instance_images_reports.trend.trend import Bridge, Group, PeriodTrend

if TYPE_CHECKING:
    from instance_images_reports.trend.all_accounts.movers import ImageChanges
    from instance_images_reports.trend.all_accounts.stored import Stored

_NANO_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Charges:
    """What the ledger charges all accounts in a period, and whether that is metered to its end."""

    cut: Cut
    nanos: int
    is_whole: bool


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What an account was charged in the last two periods, and the change of its images."""

    account: Account
    before: int
    after: int
    images: ChangeSum

    @property
    def nanos(self) -> int:
        """By how much the charge is more."""
        return self.after - self.before


def changes_of(
    accounts: Mapping[int, Account],
    lanes: Sequence[LaneSum],
    before: Mapping[str, int],
    after: Mapping[str, int],
) -> list[AccountChange]:
    """Return the changes of all accounts, sorted by id. ``accounts`` are by key, nanos by id."""
    images: dict[str, ChangeSum] = {}
    for lane in lanes:
        for key, change in lane.accounts.items():
            images.setdefault(accounts[key].id, ChangeSum()).add(change)
    by_id = {account.id: account for account in accounts.values()}
    return [
        AccountChange(
            by_id[one], before.get(one, 0), after.get(one, 0), images.get(one, ChangeSum())
        )
        for one in sorted(before.keys() | after.keys() | images.keys())
    ]


def largest_changes(changes: Sequence[AccountChange]) -> list[AccountChange]:
    """Return the accounts whose charge changed most; of equal changes, the first name."""
    changed = [one for one in changes if one.nanos]
    return sorted(changed, key=lambda one: (-abs(one.nanos), one.account.name, one.account.id))[
        :MOVERS
    ]


def currency_trend(
    *,
    currency: str,
    digits: int,
    charges: Sequence[Charges],
    lanes: Sequence[LaneSum],
    changes: Sequence[AccountChange],
    movers: Sequence[AccountChange],
    images: "ImageChanges",
    stored: "Stored",
    ahead: Sequence[Period],
) -> CurrencyTrend:
    """Return the trend in one currency; ``charges`` are of all periods, the first to compare."""
    unit = _unit(lanes)
    totals = [(one.is_whole, total_of(one.nanos, digits)) for one in charges]
    return CurrencyTrend(
        currency=currency,
        unit=unit,
        accounts_count=len(changes),
        periods=[
            _period(number, one, lanes, unit, digits)
            for number, one in enumerate(charges)
            if number
        ],
        bridge=_bridge(charges[-2], charges[-1], changes, currency, digits),
        movers=[_mover(one, images) for one in movers],
        movers_count=sum(1 for one in changes if one.nanos),
        stored_count=stored.count,
        largest=stored.largest,
        oldest=stored.oldest,
        idle=stored.idle,
        idle_count=stored.idle_count,
        saving=stored.saving,
        outlook=outlook_of(totals, ahead, digits),
    )


def total_of(nanos: int, digits: int) -> Decimal:
    """Return an amount of nanos with the decimals of the currency."""
    return _rounded(Fraction(nanos, NANOS_PER_UNIT), digits)


def _rounded(exact: Fraction, digits: int) -> Decimal:
    return decimal_of(round_half_even(exact * 10**digits), digits)


def _unit(lanes: Sequence[LaneSum]) -> str:
    """Return the unit of the newest rate."""
    newest = max(lanes, key=lambda one: one.lane.stretches[-1].start, default=None)
    return newest.lane.unit if newest else "GB"


def _period(
    number: int, one: Charges, lanes: Sequence[LaneSum], unit: str, digits: int
) -> PeriodTrend:
    unit_months, nanos = Fraction(0), Fraction(0)
    for each in lanes:
        parts = 0
        for used, stretch in zip(each.byte_seconds, each.lane.stretches, strict=True):
            if stretch.period == number:
                unit_months += Fraction(used, UNIT_BYTES[unit] * stretch.month_seconds)
                parts += used * stretch.weight
        nanos += Fraction(parts, each.lane.parts_per_nano)
    return PeriodTrend(
        period=one.cut.period,
        state=one.cut.period_state,
        is_whole=one.is_whole,
        total=total_of(one.nanos, digits),
        images_count=sum(each.images[number] for each in lanes),
        unit_months=_rounded(unit_months, 6),
        price=_rounded(nanos / NANOS_PER_UNIT / unit_months, 6) if unit_months else None,
        new=_group([(each.new[number], each) for each in lanes], nanos),
        ended=_group([(each.ended[number], each) for each in lanes], nanos),
        grown=_group([(each.grown[number], each) for each in lanes], nanos),
    )


def _group(sums: Sequence[tuple[GroupSum, LaneSum]], whole: Fraction) -> Group:
    part = sum((Fraction(one.parts, of.lane.parts_per_nano) for one, of in sums), Fraction(0))
    percent = _rounded(100 * part / whole, 1) if whole > 0 else None
    return Group(sum(one.count for one, _ in sums), percent)


def _bridge(
    before: Charges, after: Charges, changes: Sequence[AccountChange], currency: str, digits: int
) -> Bridge:
    images = ChangeSum()
    for one in changes:
        images.add(one.images)
    total_before, total_after = total_of(before.nanos, digits), total_of(after.nanos, digits)
    new, ended, volume, duration, price = (
        total_of(nanos, digits)
        for nanos in (images.new, images.ended, images.volume, images.duration, images.price)
    )
    return Bridge(
        before=total_before,
        new=new,
        new_count=images.new_count,
        ended=ended,
        ended_count=images.ended_count,
        volume=volume,
        duration=duration,
        month_length=total_of(images.month_length, digits),
        price=price,
        other=total_after - total_before - new - ended - volume - duration - price,
        after=total_after,
        rate_changed_at=rate_changed_at(
            [place.rates for place in after.cut.locations.values()],
            currency,
            before.cut.period.start,
            after.cut.period.end,
        ),
        cut_short=total_of(images.cut_short, digits),
        cut_short_count=images.cut_short_count,
    )


def _mover(one: AccountChange, images: "ImageChanges") -> AccountMover:
    change = one.images
    before, after, new, ended, volume, duration, month_length, cut_short, price, other = (
        decimal_of(nanos, _NANO_DIGITS)
        for nanos in (
            one.before,
            one.after,
            change.new,
            change.ended,
            change.volume,
            change.duration,
            change.month_length,
            change.cut_short,
            change.price,
            one.nanos - change.nanos,
        )
    )
    return AccountMover(
        account=one.account,
        before=before,
        after=after,
        new=new,
        new_count=change.new_count,
        ended=ended,
        ended_count=change.ended_count,
        volume=volume,
        duration=duration,
        month_length=month_length,
        cut_short=cut_short,
        price=price,
        other=other,
        images=images.of(one.account.id),
    )
