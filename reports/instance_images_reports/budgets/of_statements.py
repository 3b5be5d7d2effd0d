"""Puts an account's budget beside its statement."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from decimal import Decimal

import sqlalchemy as sa

from instance_images_billing.pricing.periods import Period
from instance_images_reports.budgets.records import Budget, list_budgets
from instance_images_reports.statement.budget import budget_use
from instance_images_reports.statement.statement import Statement

Budgets = Mapping[tuple[str, str], Budget]


def budgets_of(connection: sa.Connection, period: Period, account_ids: Collection[str]) -> Budgets:
    """Return the budgets that count in the period, by account and currency.

    Of a period that has ended these are the ones that counted at its end, for good.
    """
    found = list_budgets(connection, account_ids=account_ids, before=period.end)
    return {(one.account_id, one.currency): one for one in found}


def with_budget(statement: Statement, budgets: Budgets) -> Statement:
    """Return the statement with how much of its budget is used, if the account has one.

    A budget is held against what the ledger charges; sections that others add are not part of it.
    """
    budget = budgets.get((statement.account.id, statement.currency))
    if budget is None or not statement.sections:
        return statement
    images = statement.sections[0]
    amount: Decimal = budget.amount.quantize(images.total)
    forecast = None if images.forecast is None else images.forecast.total
    return replace(statement, budget=budget_use(amount, images.total, forecast))
