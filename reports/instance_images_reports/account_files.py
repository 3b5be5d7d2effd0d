"""Makes the reports of a batch of accounts: what an engine runs, on any process or host.

A batch is small enough to be held in memory; a report is written before the next one is made.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images.database import Database
from instance_images.domain import Account
from instance_images.tables import images
from instance_images_billing.periods import days_of
from instance_images_reports.account_ledgers import read_ledgers
from instance_images_reports.collect import Stated, currencies_of, state_in
from instance_images_reports.cut import AccountPlaces, Cut
from instance_images_reports.file_names import account_file_name
from instance_images_reports.formats import FORMATS, Presentation, render
from instance_images_reports.location_ledger import LocationLedger
from instance_images_reports.manifest import AccountFile, file_of
from instance_images_reports.output_directory import write_new
from instance_images_reports.rounding import LedgerMismatch
from instance_images_reports.statement import Previous, Statement

_IMAGES_AT_A_TIME = 5_000
_ACCOUNTS_AT_A_TIME = 200


@dataclass(frozen=True, slots=True)
class Member:
    """An account to report on, and what it was charged in the period before, by currency."""

    places: AccountPlaces
    previous: Mapping[str, Previous]


@dataclass(frozen=True, slots=True)
class Target:
    """Where reports are written and how: the folder must be the same for all who write to it."""

    directory: Path
    output_format: str
    presentation: Presentation


@dataclass(frozen=True, slots=True)
class Assignment:
    """All that must be known to make the reports of any batch; nothing is written without target.

    ``database_url`` has the password in it.
    """

    database_url: str = field(repr=False)
    timezone: ZoneInfo
    cut: Cut
    target: Target | None


@dataclass(frozen=True, slots=True)
class Made:
    """The reports of a batch, and the accounts that could have none, one sentence each."""

    accounts_count: int
    files: Sequence[AccountFile]
    faults: Sequence[str]


def batches_of(connection: sa.Connection, members: Sequence[Member]) -> list[list[Member]]:
    """Part the accounts into batches of few accounts that had few images."""
    query = sa.select(images.c.account_key, sa.func.count()).group_by(images.c.account_key)
    counts = {row[0]: int(row[1]) for row in connection.execute(query)}
    batches: list[list[Member]] = []
    room = 0
    for member in members:
        weight = sum(counts.get(key, 0) for key in member.places.keys.values())
        if not batches or weight > room or len(batches[-1]) == _ACCOUNTS_AT_A_TIME:
            batches.append([])
            room = _IMAGES_AT_A_TIME
        batches[-1].append(member)
        room -= weight
    return batches


def make_reports(assignment: Assignment, batch: Sequence[Member]) -> Made:
    """Make the reports of the batch, and write them where that is wanted.

    An account that nothing is charged to in a currency has none in it.
    """
    database = Database(assignment.database_url)
    files: list[AccountFile] = []
    faults: list[str] = []
    try:
        with database.snapshot() as connection:
            for account, stated in states_of(connection, assignment, batch):
                if isinstance(stated, LedgerMismatch):
                    faults.append(f"account {account.id}: {stated}")
                elif _is_worth_a_file(stated):
                    files.append(_made(assignment.target, account, stated))
    finally:
        database.engine.dispose()
    return Made(len(batch), files, faults)


def states_of(
    connection: sa.Connection, assignment: Assignment, batch: Sequence[Member]
) -> Iterator[tuple[Account, Stated | LedgerMismatch]]:
    """Yield the statements of the accounts in each of their currencies, or why there is none."""
    days = days_of(assignment.cut.period, assignment.timezone)
    before = {member.places.account.id: member.previous for member in batch}
    places = [member.places for member in batch]
    for account, ledgers in read_ledgers(connection, assignment.cut, days, places):
        for currency in currencies_of(ledgers):
            previous = before[account.id].get(currency)
            yield account, _stated(assignment, account, currency, ledgers, previous)


def _stated(
    assignment: Assignment,
    account: Account,
    currency: str,
    ledgers: Sequence[LocationLedger],
    previous: Previous | None,
) -> Stated | LedgerMismatch:
    try:
        return state_in(assignment.timezone, assignment.cut, account, currency, ledgers, previous)
    except LedgerMismatch as error:
        return error


def _is_worth_a_file(stated: Stated) -> bool:
    return bool(stated.nanos) or any(
        section.lines or section.adjustments for section in stated.statement.sections
    )


def _made(target: Target | None, account: Account, stated: Stated) -> AccountFile:
    statement = stated.statement
    file = None
    if target is not None:
        suffix = FORMATS[target.output_format].suffix
        path = account_file_name(account.id, statement.currency, suffix)
        content = render(target.output_format, statement, target.presentation)
        write_new(target.directory / path, content)
        file = file_of(path, content)
    lines = sum(len(section.lines) + len(section.adjustments) for section in statement.sections)
    return AccountFile(
        account.id, account.name, statement.currency, lines, _total(statement), stated.nanos, file
    )


def _total(statement: Statement) -> Decimal:
    """Return what the sections come to that the ledger accounts for."""
    return sum((section.total for section in statement.sections), 0 * statement.total)
