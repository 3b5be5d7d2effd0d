"""What accounts with a budget are charged in a period and expected to be, summed by the database.

The forecast is that of the reports: the same function, of sums in place of rows. The number of
queries depends on the number of locations alone, and what they read on the accounts with a budget.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from instance_images.db.exact import ExactSum
from instance_images.db.tables import accounts
from instance_images_billing.ledger.tables import adjustments, intervals, minimum_charges, postings
from instance_images_billing.pricing.corrections import LATE
from instance_images_reports.budgets.tables import budgets
from instance_images_reports.budgets.thresholds import Figures
from instance_images_reports.collect.currencies import currency_digits
from instance_images_reports.collect.cutoff import Cut, LocationCut
from instance_images_reports.collect.sums import currency_at
from instance_images_reports.statement.forecast import Standing, charged_from, forecast_from


@dataclass(slots=True)
class _Sums:
    """What is stored, and by currency what is charged and used: of an account at a location."""

    stored_bytes: int = 0
    images_count: int = 0
    charged_nanos: dict[str, int] = field(default_factory=dict)
    used_byte_seconds: dict[str, int] = field(default_factory=dict)
    used_nanos: dict[str, int] = field(default_factory=dict)

    def charge(self, currency: str, nanos: int) -> None:
        """Count a charge."""
        self.charged_nanos[currency] = self.charged_nanos.get(currency, 0) + nanos

    def use(self, currency: str, nanos: int, byte_seconds: int) -> None:
        """Count what a minimum charge is held against."""
        self.used_nanos[currency] = self.used_nanos.get(currency, 0) + nanos
        self.used_byte_seconds[currency] = self.used_byte_seconds.get(currency, 0) + byte_seconds


def read_figures(
    connection: sa.Connection, cut: Cut, wanted: Collection[tuple[str, str]]
) -> Mapping[tuple[str, str], Figures]:
    """Return the figures of the cut's period for each account id and currency that is wanted.

    All of them must have had a budget at some time. An account without images has none.
    """
    places = _places(connection)
    sums: dict[int, _Sums] = {}
    for place in cut.locations.values():
        _add_location(connection, cut, place, sums)
    return {
        (account_id, currency): _figures(cut, places[account_id], sums, currency)
        for account_id, currency in wanted
        if account_id in places
    }


def _places(connection: sa.Connection) -> Mapping[str, Sequence[tuple[str, int]]]:
    """Return location and key of each row of the accounts that have or had a budget."""
    query = sa.select(accounts.c.account_id, accounts.c.location, accounts.c.account_key).where(
        accounts.c.account_id.in_(sa.select(budgets.c.account_id))
    )
    found: dict[str, list[tuple[str, int]]] = {}
    for account_id, location, key in connection.execute(query):
        found.setdefault(account_id, []).append((location, key))
    return found


def _figures(
    cut: Cut, places: Sequence[tuple[str, int]], sums: Mapping[int, _Sums], currency: str
) -> Figures:
    standings = [
        _standing(cut.locations[location], sums.get(key, _Sums()), currency)
        for location, key in places
        if location in cut.locations
    ]
    digits = currency_digits(currency)
    is_open = cut.closed_at is None
    forecast = forecast_from(standings, cut.period, currency, digits) if is_open else None
    ends = [standing.metered_until for standing in standings]
    metered = [min(end, cut.period.end) for end in ends if end is not None]
    return Figures(
        charged_from(standings, digits),
        None if forecast is None else forecast.total,
        min(metered) if metered and len(metered) == len(ends) else None,
    )


def _standing(place: LocationCut, sums: _Sums, currency: str) -> Standing:
    return Standing(
        metered_until=place.metered_until,
        rates=place.rates,
        stored_bytes=sums.stored_bytes,
        images_count=sums.images_count,
        charged_nanos=sums.charged_nanos.get(currency, 0),
        used_byte_seconds=sums.used_byte_seconds.get(currency, 0),
        used_nanos=sums.used_nanos.get(currency, 0),
    )


def _add_location(
    connection: sa.Connection, cut: Cut, place: LocationCut, sums: dict[int, _Sums]
) -> None:
    keys = sa.select(accounts.c.account_key).where(
        accounts.c.location == place.location,
        accounts.c.account_id.in_(sa.select(budgets.c.account_id)),
    )
    rows: Any = connection.execute(_stored(cut, keys))
    for key, size_bytes, count in rows:
        of_account = sums.setdefault(key, _Sums())
        of_account.stored_bytes, of_account.images_count = size_bytes, count
    rows = connection.execute(_posted(cut, place, keys)) if place.metered_until else ()
    for key, currency, nanos, byte_seconds in rows:
        sums.setdefault(key, _Sums()).charge(currency, nanos)
        sums[key].use(currency, nanos, byte_seconds)
    rows = connection.execute(_adjusted(cut, place, keys))
    for key, currency, is_used, nanos, byte_seconds in rows:
        sums.setdefault(key, _Sums()).charge(currency, nanos)
        if is_used:
            sums[key].use(currency, nanos, byte_seconds)
    rows = connection.execute(_minimums(cut, place, keys)) if cut.closed_at else ()
    for key, currency, nanos in rows:
        sums.setdefault(key, _Sums()).charge(currency, nanos)


def _stored(cut: Cut, keys: Any) -> Any:
    columns = intervals.c
    return (
        sa.select(
            columns.account_key,
            ExactSum(columns.size_bytes),
            sa.func.count(sa.distinct(columns.image_id)),
        )
        .where(
            columns.account_key.in_(keys),
            columns.ends_at.is_(None),
            columns.starts_at < cut.period.end,
        )
        .group_by(columns.account_key)
    )


def _posted(cut: Cut, place: LocationCut, keys: Any) -> Any:
    columns = postings.c
    return (
        sa.select(
            columns.account_key,
            currency_at(columns.starts_at, place.rates).label("in_currency"),
            ExactSum(columns.amount_nanos),
            ExactSum(columns.byte_seconds),
        )
        .where(
            columns.account_key.in_(keys),
            columns.starts_at >= cut.period.start,
            columns.starts_at < cut.period.end,
            columns.starts_at < place.metered_until,
        )
        .group_by(columns.account_key, "in_currency")
    )


def _adjusted(cut: Cut, place: LocationCut, keys: Any) -> Any:
    columns = adjustments.c
    is_used = sa.case(
        (
            sa.and_(
                columns.kind == LATE,
                columns.corrects_at >= cut.period.start,
                columns.corrects_at < cut.period.end,
            ),
            1,
        ),
        else_=0,
    )
    return (
        sa.select(
            columns.account_key,
            currency_at(columns.corrects_at, place.rates).label("in_currency"),
            is_used.label("is_used"),
            ExactSum(columns.amount_nanos),
            ExactSum(columns.byte_seconds),
        )
        .where(
            columns.account_key.in_(keys),
            columns.counted_at >= cut.period.start,
            columns.counted_at < cut.period.end,
            columns.adjustment_key <= place.last_adjustment,
        )
        .group_by(columns.account_key, "in_currency", "is_used")
    )


def _minimums(cut: Cut, place: LocationCut, keys: Any) -> Any:
    columns = minimum_charges.c
    return (
        sa.select(
            columns.account_key,
            currency_at(columns.counted_at, place.rates).label("in_currency"),
            ExactSum(columns.amount_nanos),
        )
        .where(
            columns.account_key.in_(keys),
            columns.counted_at >= cut.period.start,
            columns.counted_at < cut.period.end,
        )
        .group_by(columns.account_key, "in_currency")
    )
