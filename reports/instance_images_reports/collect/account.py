"""Collects from the ledger what the statement of an account and period is computed from.

Reads the database alone: the report of an id needs no cloud, and customers who have left have one.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images.config.settings import Settings
from instance_images.errors import NotFound, UsageError
from instance_images.model.records import Account
from instance_images.names import printable
from instance_images_billing.config import billing_settings
from instance_images_billing.pricing.periods import Period, days_of, period_before
from instance_images_billing.pricing.rating import rate_at
from instance_images_reports.collect.currencies import currency_digits
from instance_images_reports.collect.cutoff import Cut, list_places, read_cut
from instance_images_reports.collect.ledgers import read_ledgers
from instance_images_reports.collect.sums import LedgerSum, read_sums
from instance_images_reports.statement.compute import state
from instance_images_reports.statement.location_ledger import LocationLedger
from instance_images_reports.statement.statement import Previous, Statement


def collect(
    connection: sa.Connection,
    settings: Settings,
    account: Account,
    period: Period,
    currency: str | None,
    locations: Collection[str] | None = None,
) -> Statement:
    """Return the account's statement; ``currency`` chooses where there are several.

    ``locations``: those that are reported, None for all. Raises NotFound where nothing is charged
    in the currency, UsageError where several are charged and none is chosen.
    """
    timezone = billing_settings(settings).timezone
    cut = read_cut(connection, period, locations)
    places = list_places(connection, account_id=account.id, locations=locations)
    ((_, ledgers),) = read_ledgers(connection, cut, days_of(period, timezone), places)
    chosen = _currency(ledgers, settings, currency)
    before = read_cut(connection, period_before(period.start, timezone), locations)
    previous = previous_by_currency(before.period, read_sums(connection, before, account.id))
    return state_in(
        timezone=timezone,
        cut=cut,
        account=account,
        currency=chosen,
        ledgers=ledgers,
        previous=previous.get(chosen),
    ).statement


def previous_by_currency(before: Period, sums: Iterable[LedgerSum]) -> dict[str, Previous]:
    """Return what an account was charged in the period before, by currency."""
    nanos: dict[str, int] = {}
    for one in sums:
        nanos[one.currency] = nanos.get(one.currency, 0) + one.nanos
    return {currency: Previous(before, total) for currency, total in nanos.items()}


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement, and the nanos that it accounts for at each location that has any row of it."""

    statement: Statement
    nanos: Mapping[str, int]

    @property
    def charged_nanos(self) -> int:
        """All that it accounts for, before it is rounded."""
        return sum(self.nanos.values())


def state_in(
    timezone: ZoneInfo,
    cut: Cut,
    account: Account,
    currency: str,
    ledgers: Sequence[LocationLedger],
    previous: Previous | None = None,
) -> Stated:
    """Return the account's statement in the currency. Raises LedgerMismatch."""
    own = [in_currency(one, currency) for one in ledgers]
    statement = state(
        account=account,
        period=cut.period,
        timezone=timezone.key,
        currency=currency,
        currency_digits=currency_digits(currency),
        ledgers=own,
        days=days_of(cut.period, timezone),
        period_state=cut.period_state,
        previous=previous,
        closed_at=cut.closed_at,
    )
    return Stated(statement, {one.location: one.charged_nanos for one in own if one.has_rows})


def currencies_of(ledgers: Sequence[LocationLedger]) -> list[str]:
    """Return the currencies that an account is charged in, sorted."""
    return sorted({rate.currency for one in ledgers for rate in one.rates})


def _currency(ledgers: Sequence[LocationLedger], settings: Settings, wanted: str | None) -> str:
    """Return the one currency to report in."""
    found = currencies_of(ledgers)
    if not found:
        found = sorted({location.currency for location in settings.locations})
    if wanted is None and len(found) == 1:
        return found[0]
    if wanted in found:
        return wanted
    if wanted is None:
        raise UsageError(
            f"The account is charged in {' and '.join(found)}, which cannot be added up: choose"
            " one.",
            case="currency",
        )
    raise NotFound(
        "Currency", printable(wanted), f"The account is charged in {' and '.join(found)}."
    )


def in_currency(one: LocationLedger, currency: str) -> LocationLedger:
    """Return the ledger with what is charged in that currency alone."""

    def is_in(instant: datetime) -> bool:
        rate = rate_at(one.rates, instant)
        return rate is not None and rate.currency == currency

    return replace(
        one,
        postings=[posting for posting in one.postings if is_in(posting.starts_at)],
        adjustments=[each for each in one.adjustments if is_in(each.corrects_at)],
        minimums=[each for each in one.minimums if is_in(each.counted_at)],
    )
