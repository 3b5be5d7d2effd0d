"""Checks that every statement adds up to what the ledger charges, for ``meter verify``."""

from collections.abc import Sequence

import sqlalchemy as sa

from instance_images.config import Settings
from instance_images.domain import Account
from instance_images.names import printable
from instance_images.tables import accounts
from instance_images_billing.periods import Period, periods_between
from instance_images_billing.tables import adjustments, postings
from instance_images_reports.collect import collect_ledgers, state_in
from instance_images_reports.rounding import LedgerMismatch
from instance_images_reports.statement import Statement


def check_statements(
    connection: sa.Connection, settings: Settings, locations: Sequence[str]
) -> list[str]:
    """Return the statements of the locations' accounts that do not add up, one sentence each."""
    findings: list[str] = []
    query = (
        sa.select(accounts.c.account_id, sa.func.max(accounts.c.account_name))
        .where(accounts.c.location.in_(locations))
        .group_by(accounts.c.account_id)
        .order_by(accounts.c.account_id)
    )
    for account in [Account(*row) for row in connection.execute(query)]:
        for period in _periods(connection, settings, account):
            findings += _check(connection, settings, account, period)
    return findings


def _periods(connection: sa.Connection, settings: Settings, account: Account) -> list[Period]:
    """Return the periods in which anything of the account is counted."""
    own = sa.select(accounts.c.account_key).where(accounts.c.account_id == account.id)
    edges = []
    for table, at in ((postings, postings.c.starts_at), (adjustments, adjustments.c.counted_at)):
        query = sa.select(sa.func.min(at), sa.func.max(at)).where(table.c.account_key.in_(own))
        edges += [edge for edge in connection.execute(query).one() if edge is not None]
    if not edges:
        return []
    return list(periods_between(min(edges), max(edges), settings.billing.timezone))


def _check(
    connection: sa.Connection, settings: Settings, account: Account, period: Period
) -> list[str]:
    name = f"{printable(account.name)} ({printable(account.id)}), {period.name}"
    ledgers = collect_ledgers(connection, account, period)
    charged = sum(one.charged_nanos for one in ledgers)
    currencies = sorted({rate.currency for one in ledgers for rate in one.rates})
    exact = 0
    findings = []
    for currency in currencies:
        try:
            statement, nanos = state_in(connection, settings, account, period, currency, ledgers)
        except LedgerMismatch as error:
            return [f"{name}, {currency}: {error}"]
        exact += nanos
        findings += [f"{name}, {currency}: {fault}" for fault in _faults(statement, nanos)]
    if exact != charged:
        findings.append(f"{name}: the statements leave out {charged - exact} nanos")
    return findings


def _faults(statement: Statement, nanos: int) -> list[str]:
    faults = []
    total = statement.total
    for section in statement.sections:
        parts = [line.amount for line in section.lines]
        parts += [one.amount for one in section.adjustments]
        if sum(parts) != section.total:
            faults.append(f"its lines and adjustments add up to {sum(parts)}, not {section.total}")
    if sum(section.total for section in statement.sections) != total:
        faults.append("its sections do not add up to its total")
    exponent = total.as_tuple().exponent
    assert isinstance(exponent, int)
    if abs(total.scaleb(9) - nanos) * 2 > 10 ** (9 + exponent):
        faults.append(f"its total is {total}, and {nanos} nanos are charged")
    return faults
