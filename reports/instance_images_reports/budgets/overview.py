"""Budgets as they stand in the running month, for a list."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images_reports.budgets.check import by_owner, read_period, running_period
from instance_images_reports.budgets.notices import Notice, list_notices
from instance_images_reports.budgets.records import Budget, list_budgets
from instance_images_reports.budgets.thresholds import CHARGE, Figures, reached
from instance_images_reports.collect.currencies import currency_digits
from instance_images_reports.collect.cutoff import list_places
from instance_images_reports.statement.budget import BudgetUse, budget_use


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """A budget, how much of it is used in the running month, and what was told of it.

    ``period`` is empty while no hour is closed. ``reached`` and ``reached_by_forecast`` are
    thresholds in percent. ``notices`` are of the running month, the oldest first.
    """

    budget: Budget
    account_name: str
    period: str
    use: BudgetUse
    reached: tuple[int, ...]
    reached_by_forecast: tuple[int, ...]
    notices: tuple[Notice, ...]


def list_states(
    connection: sa.Connection,
    locations: Collection[str],
    timezone: ZoneInfo,
    account_id: str | None = None,
) -> list[BudgetState]:
    """Return the budgets of all accounts, or of one, sorted by account and currency."""
    period = running_period(connection, locations, timezone)
    checked = None if period is None else read_period(connection, period, account_id)
    figures = {one.key: known for one, known in checked.budgets} if checked else {}
    told = by_owner(list_notices(connection, period.name, account_id)) if period else {}
    budgets = list_budgets(connection, account_ids=None if account_id is None else [account_id])
    names = _names(connection, account_id) if budgets else {}
    return [
        _state(
            one,
            names.get(one.account_id, one.account_id),
            period.name if period else "",
            figures.get(one.key),
            told.get((one.account_id, one.currency), ()),
        )
        for one in budgets
    ]


def _names(connection: sa.Connection, account_id: str | None) -> dict[str, str]:
    places = list_places(connection, account_id=account_id)
    return {each.account.id: each.account.name for each in places}


def _state(
    budget: Budget, name: str, period: str, figures: Figures | None, notices: Iterable[Notice]
) -> BudgetState:
    nothing = Decimal(0).scaleb(-currency_digits(budget.currency))
    known = figures or Figures(nothing, None, None)
    amount = budget.amount.quantize(nothing)
    marks = reached(amount, budget.thresholds, known)
    return BudgetState(
        budget=budget,
        account_name=name,
        period=period,
        use=budget_use(amount, known.charged, known.forecast),
        reached=tuple(mark.threshold for mark in marks if mark.kind == CHARGE),
        reached_by_forecast=tuple(mark.threshold for mark in marks if mark.kind != CHARGE),
        notices=tuple(notices),
    )
