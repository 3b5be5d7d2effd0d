"""What a month would have cost at another rate. Reads only."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from instance_images.config.settings import Location
from instance_images.instants import ceil_hour, floor_hour
from instance_images_billing.config import BillingSettings
from instance_images_billing.ledger import rates as ledger_rates
from instance_images_billing.ledger import watermarks
from instance_images_billing.ledger.histories import all_facts_with_news
from instance_images_billing.pricing.history import true_intervals
from instance_images_billing.pricing.periods import Period, period_before
from instance_images_billing.pricing.rating import Interval, Rate
from instance_images_billing.pricing.recomputing import Line, byte_seconds_along, line_of, nanos_of
from instance_images_billing.rates.rates import rate_with_terms


@dataclass(frozen=True, slots=True)
class Preview:
    """What was used in a period at a location, at the rates that it had and at the new one."""

    location: str
    period: str
    currency: str
    old_nanos: int
    new_nanos: int

    @property
    def difference_nanos(self) -> int:
        """By how much more it would have cost."""
        return self.new_nanos - self.old_nanos


def preview_price(
    connection: sa.Connection,
    location: Location,
    billing: BillingSettings,
    price_nanos: int,
    now: datetime,
) -> Preview:
    """Return what last month's usage would have cost at the price, with today's other terms."""
    new = rate_with_terms(location, billing, price_nanos, floor_hour(now), now)
    return preview_rate(connection, new, billing, now)


def preview_rate(
    connection: sa.Connection, new: Rate, billing: BillingSettings, now: datetime
) -> Preview:
    """Return what last month's usage would have cost at the new rate.

    What is known now of that month is priced, also what no run has taken into the ledger yet, as
    far as its hours are closed; minimum charges and decisions by hand are left out of both amounts.
    """
    timezone = billing.timezone
    period = period_before(now, timezone)
    by_account: dict[int, list[Interval]] = {}
    for _, facts in all_facts_with_news(connection, new.location, billing.billable_size):
        for one in true_intervals(facts):
            if one.account_key is not None:
                by_account.setdefault(one.account_key, []).append(one)
    rates = ledger_rates.list_rates(connection, new.location)
    closed_until = watermarks.watermark(connection, new.location)
    old_nanos = new_nanos = 0
    if closed_until is not None and closed_until > period.start:
        start, end = floor_hour(period.start), min(closed_until, ceil_hour(period.end))
        old_line = line_of(start, end, rates, timezone)
        new_line = Line(old_line.cuts, [rate and new for rate in old_line.rates], old_line.periods)
        for some in by_account.values():
            old_nanos += _cost(old_line, some, period)
            new_nanos += _cost(new_line, some, period)
    return Preview(new.location, period.name, new.currency, old_nanos, new_nanos)


def _cost(line: Line, some: list[Interval], period: Period) -> int:
    used = byte_seconds_along(line, some)
    return sum(
        nanos_of(line, index, byte_seconds)
        for index, byte_seconds in enumerate(used)
        if line.periods[index] == period
    )
