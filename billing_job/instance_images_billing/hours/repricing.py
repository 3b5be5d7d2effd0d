"""What a rate that begins in the past changes in hours that are still open. Keeps nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images.instants import ceil_hour, floor_hour
from instance_images_billing.config import BillingSettings
from instance_images_billing.hours.intervals import Books, take_news
from instance_images_billing.ledger import watermarks
from instance_images_billing.ledger.histories import all_facts
from instance_images_billing.pricing.history import true_intervals
from instance_images_billing.pricing.rating import Interval, Rate
from instance_images_billing.pricing.recomputing import byte_seconds_along, line_of, nanos_of

Totals = dict[str, int]  # nanos by currency


@dataclass(frozen=True, slots=True)
class Repricing:
    """What hours that have begun cost by the rates of now, and with the new one among them.

    ``[start, end)`` are the hours from the new rate's first on in which anything was stored. Hours
    without a rate cost nothing as long as they have none. Allowances are taken off; minimum charges
    and decisions by hand are in neither amount.
    """

    start: datetime
    end: datetime
    accounts_count: int
    old: Totals
    new: Totals


def reprice(
    connection: sa.Connection,
    known: Sequence[Rate],
    new: Rate,
    billing: BillingSettings,
    now: datetime,
) -> Repricing:
    """Return what the new rate changes, beside those ``known``, up to the present hour's end.

    Images that are stored now count to that end. The connection is one of a rehearsal, in which the
    location is locked: news are taken in.
    """
    closed_until = watermarks.watermark(connection, new.location)
    books = Books(closed_until, known, billing.timezone, now)
    take_news(connection, new.location, billing.billable_size, books)
    changed = sorted(
        [*(one for one in known if one.from_hour != new.from_hour), new],
        key=lambda rate: rate.from_hour,
    )
    end = max(ceil_hour(now), new.from_hour)
    by_account = _stored(connection, new.location, new.from_hour, end)
    begins = [floor_hour(one.starts_at) for some in by_account.values() for one in some]
    start = max(new.from_hour, min(begins, default=end))
    old, after = (
        _cost(rates, by_account, start, end, billing.timezone) for rates in (known, changed)
    )
    return Repricing(start, end, len(by_account), old, after)


def _stored(
    connection: sa.Connection, location: str, start: datetime, end: datetime
) -> dict[int, list[Interval]]:
    found: dict[int, list[Interval]] = {}
    for _, facts in all_facts(connection, location):
        for one in true_intervals(facts):
            is_over = one.ends_at is not None and ceil_hour(one.ends_at) <= start
            if one.account_key is not None and one.starts_at < end and not is_over:
                found.setdefault(one.account_key, []).append(one)
    return found


def _cost(
    rates: Sequence[Rate],
    by_account: dict[int, list[Interval]],
    start: datetime,
    end: datetime,
    timezone: ZoneInfo,
) -> Totals:
    totals: Totals = {}
    if start >= end:
        return totals
    line = line_of(start, end, rates, timezone)
    for some in by_account.values():
        for index, byte_seconds in enumerate(byte_seconds_along(line, some)):
            rate = line.rates[index]
            if rate is not None:
                nanos = nanos_of(line, index, byte_seconds)
                totals[rate.currency] = totals.get(rate.currency, 0) + nanos
    return totals
