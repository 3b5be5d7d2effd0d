"""Holds what accounts are charged against their budgets, and records the thresholds reached.

Gather in one snapshot, decide without the database, apply in one short transaction: hours can be
closed meanwhile. What another run recorded meanwhile is seen in the transaction, or ends it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from instance_images.db.engine import Database
from instance_images_billing.ledger.tables import watermarks
from instance_images_billing.pricing.periods import Period, period_before, period_of
from instance_images_reports.budgets.figures import read_figures
from instance_images_reports.budgets.notices import Notice, add_notices, lapse, list_notices
from instance_images_reports.budgets.records import Budget, list_budgets, newest_keys
from instance_images_reports.budgets.thresholds import (
    MAX_THRESHOLD,
    Figures,
    Mark,
    news_of,
    reached,
)
from instance_images_reports.collect.cutoff import read_cut

_RACES_IN_A_ROW = 5
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Checked:
    """The budgets of a period with what their accounts are charged; None: no image yet."""

    period: Period
    budgets: Sequence[tuple[Budget, Figures | None]]


def running_period(
    connection: sa.Connection, locations: Collection[str], timezone: ZoneInfo
) -> Period | None:
    """Return the period of the last closed hour of these locations, None if none is closed."""
    query = sa.select(sa.func.max(watermarks.c.hour)).where(watermarks.c.location.in_(locations))
    last = connection.execute(query).scalar()
    return None if last is None else period_of(last - _SECOND, timezone)


def check_budgets(
    database: Database, locations: Collection[str], timezone: ZoneInfo, now: datetime
) -> list[Checked]:
    """Record the thresholds that closed hours have reached; return what was looked at.

    That is the period of the last closed hour, and the one before while it is open: its last hours
    may be closed late. Once it is closed, nothing is told of it any more.
    """
    with database.snapshot() as connection:
        running = running_period(connection, locations, timezone)
        if running is None:
            return []
        before = period_before(running.start, timezone)
        found = [read_period(connection, period) for period in (running, before)]
    checked = [one for one in found if one is not None]
    for one in checked:
        _record(database, one, now)
    return checked


def read_period(
    connection: sa.Connection, period: Period, account_id: str | None = None
) -> Checked | None:
    """Return the period's budgets with their figures, None where the period is closed."""
    account_ids = None if account_id is None else [account_id]
    budgets = list_budgets(connection, account_ids=account_ids, before=period.end)
    if not budgets:
        return Checked(period, [])
    cut = read_cut(connection, period)
    if cut.closed_at is not None:
        return None
    figures = read_figures(connection, cut, {(one.account_id, one.currency) for one in budgets})
    return Checked(period, [(one, figures.get((one.account_id, one.currency))) for one in budgets])


def _record(database: Database, checked: Checked, now: datetime) -> None:
    """Record what is new; where another run did so at the same time, look again."""
    crossed = [
        (budget, figures, marks)
        for budget, figures in checked.budgets
        if figures is not None and (marks := reached(budget.amount, budget.thresholds, figures))
    ]
    if not crossed:
        return
    for _ in range(_RACES_IN_A_ROW):
        try:
            database.write(lambda connection: _add(connection, checked.period, crossed, now))
        except IntegrityError:
            continue
        return


def _add(
    connection: sa.Connection,
    period: Period,
    crossed: Iterable[tuple[Budget, Figures, Sequence[Mark]]],
    now: datetime,
) -> None:
    known = by_owner(list_notices(connection, period.name))
    current = {key for (key,) in connection.execute(newest_keys(None, period.end))}
    for budget, figures, marks in crossed:
        if budget.key not in current:
            continue  # it was changed since; the next run sees the new one
        own = known.get((budget.account_id, budget.currency), ())
        standing = {notice.mark for notice in own if notice.lapsed_at is None}
        news = list(news_of(marks, standing))
        add_notices(connection, budget, period.name, figures, news, _occurrences(own), now)


def by_owner(notices: Iterable[Notice]) -> Mapping[tuple[str, str], Sequence[Notice]]:
    """Return the notices by account and currency, in their order."""
    found: dict[tuple[str, str], list[Notice]] = {}
    for notice in notices:
        found.setdefault(notice.whose, []).append(notice)
    return found


def _occurrences(notices: Iterable[Notice]) -> Mapping[Mark, int]:
    """Return the number of the next notice of each threshold."""
    found: dict[Mark, int] = {}
    for notice in notices:
        found[notice.mark] = max(found.get(notice.mark, 0), notice.occurrence + 1)
    return found


def rearm(connection: sa.Connection, checked: Checked, now: datetime) -> list[Mark]:
    """Put the notices out of force whose thresholds the budget, as it is now, does not reach.

    Returns these thresholds: they will be told again when they are reached.
    """
    lapsed: list[Mark] = []
    for budget, figures in checked.budgets:
        if figures is None:
            continue
        marks = set(_reached_of_any(budget, figures))
        own = [
            one
            for one in list_notices(connection, checked.period.name, budget.account_id)
            if one.currency == budget.currency and one.lapsed_at is None and one.mark not in marks
        ]
        lapse(connection, own, now)
        lapsed += [one.mark for one in own]
    return sorted(set(lapsed))


def _reached_of_any(budget: Budget, figures: Figures) -> list[Mark]:
    """Return the thresholds that are reached, of all that could ever have been set."""
    return reached(budget.amount, range(1, MAX_THRESHOLD + 1), figures)
