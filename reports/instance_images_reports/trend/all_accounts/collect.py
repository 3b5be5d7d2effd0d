"""Collects the trend of all accounts from the ledger.

Intervals are streamed image by image; postings are added up by the database. What is held in memory
grows with the accounts and not with the images.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby

import sqlalchemy as sa

from instance_images.config.settings import Settings
from instance_images.errors import NotFound
from instance_images.names import printable
from instance_images_billing.config import billing_settings
from instance_images_billing.ledger.beginning import first_counted
from instance_images_billing.ledger.tables import intervals
from instance_images_billing.pricing.periods import Period, period_before
from instance_images_reports.collect.currencies import currency_digits
from instance_images_reports.collect.cutoff import Cut, list_places, read_cut
from instance_images_reports.collect.sums import NO_CURRENCY, LedgerSum, read_sums
from instance_images_reports.trend.all_accounts.charges import read_charges
from instance_images_reports.trend.all_accounts.compute import (
    AccountChange,
    Charges,
    changes_of,
    currency_trend,
    largest_changes,
)
from instance_images_reports.trend.all_accounts.images import LaneSum, Piece
from instance_images_reports.trend.all_accounts.lanes import Lane, lanes_of
from instance_images_reports.trend.all_accounts.movers import ImageChanges
from instance_images_reports.trend.all_accounts.stored import Stored, read_stored
from instance_images_reports.trend.all_accounts.trend import AccountsTrend, CurrencyTrend
from instance_images_reports.trend.collect import months_before, next_periods, shown_periods

_ROWS_AT_A_TIME = 10_000


def collect_accounts_trend(
    connection: sa.Connection,
    settings: Settings,
    last: Period,
    *,
    periods: int,
    currency: str | None,
    idle_months: int,
) -> AccountsTrend:
    """Return the trend of all accounts over so many periods, the ``last`` one included.

    The connection must read a snapshot. ``currency`` chooses one; None for all that were charged.
    Raises NotFound where nothing is charged in it.
    """
    timezone = billing_settings(settings).timezone
    begins = first_counted(connection)
    shown = shown_periods(last, periods, begins, timezone)
    cuts = [read_cut(connection, one) for one in (period_before(shown[0].start, timezone), *shown)]
    books = _Books(connection, cuts, begins)
    metered = [one.metered_until for one in cuts[-1].locations.values()]
    known = [min(one, last.end) for one in metered if one is not None]
    idle_since = months_before(min(known, default=last.start), idle_months, timezone)
    chosen = _chosen(books.currencies, currency)
    stored = books.stored(idle_since)
    whole = [cut.period for cut, is_whole in zip(cuts, books.whole, strict=True) if is_whole]
    ahead = next_periods(whole[-1] if whole else last, timezone)
    return AccountsTrend(
        timezone=timezone.key,
        periods=shown,
        idle_since=idle_since,
        currencies=[books.trend_in(one, ahead, stored) for one in chosen],
    )


def _chosen(currencies: Sequence[str], wanted: str | None) -> Sequence[str]:
    if wanted is None:
        return currencies
    if wanted not in currencies:
        known = " and ".join(currencies) or "no currency"
        raise NotFound("Currency", printable(wanted), f"The accounts are charged in {known}.")
    return [wanted]


class _Books:
    """What the ledger holds of the periods, read once for all currencies."""

    def __init__(
        self, connection: sa.Connection, cuts: Sequence[Cut], begins: datetime | None
    ) -> None:
        self.connection = connection
        self.cuts = cuts
        known = list_places(connection)
        self.accounts = {key: each.account for each in known for key in each.keys.values()}
        self.places = {key: name for each in known for name, key in each.keys.items()}
        self.sums = [_without_none(read_sums(connection, cut)) for cut in cuts[-2:]]
        self.totals = [
            *(read_charges(connection, cut) for cut in cuts[:-2]),
            *(_totals(sums) for sums in self.sums),
        ]
        self.whole = [_is_whole(cut, begins) for cut in cuts]
        self.lanes = [LaneSum(lane) for lane in lanes_of(cuts)]
        _add_images(connection, cuts, self.lanes, self.places)
        charged = {currency for found in self.totals for currency in found}
        self.currencies = sorted(charged | {one.lane.currency for one in self.lanes})

    def stored(self, idle_since: datetime) -> Mapping[str, Stored]:
        """Return by currency what is stored when the last period ends."""
        lanes = [one.lane for one in self.lanes]
        return read_stored(
            self.connection,
            self.currencies,
            lanes,
            self.cuts[-1],
            self.accounts,
            self.places,
            idle_since,
        )

    def trend_in(
        self, currency: str, ahead: Sequence[Period], stored: Mapping[str, Stored]
    ) -> CurrencyTrend:
        """Return the trend in one currency."""
        lanes = [one for one in self.lanes if one.lane.currency == currency]
        digits = currency_digits(currency)
        changes = changes_of(self.accounts, lanes, *(_of_accounts(s, currency) for s in self.sums))
        movers = largest_changes(changes)
        images = self._images_of(movers, lanes)
        charges = [
            Charges(cut, totals.get(currency, 0), is_whole)
            for cut, totals, is_whole in zip(self.cuts, self.totals, self.whole, strict=True)
        ]
        return currency_trend(
            currency=currency,
            digits=digits,
            charges=charges,
            lanes=lanes,
            changes=changes,
            movers=movers,
            images=images,
            stored=stored[currency],
            ahead=ahead,
        )

    def _images_of(self, movers: Sequence[AccountChange], lanes: Sequence[LaneSum]) -> ImageChanges:
        """Return the images of these accounts whose charge changed most."""
        chosen = {one.account.id for one in movers}
        keys = [key for key, account in self.accounts.items() if account.id in chosen]
        found = ImageChanges({key: self.accounts[key].id for key in keys})
        if keys:
            by_location = _by_location([one.lane for one in lanes])
            for pieces in _images(self.connection, self.cuts[-2:], keys):
                for lane in by_location.get(self.places[pieces[0].account_key], ()):
                    found.add(lane, pieces)
        found.name(self.connection)
        return found


def _add_images(
    connection: sa.Connection,
    cuts: Sequence[Cut],
    lanes: Sequence[LaneSum],
    places: Mapping[int, str],
) -> None:
    by_location: dict[str, list[LaneSum]] = {}
    for one in lanes:
        by_location.setdefault(one.lane.location, []).append(one)
    by_key = {key: by_location.get(name, []) for key, name in places.items()}
    for pieces in _images(connection, cuts):
        for lane in by_key[pieces[0].account_key]:
            lane.add(pieces)
    for one in lanes:
        one.close()


def _images(
    connection: sa.Connection, cuts: Sequence[Cut], keys: Sequence[int] | None = None
) -> Iterator[Sequence[Piece]]:
    """Yield each image's intervals of one account in the periods, sorted by their start."""
    columns = intervals.c
    first, last = int(cuts[0].period.start.timestamp()), int(cuts[-1].period.end.timestamp())
    starts = sa.type_coerce(columns.starts_at, sa.BigInteger)
    ends = sa.type_coerce(columns.ends_at, sa.BigInteger)
    query = (
        sa.select(
            columns.image_id,
            columns.account_key,
            columns.size_bytes,
            starts,
            ends,
            columns.continues,
            columns.is_continued,
        )
        .where(starts < last, sa.or_(ends.is_(None), ends > first - first % 3600))
        .order_by(columns.image_id, columns.starts_at)
    )
    if keys is not None:
        query = query.where(columns.account_key.in_(keys))
    rows = connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME))
    for _, group in groupby(map(Piece._make, rows), key=lambda piece: piece.image_id):
        pieces = list(group)
        owners = {piece.account_key for piece in pieces} if len(pieces) > 1 else ()
        if len(owners) < 2:
            yield pieces
            continue
        for owner in sorted(owners):
            yield [piece for piece in pieces if piece.account_key == owner]


def _by_location(lanes: Sequence[Lane]) -> dict[str, list[Lane]]:
    found: dict[str, list[Lane]] = {}
    for lane in lanes:
        found.setdefault(lane.location, []).append(lane)
    return found


def _is_whole(cut: Cut, begins: datetime | None) -> bool:
    """Return whether all of the period is metered, and the ledger began before it."""
    ends = [one.metered_until for one in cut.locations.values()]
    return (
        begins is not None
        and begins <= cut.period.start
        and all(end is not None and end >= cut.period.end for end in ends)
    )


def _without_none(sums: Sequence[LedgerSum]) -> list[LedgerSum]:
    return [one for one in sums if one.currency != NO_CURRENCY]


def _totals(sums: Sequence[LedgerSum]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in sums:
        found[one.currency] = found.get(one.currency, 0) + one.nanos
    return found


def _of_accounts(sums: Sequence[LedgerSum], currency: str) -> dict[str, int]:
    """Return the nanos of each account in the currency, by its id."""
    found: dict[str, int] = {}
    for one in sums:
        if one.currency == currency:
            found[one.account_id] = found.get(one.account_id, 0) + one.nanos
    return found
