"""The months in which an account is charged for something, and how much."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images_billing.ledger.beginning import first_counted
from instance_images_billing.pricing.periods import days_of, periods_between
from instance_images_reports.collect.account import in_currency
from instance_images_reports.collect.currencies import currency_digits
from instance_images_reports.collect.cutoff import AccountPlaces, Cut, list_places, read_cut
from instance_images_reports.collect.ledgers import read_ledgers
from instance_images_reports.collect.sums import NO_CURRENCY, read_sums
from instance_images_reports.statement.forecast import forecast_of


@dataclass(frozen=True, slots=True)
class Month:
    """What an account is charged in a period in one currency, as far as hours are closed.

    ``forecast`` has the decimals of the currency; None where all hours of the period are closed.
    """

    period: str
    currency: str
    state: str
    total_nanos: int
    metered_until: datetime | None
    forecast: Decimal | None


def list_months(
    connection: sa.Connection,
    account_id: str,
    now: datetime,
    timezone: ZoneInfo,
    locations: Collection[str] | None = None,
) -> list[Month]:
    """Return the account's months, the oldest first; ``locations``: there, None for all."""
    first = first_counted(connection)
    if first is None:
        return []
    periods = periods_between(first, now, timezone)
    cuts = [read_cut(connection, period, locations) for period in periods]
    places = list_places(connection, account_id=account_id, locations=locations)
    return [
        month for cut in cuts for month in _months(connection, cut, account_id, places, timezone)
    ]


def _months(
    connection: sa.Connection,
    cut: Cut,
    account_id: str,
    places: Sequence[AccountPlaces],
    timezone: ZoneInfo,
) -> Sequence[Month]:
    nanos: dict[str, int] = {}
    for one in read_sums(connection, cut, account_id):
        if one.currency != NO_CURRENCY:
            nanos[one.currency] = nanos.get(one.currency, 0) + one.nanos
    known = [one.metered_until for one in cut.locations.values() if one.metered_until is not None]
    until = min([*known, cut.period.end]) if known else None
    expected = _forecasts(connection, cut, sorted(nanos), places, timezone)
    return [
        Month(cut.period.name, currency, cut.period_state, total, until, expected.get(currency))
        for currency, total in sorted(nanos.items())
    ]


def _forecasts(
    connection: sa.Connection,
    cut: Cut,
    currencies: Sequence[str],
    places: Sequence[AccountPlaces],
    timezone: ZoneInfo,
) -> Mapping[str, Decimal]:
    """Return what the account will have been charged at the end of an open period, by currency."""
    if cut.closed_at is not None or not currencies:
        return {}
    ((_, ledgers),) = read_ledgers(connection, cut, days_of(cut.period, timezone), places)
    found: dict[str, Decimal] = {}
    for currency in currencies:
        own = [in_currency(one, currency) for one in ledgers]
        forecast = forecast_of(own, cut.period, currency, currency_digits(currency))
        if forecast is not None:
            found[currency] = forecast.total
    return found
