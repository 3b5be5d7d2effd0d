"""Checks that every statement adds up to what the ledger charges, for ``meter verify``."""

from collections.abc import Sequence

import sqlalchemy as sa

from instance_images.config.settings import Settings
from instance_images.errors import ConfigurationError
from instance_images.model.records import Account
from instance_images.names import printable
from instance_images_billing.audit.readable import findings_of, unreadable_everywhere
from instance_images_billing.config import billing_settings
from instance_images_billing.ledger.tables import adjustments, postings
from instance_images_billing.pricing.periods import Period, days_of, periods_between
from instance_images_reports.batch.account_files import Member, batches_of
from instance_images_reports.collect.account import currencies_of, state_in
from instance_images_reports.collect.cutoff import Cut, list_places, read_cut
from instance_images_reports.collect.ledgers import read_ledgers
from instance_images_reports.statement.location_ledger import LocationLedger
from instance_images_reports.statement.rounding import LedgerMismatch
from instance_images_reports.statement.statement import Statement

_MOST_PERIODS = 1200  # a hundred years


def check_statements(
    connection: sa.Connection, settings: Settings, locations: Sequence[str]
) -> list[str]:
    """Return the statements of the locations' accounts that do not add up, one sentence each.

    Where rows of the ledger cannot be read, only that is returned.
    """
    if unreadable_everywhere(connection):
        return ["statements: not checked, because rows of the ledger cannot be read"]
    return findings_of("statements", lambda: _check_all(connection, settings, locations))


def _check_all(
    connection: sa.Connection, settings: Settings, locations: Sequence[str]
) -> list[str]:
    members = [
        Member(places, {})
        for places in list_places(connection)
        if not places.keys.keys().isdisjoint(locations)
    ]
    batches = batches_of(connection, members)
    timezone = billing_settings(settings).timezone
    findings: list[str] = []
    periods = _periods(connection, settings)
    if len(periods) > _MOST_PERIODS:
        first, last = periods[0].name, periods[-1].name
        return [f"statements: not checked, because rows are of the months {first} to {last}"]
    for period in periods:
        try:
            cut = read_cut(connection, period)
        except ConfigurationError as error:
            findings.append(f"statements, {period.name}: {error}")
            continue
        days = days_of(period, timezone)
        for batch in batches:
            places = [member.places for member in batch.members]
            for account, ledgers in read_ledgers(connection, cut, days, places):
                findings += _check(settings, cut, account, ledgers)
    return findings


def _periods(connection: sa.Connection, settings: Settings) -> Sequence[Period]:
    """Return the periods in which anything is counted, and those between."""
    edges = []
    for at in (postings.c.starts_at, adjustments.c.counted_at):
        for edge in (sa.func.min(at), sa.func.max(at)):
            edges.append(connection.execute(sa.select(edge)).scalar_one_or_none())
    known = [edge for edge in edges if edge is not None]
    if not known:
        return []
    return periods_between(min(known), max(known), billing_settings(settings).timezone)


def _check(
    settings: Settings, cut: Cut, account: Account, ledgers: Sequence[LocationLedger]
) -> list[str]:
    name = f"{printable(account.name)} ({printable(account.id)}), {cut.period.name}"
    charged = sum(one.charged_nanos for one in ledgers)
    exact = 0
    findings = []
    for currency in currencies_of(ledgers):
        try:
            stated = state_in(billing_settings(settings).timezone, cut, account, currency, ledgers)
        except LedgerMismatch as error:
            return [f"{name}, {currency}: {error}"]
        exact += stated.charged_nanos
        faults = _faults(stated.statement, stated.charged_nanos)
        findings += [f"{name}, {currency}: {fault}" for fault in faults]
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
