"""The months in which an account is charged for something, and how much."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images_billing.ledger.beginning import first_counted
from instance_images_billing.pricing.periods import periods_between
from instance_images_reports.collect.cutoff import Cut, read_cut
from instance_images_reports.collect.sums import NO_CURRENCY, read_sums


@dataclass(frozen=True, slots=True)
class Month:
    """What an account is charged in a period in one currency, as far as hours are closed."""

    period: str
    currency: str
    state: str
    total_nanos: int
    metered_until: datetime | None


def list_months(
    connection: sa.Connection, account_id: str, now: datetime, timezone: ZoneInfo
) -> list[Month]:
    """Return the account's months, the oldest first."""
    first = first_counted(connection)
    if first is None:
        return []
    cuts = [read_cut(connection, period) for period in periods_between(first, now, timezone)]
    return [month for cut in cuts for month in _months(connection, cut, account_id)]


def _months(connection: sa.Connection, cut: Cut, account_id: str) -> Sequence[Month]:
    nanos: dict[str, int] = {}
    for one in read_sums(connection, cut, account_id):
        if one.currency != NO_CURRENCY:
            nanos[one.currency] = nanos.get(one.currency, 0) + one.nanos
    known = [one.metered_until for one in cut.locations.values() if one.metered_until is not None]
    until = min([*known, cut.period.end]) if known else None
    return [
        Month(cut.period.name, currency, cut.period_state, total, until)
        for currency, total in sorted(nanos.items())
    ]
