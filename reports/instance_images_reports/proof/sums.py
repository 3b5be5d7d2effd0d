"""Proves by sums, without making them, that the reports of a period come to what is charged in it.

A statement has lines, which are intervals at their rates, and a total, which is what is charged. It
can be made where both are the same, so that is what is proved of each account and rate:

- its intervals have as many byte-seconds as its postings, and
- each posting's amount is that of its byte-seconds, but for the half nano that rounding may add.

The rows beside the postings are added up one by one here, and by the database for the ledger.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from instance_images.db.exact import ExactSum
from instance_images.instants import HOUR, floor_hour
from instance_images.names import printable
from instance_images_billing.ledger.postings import account_keys, usage
from instance_images_billing.ledger.tables import adjustments, minimum_charges, postings
from instance_images_billing.pricing.periods import Period
from instance_images_billing.pricing.rating import (
    Rate,
    charge_nanos,
    charged_byte_seconds,
    rate_at,
)
from instance_images_reports.batch.reconciliation import Where
from instance_images_reports.collect.cutoff import Cut, LocationCut, list_places
from instance_images_reports.statement.lines import rated_ranges
from instance_images_reports.statement.rounding import DOES_NOT_ADD_UP

_ROWS_AT_A_TIME = 10_000


@dataclass(slots=True)
class _Posted:
    """What one account was posted at one rate; ``charged`` are byte-seconds that are not free."""

    rows: int = 0
    byte_seconds: int = 0
    charged: int = 0
    nanos: int = 0


def reported_sums(connection: sa.Connection, cut: Cut) -> tuple[dict[Where, int], list[str]]:
    """Return what the statements come to, and which could not be made, one sentence each."""
    owners = {
        key: each.account.id for each in list_places(connection) for key in each.keys.values()
    }
    reported: dict[Where, int] = {}
    faults: list[str] = []

    def add(key: int, place: LocationCut, rate: Rate | None, nanos: int) -> None:
        if rate is not None:
            where = (owners[key], place.location, rate.currency)
            reported[where] = reported.get(where, 0) + nanos

    for place in cut.locations.values():
        faulty: dict[tuple[str, str], None] = {}
        for rate, start, end in _ranges(cut, place):
            posted = _posted(connection, cut.period, place, rate, start, end)
            used = usage(connection, place.location, start, end, rate.partial_hour)
            stored = {one.account_key: one.byte_seconds for one in used}
            for key in posted.keys() | stored.keys():
                found = posted.get(key, _Posted())
                if not _is_right(found, stored.get(key, 0), rate, cut.period):
                    faulty[owners[key], rate.currency] = None
                if found.rows:
                    add(key, place, rate, found.nanos)
        for key, at, nanos in _beside(connection, cut, place):
            add(key, place, rate_at(place.rates, at), nanos)
        faults += [_fault(*whose, place.location) for whose in sorted(faulty)]
    return reported, faults


def _ranges(cut: Cut, place: LocationCut) -> list[tuple[Rate, datetime, datetime]]:
    """Return the metered part of the period, cut where rates change."""
    if place.metered_until is None:
        return []
    return rated_ranges(place.rates, cut.period.start, min(cut.period.end, place.metered_until))


def _is_right(posted: _Posted, byte_seconds: int, rate: Rate, period: Period) -> bool:
    """Return whether postings are the intervals, charged at the rate."""
    exact = charge_nanos(posted.charged, rate, period)
    return posted.byte_seconds == byte_seconds and 2 * abs(posted.nanos - exact) <= posted.rows


def _fault(account_id: str, currency: str, location: str) -> str:
    return f"account {printable(account_id)}, {location}, {currency}: {DOES_NOT_ADD_UP}"


# -------------------------------------------------------------------------- postings


def _posted(
    connection: sa.Connection,
    period: Period,
    place: LocationCut,
    rate: Rate,
    start: datetime,
    end: datetime,
) -> dict[int, _Posted]:
    """Return what was posted in ``[start, end)``, by account."""
    columns = postings.c
    within: Sequence[sa.ColumnElement[bool]] = (
        columns.account_key.in_(account_keys(place.location)),
        columns.starts_at >= start,
        columns.starts_at < end,
    )
    if rate.free_bytes:
        return _by_hour(connection, period, rate, within)
    query = (
        sa.select(
            columns.account_key,
            sa.func.count(),
            ExactSum(columns.byte_seconds),
            ExactSum(columns.amount_nanos),
        )
        .where(*within)
        .group_by(columns.account_key)
    )
    return {
        key: _Posted(rows, byte_seconds, byte_seconds, nanos)
        for key, rows, byte_seconds, nanos in connection.execute(query)
    }


def _by_hour(
    connection: sa.Connection,
    period: Period,
    rate: Rate,
    within: Sequence[sa.ColumnElement[bool]],
) -> dict[int, _Posted]:
    """Do the same where something is free in every hour: each posting is looked at by itself."""
    found: dict[int, _Posted] = {}
    query = sa.select(postings).where(*within)
    for row in _streamed(connection, query):
        one = found.setdefault(row.account_key, _Posted())
        ends = min(floor_hour(row.starts_at) + HOUR, period.end)
        seconds = int((ends - row.starts_at).total_seconds())
        one.rows += 1
        one.byte_seconds += row.byte_seconds
        one.charged += charged_byte_seconds(row.byte_seconds, rate, seconds)
        one.nanos += row.amount_nanos
    return found


def _beside(
    connection: sa.Connection, cut: Cut, place: LocationCut
) -> Iterator[tuple[int, datetime, int]]:
    """Yield adjustments and minimum charges: whose, the instant that has their rate, and nanos."""
    sources: list[tuple[Any, Any, Any]] = [
        (
            adjustments,
            adjustments.c.corrects_at,
            adjustments.c.adjustment_key <= place.last_adjustment,
        )
    ]
    if cut.closed_at is not None:
        sources.append((minimum_charges, minimum_charges.c.counted_at, sa.true()))
    for table, rated_at, more in sources:
        query = sa.select(table.c.account_key, rated_at, table.c.amount_nanos).where(
            table.c.account_key.in_(account_keys(place.location)),
            table.c.counted_at >= cut.period.start,
            table.c.counted_at < cut.period.end,
            more,
        )
        yield from _streamed(connection, query)


def _streamed(connection: sa.Connection, query: Any) -> Iterator[Any]:
    """Yield rows without holding all of them in memory."""
    yield from connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME))
