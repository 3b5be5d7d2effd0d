"""Sets and removes budgets, in one transaction with what that means for their notices."""

from collections.abc import Sequence

import sqlalchemy as sa

from instance_images.config.settings import Settings
from instance_images.db.engine import Database
from instance_images.errors import NotFound, UsageError
from instance_images.model.records import Account
from instance_images.names import printable
from instance_images_billing.ledger.rates import list_rates
from instance_images_billing.pricing.periods import Period
from instance_images_reports.budgets import notices
from instance_images_reports.budgets.check import Checked, read_period, rearm
from instance_images_reports.budgets.records import Budget, add_budget, find_budget, list_budgets
from instance_images_reports.budgets.thresholds import Mark
from instance_images_reports.collect.cutoff import list_places


def choose_currency(
    connection: sa.Connection, settings: Settings, account: Account, wanted: str | None
) -> str:
    """Return the currency of a budget: one that the account is or can be charged in.

    Raises UsageError where there are several and none is chosen, or where it is none of them.
    """
    [places] = list_places(connection, account_id=account.id)
    rates = [rate for name in places.keys for rate in list_rates(connection, name)]
    known = sorted(
        {rate.currency for rate in rates} | {location.currency for location in settings.locations}
    )
    if wanted is None and len(known) > 1:
        raise UsageError(
            f"The account can be charged in {' and '.join(known)}, which cannot be added up: choose"
            " one.",
            case="currency",
        )
    if wanted is not None and wanted not in known:
        raise UsageError(
            f"{printable(wanted)!r} is not a currency of this deployment: it has"
            f" {' and '.join(known)}."
        )
    return wanted or known[0]


def set_budget(database: Database, budget: Budget, period: Period | None) -> Sequence[Mark]:
    """Set the budget in place of the one before; return the thresholds that are told again.

    These are the ones that were reached in the period, and that a raised amount puts out of reach.
    Notices that could not be sent yet are due at once, for whom the new budget names.
    """

    def work(connection: sa.Connection) -> Sequence[Mark]:
        before = find_budget(connection, budget.account_id, budget.currency)
        add_budget(connection, budget)
        if period is None:
            return []
        found = read_period(connection, period, budget.account_id)
        own = [one for one in found.budgets if one[0].currency == budget.currency] if found else []
        is_raised = before is None or (budget.amount_nanos or 0) > (before.amount_nanos or 0)
        rearmed = rearm(connection, Checked(period, own), budget.set_at) if is_raised else []
        whose = budget.account_id, budget.currency
        notices.try_again(connection, *whose, period.name, budget.set_at)
        return rearmed

    return database.write(work)


def unset_budgets(database: Database, removed: Sequence[Budget]) -> None:
    """Record that the accounts have no budget any more; what was not sent yet is not sent."""

    def work(connection: sa.Connection) -> None:
        for budget in removed:
            add_budget(connection, budget)
            notices.cancel_all(connection, budget.account_id, budget.currency)

    database.write(work)


def budgets_to_unset(
    connection: sa.Connection, account_id: str, currency: str | None
) -> Sequence[Budget]:
    """Return the account's budget in the currency, or in the only one. Raises NotFound, UsageError.

    An account that is gone from the cloud still has its budgets.
    """
    found = list_budgets(connection, account_ids=[account_id])
    chosen = [one for one in found if currency in (None, one.currency)]
    if not chosen:
        known = ", ".join(one.currency for one in found) or "none"
        hint = f"Currencies with a budget: {known}."
        raise NotFound("Budget of account", account_id, hint, case="budgets")
    if len(chosen) > 1:
        known = " and ".join(one.currency for one in chosen)
        raise UsageError(f"The account has budgets in {known}: choose one.", case="currency")
    return chosen
