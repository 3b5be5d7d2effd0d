"""Collects the statements that the trend of an account is computed from."""

import calendar
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images.config.settings import Settings
from instance_images.model.records import Account
from instance_images_billing.config import billing_settings
from instance_images_billing.ledger.beginning import first_counted
from instance_images_billing.ledger.rates import list_rates
from instance_images_billing.pricing.periods import Period, period_before, period_of
from instance_images_reports.collect.account import collect
from instance_images_reports.collect.currencies import currency_digits
from instance_images_reports.collect.image_facts import read_image_facts
from instance_images_reports.statement.statement import Statement
from instance_images_reports.trend.compute import trend_of
from instance_images_reports.trend.forecast import MONTHS_AHEAD
from instance_images_reports.trend.rate_changes import rate_changed_at
from instance_images_reports.trend.trend import ImageFacts, Stated, Trend


def collect_trend(
    connection: sa.Connection,
    settings: Settings,
    account: Account,
    last: Period,
    *,
    periods: int,
    currency: str | None,
    idle_months: int,
) -> Trend:
    """Return the trend of the account over so many periods, the ``last`` one included.

    Periods before the ledger's first hour are left out, but for the last one and the one before.
    Raises NotFound and UsageError for the currency, as ``collect`` does.
    """
    timezone = billing_settings(settings).timezone
    begins = first_counted(connection)
    shown = shown_periods(last, periods, begins, timezone)
    stated = []
    for period in (period_before(shown[0].start, timezone), *shown):
        statement = collect(connection, settings, account, period, currency)
        is_metered = statement.metered_until is not None and statement.metered_until >= period.end
        has_begun = begins is not None and begins <= period.start
        stated.append(Stated(statement, is_metered and has_begun))
    whole = [one.statement.period for one in stated if one.is_whole]
    return trend_of(
        stated,
        next_periods(whole[-1] if whole else last, timezone),
        {
            image_id: ImageFacts(available_at, deployed_at)
            for image_id, available_at, deployed_at in read_image_facts(connection, account.id)
        },
        months_before(stated[-1].statement.metered_until or last.start, idle_months, timezone),
        currency_digits(stated[-1].statement.currency),
        _rate_changed_at(connection, [one.statement for one in stated[-2:]]),
    )


def _rate_changed_at(connection: sa.Connection, statements: Sequence[Statement]) -> datetime | None:
    """Return when the rates changed that the two statements are charged at."""
    before, after = statements
    lines = [line for one in statements for line in one.sections[0].lines]
    rates = [list_rates(connection, name) for name in sorted({line.location for line in lines})]
    return rate_changed_at(rates, after.currency, before.period.start, after.period.end)


def shown_periods(
    last: Period, count: int, begins: datetime | None, timezone: ZoneInfo
) -> list[Period]:
    """Return the periods to show, the oldest first."""
    found = [last]
    while len(found) < count and begins is not None and begins < found[0].start:
        found.insert(0, period_before(found[0].start, timezone))
    return found


def next_periods(period: Period, timezone: ZoneInfo) -> list[Period]:
    """Return the periods that follow."""
    found = []
    for _ in range(MONTHS_AHEAD):
        period = period_of(period.end, timezone)
        found.append(period)
    return found


def months_before(instant: datetime, months: int, timezone: ZoneInfo) -> datetime:
    """Return the same local day and time so many months earlier, or the last day of that month."""
    local = instant.astimezone(timezone)
    index = local.year * 12 + local.month - 1 - months
    year, month = index // 12, index % 12 + 1
    day = min(local.day, calendar.monthrange(year, month)[1])
    return local.replace(year=year, month=month, day=day).astimezone(instant.tzinfo)
