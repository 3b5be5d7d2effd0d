"""The summary over all accounts, for finance: who is charged how much, and what has changed. Pure.

An account is charged the total of its report, rounded once; what accounts are charged together is
the sum of these totals. Locations stand with their exact amounts, because no report rounds them.
Currencies are never added up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from instance_images.model.records import Account
from instance_images_billing.pricing.money import NANOS_PER_UNIT, decimal_of, round_half_even
from instance_images_billing.pricing.periods import Period
from instance_images_reports.collect.cutoff import Cut
from instance_images_reports.collect.sums import LedgerSum
from instance_images_reports.statement import rounding

MOVERS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCharge:
    """What an account is charged, and was in the period before.

    ``total`` and ``total_before`` have the decimals of the currency, ``exact`` has nine. A total
    is None where nothing was charged in that period, not even 0. ``percent`` has one decimal, and
    is None where there is no more than 0 to compare with.
    """

    account: Account
    total: Decimal | None
    exact: Decimal
    total_before: Decimal | None
    change: Decimal
    percent: Decimal | None


@dataclass(frozen=True, slots=True)
class LocationCharge:
    """What all accounts are charged at a location, exactly, and were in the period before."""

    location: str
    accounts_count: int
    exact: Decimal
    exact_before: Decimal


@dataclass(frozen=True, slots=True)
class AddedCharge:
    """What a section that others added comes to in the reports of all accounts together."""

    section: str
    accounts_count: int
    total: Decimal


@dataclass(frozen=True, slots=True)
class AddedToAccount:
    """What the sections that others added come to in the report of an account."""

    account: Account
    total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencySummary:
    """What is charged in one currency.

    ``accounts`` are all that are charged, the dearest first. ``risen`` and ``fallen`` are those of
    them that were charged before and changed most, ``new`` were not charged before; ``gone`` are
    charged no more. Each of these four holds at most MOVERS; the counts are of all.
    ``rounding`` is what the accounts' totals together are more than the exact amount. All of these
    are the charges of images; ``added`` are those of sections that others added,
    ``added_to`` the same by account; some of these accounts may have no images.
    """

    currency: str
    total: Decimal
    exact: Decimal
    rounding: Decimal
    total_before: Decimal
    change: Decimal
    percent: Decimal | None
    locations: Sequence[LocationCharge]
    accounts: Sequence[AccountCharge]
    risen: Sequence[AccountCharge]
    fallen: Sequence[AccountCharge]
    new: Sequence[AccountCharge]
    gone: Sequence[AccountCharge]
    new_count: int
    gone_count: int
    added: Sequence[AddedCharge] = ()
    added_to: Sequence[AddedToAccount] = ()

    @property
    def report_total(self) -> Decimal:
        """What all reports come to: images and added sections."""
        return sum((one.total for one in self.added), self.total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What all accounts are charged in a period, beside the period before.

    ``metered_until`` is, for each location, up to where it is metered, the end of the period at
    the latest; None where it is not metered at all. ``period_digest`` is that of a closed period.
    """

    period: Period
    period_before: Period
    timezone: str
    period_state: str
    metered_until: Mapping[str, datetime | None]
    currencies: Sequence[CurrencySummary]
    period_digest: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether every location is metered to the end of the period."""
        return all(until == self.period.end for until in self.metered_until.values())


def summarise(
    cut: Cut,
    before: Cut,
    timezone: str,
    names: Mapping[str, str],
    sums: Sequence[LedgerSum],
    sums_before: Sequence[LedgerSum],
    digits: Mapping[str, int],
    added: Mapping[str, Sequence[AddedCharge]] | None = None,
    added_to: Mapping[str, Sequence[AddedToAccount]] | None = None,
) -> Summary:
    """Compute the summary.

    ``names`` are those of the accounts by id, ``digits`` how many decimals a currency is paid in,
    ``added`` and ``added_to`` the charges of added sections by currency.
    """
    added = added or {}
    currencies = sorted({*(one.currency for one in [*sums, *sums_before]), *added})
    return Summary(
        period=cut.period,
        period_before=before.period,
        timezone=timezone,
        period_state=cut.period_state,
        metered_until={
            place.location: place.metered_until and min(place.metered_until, cut.period.end)
            for place in cut.locations.values()
        },
        currencies=[
            _in_currency(
                currency,
                digits[currency],
                names,
                [one for one in sums if one.currency == currency],
                [one for one in sums_before if one.currency == currency],
                added.get(currency, ()),
                (added_to or {}).get(currency, ()),
            )
            for currency in currencies
        ],
        period_digest=cut.digest,
    )


def total_of(nanos: int, digits: int) -> Decimal:
    """Return an amount of nanos rounded as the total of a report is."""
    minor_nanos = NANOS_PER_UNIT // 10**digits
    return rounding.decimal_of(round_half_even(Fraction(nanos, minor_nanos)), digits)


def _in_currency(
    currency: str,
    digits: int,
    names: Mapping[str, str],
    sums: Sequence[LedgerSum],
    sums_before: Sequence[LedgerSum],
    added: Sequence[AddedCharge],
    added_to: Sequence[AddedToAccount],
) -> CurrencySummary:
    nanos, nanos_before = _by_account(sums), _by_account(sums_before)
    both = [
        _account(Account(one, names[one]), nanos.get(one), nanos_before.get(one), digits)
        for one in sorted(nanos.keys() | nanos_before.keys())
    ]
    charged = [one for one in both if one.total is not None]
    changed = [one for one in charged if one.total_before is not None]
    new = [one for one in charged if one.total_before is None]
    gone = [one for one in both if one.total is None]
    zero = rounding.decimal_of(0, digits)
    total = sum((one.total for one in charged if one.total is not None), zero)
    total_before = sum((one.total_before for one in both if one.total_before is not None), zero)
    exact = decimal_of(sum(nanos.values()))
    return CurrencySummary(
        currency=currency,
        total=total,
        exact=exact,
        rounding=total - exact,
        total_before=total_before,
        change=total - total_before,
        percent=_percent(total - total_before, total_before),
        locations=_locations(sums, sums_before),
        accounts=_ranked(charged),
        risen=sorted((one for one in changed if one.change > 0), key=_by_change)[:MOVERS],
        fallen=sorted((one for one in changed if one.change < 0), key=_by_change, reverse=True)[
            :MOVERS
        ],
        new=_ranked(new)[:MOVERS],
        gone=sorted(gone, key=_by_change, reverse=True)[:MOVERS],
        new_count=len(new),
        gone_count=len(gone),
        added=added,
        added_to=added_to,
    )


def _by_account(sums: Iterable[LedgerSum]) -> dict[str, int]:
    nanos: dict[str, int] = {}
    for one in sums:
        nanos[one.account_id] = nanos.get(one.account_id, 0) + one.nanos
    return nanos


def _account(
    account: Account, nanos: int | None, nanos_before: int | None, digits: int
) -> AccountCharge:
    total = None if nanos is None else total_of(nanos, digits)
    total_before = None if nanos_before is None else total_of(nanos_before, digits)
    zero = rounding.decimal_of(0, digits)
    change = (total or zero) - (total_before or zero)
    exact = decimal_of(nanos or 0)
    return AccountCharge(
        account=account,
        total=total,
        exact=exact,
        total_before=total_before,
        change=change,
        percent=_percent(change, total_before or zero),
    )


def _percent(change: Decimal, before: Decimal) -> Decimal | None:
    if before <= 0:
        return None
    return rounding.decimal_of(round_half_even(Fraction(change) * 1000 / Fraction(before)), 1)


def _ranked(charged: Iterable[AccountCharge]) -> list[AccountCharge]:
    """Return the dearest first; those of the same total in the order of their exact amounts."""
    return sorted(charged, key=lambda one: (-(one.total or 0), -one.exact, one.account.id))


def _by_change(one: AccountCharge) -> tuple[Decimal, str]:
    return -one.change, one.account.id


def _locations(sums: Sequence[LedgerSum], sums_before: Sequence[LedgerSum]) -> list[LocationCharge]:
    names = sorted({one.location for one in [*sums, *sums_before]})
    return [
        LocationCharge(
            name,
            sum(1 for one in sums if one.location == name),
            decimal_of(sum(one.nanos for one in sums if one.location == name)),
            decimal_of(sum(one.nanos for one in sums_before if one.location == name)),
        )
        for name in names
    ]
