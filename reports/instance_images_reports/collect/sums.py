"""What the ledger charges, added up by the database: the figures that reports are held against.

Shares no arithmetic with the statements, which come from the same postings on another way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from instance_images.db.exact import ExactSum
from instance_images.db.tables import accounts
from instance_images_billing.ledger.tables import adjustments, minimum_charges, postings
from instance_images_billing.pricing.rating import Rate
from instance_images_reports.collect.cutoff import Cut, LocationCut

NO_CURRENCY = ""  # of rows from before the location had a rate


@dataclass(frozen=True, slots=True)
class LedgerSum:
    """What an account is charged at a location in a currency: nanos, by the table they are in."""

    account_id: str
    location: str
    currency: str
    postings: int = 0
    adjustments: int = 0
    minimums: int = 0

    @property
    def nanos(self) -> int:
        """Postings, adjustments and minimum charges together, in nanos of the currency."""
        return self.postings + self.adjustments + self.minimums


def read_sums(
    connection: sa.Connection,
    cut: Cut,
    account_id: str | None = None,
    *,
    without_postings: bool = False,
) -> Sequence[LedgerSum]:
    """Return what is charged in the cut's period, sorted by account, location and currency.

    There is one for each account, location and currency that the ledger has a row of, even if it
    comes to nothing. ``without_postings``: of what is charged beside them alone.
    """
    found: dict[tuple[str, str, str], dict[str, int]] = {}
    for place in cut.locations.values():
        for table, counted_at, rated_at, more in _sources(cut, place):
            if without_postings and table is postings:
                continue
            only = _only_currency(cut, place) if table is postings else None
            conditions = (
                accounts.c.location == place.location,
                counted_at >= cut.period.start,
                counted_at < cut.period.end,
                *([] if account_id is None else [accounts.c.account_id == account_id]),
                more,
            )
            in_currency = currency_at(rated_at, place.rates) if only is None else sa.literal(only)
            for owner, currency, nanos in _added_up(
                connection, table, in_currency, conditions, by_currency=only is None
            ):
                parts = found.setdefault((owner, place.location, currency), {})
                parts[table.name] = nanos
    return [
        LedgerSum(
            *whose,
            parts.get(postings.name, 0),
            parts.get(adjustments.name, 0),
            parts.get(minimum_charges.name, 0),
        )
        for whose, parts in sorted(found.items())
    ]


def _added_up(
    connection: sa.Connection,
    table: sa.Table,
    in_currency: sa.ColumnElement[str],
    conditions: Sequence[Any],
    *,
    by_currency: bool,
) -> Sequence[Any]:
    """Return account, currency and nanos; by the account alone, SQLite need not sort the rows."""
    query = (
        sa.select(accounts.c.account_id, in_currency.label("in_currency"))
        .join_from(accounts, table, table.c.account_key == accounts.c.account_key)
        .where(*conditions)
        .group_by(accounts.c.account_id, *(["in_currency"] if by_currency else []))
    )
    return connection.execute(query.add_columns(ExactSum(table.c.amount_nanos))).all()


def _only_currency(cut: Cut, place: LocationCut) -> str | None:
    """Return the currency of all hours of the period, None where there are several or none."""
    rates = place.rates
    if not rates or rates[0].from_hour > cut.period.start:
        return None
    currencies = {rate.currency for rate in rates}
    return rates[0].currency if len(currencies) == 1 else None


def _sources(cut: Cut, place: LocationCut) -> list[tuple[sa.Table, Any, Any, Any]]:
    """Return the tables of charges, with when a row is counted, rated, and if it is in the cut."""
    sources: list[tuple[sa.Table, Any, Any, Any]] = [
        (
            adjustments,
            adjustments.c.counted_at,
            adjustments.c.corrects_at,
            adjustments.c.adjustment_key <= place.last_adjustment,
        )
    ]
    if place.metered_until is not None:
        starts_at = postings.c.starts_at
        sources.append((postings, starts_at, starts_at, starts_at < place.metered_until))
    if cut.closed_at is not None:
        counted_at = minimum_charges.c.counted_at
        sources.append((minimum_charges, counted_at, counted_at, sa.true()))
    return sources


def currency_at(instant: Any, rates: Sequence[Rate]) -> sa.ColumnElement[str]:
    """Return the expression of the currency that the location's rate has at an instant."""
    cases = [(instant >= rate.from_hour, rate.currency) for rate in reversed(rates)]
    return sa.case(*cases, else_=NO_CURRENCY) if cases else sa.literal(NO_CURRENCY)
