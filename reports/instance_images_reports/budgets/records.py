"""Rows of budgets. Functions take a connection and never commit."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from instance_images_billing.pricing.money import decimal_of
from instance_images_reports.budgets.tables import budgets


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What an account may cost a month in a currency, and who is told when it does.

    ``amount_nanos`` is None where the budget was removed. ``thresholds`` are percents, sorted.
    """

    key: int
    account_id: str
    currency: str
    amount_nanos: int | None
    thresholds: tuple[int, ...]
    mail_to: tuple[str, ...]
    webhook_url: str
    locale: str
    set_at: datetime

    @property
    def amount(self) -> Decimal:
        """The monthly amount, with nine decimals."""
        return decimal_of(self.amount_nanos or 0)

    @property
    def channels(self) -> tuple[str, ...]:
        """How notices are delivered."""
        mail = ("mail",) if self.mail_to else ()
        return (*mail, "webhook") if self.webhook_url else mail


def add_budget(connection: sa.Connection, budget: Budget) -> None:
    """Record the budget, in place of the one before; its ``key`` is ignored."""
    connection.execute(
        sa.insert(budgets).values(
            account_id=budget.account_id,
            currency=budget.currency,
            amount_nanos=budget.amount_nanos,
            thresholds=",".join(map(str, budget.thresholds)),
            mail_to=",".join(budget.mail_to),
            webhook_url=budget.webhook_url,
            locale=budget.locale,
            set_at=budget.set_at,
        )
    )


def list_budgets(
    connection: sa.Connection,
    *,
    account_ids: Collection[str] | None = None,
    before: datetime | None = None,
) -> list[Budget]:
    """Return the budgets that count, sorted by account and currency; None: of all accounts.

    ``before``: those that counted just before that instant. A removed budget is none.
    """
    query = (
        sa.select(budgets)
        .where(
            budgets.c.budget_key.in_(newest_keys(account_ids, before)),
            budgets.c.amount_nanos.is_not(None),
        )
        .order_by(budgets.c.account_id, budgets.c.currency)
    )
    return [
        Budget(
            key=row.budget_key,
            account_id=row.account_id,
            currency=row.currency,
            amount_nanos=row.amount_nanos,
            thresholds=tuple(map(int, row.thresholds.split(","))),
            mail_to=tuple(filter(None, row.mail_to.split(","))),
            webhook_url=row.webhook_url,
            locale=row.locale,
            set_at=row.set_at,
        )
        for row in connection.execute(query)
    ]


def find_budget(connection: sa.Connection, account_id: str, currency: str) -> Budget | None:
    """Return the budget of the account in the currency, None if it has none."""
    found = list_budgets(connection, account_ids=[account_id])
    return next((one for one in found if one.currency == currency), None)


def newest_keys(account_ids: Collection[str] | None, before: datetime | None) -> sa.Select[Any]:
    """Return the query of the key of the last row of each account and currency."""
    query = sa.select(sa.func.max(budgets.c.budget_key)).group_by(
        budgets.c.account_id, budgets.c.currency
    )
    if account_ids is not None:
        query = query.where(budgets.c.account_id.in_(account_ids))
    return query if before is None else query.where(budgets.c.set_at < before)
