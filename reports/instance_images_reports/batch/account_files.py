"""Makes the reports of a batch of accounts: what an engine runs, on any process or host.

A batch is small enough to be held in memory; a report is written before the next one is made.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images.db.tables import images
from instance_images.names import printable
from instance_images_billing.pricing.periods import days_of
from instance_images_reports.batch.file_names import account_file_name
from instance_images_reports.batch.manifest import AccountFile, File, file_of
from instance_images_reports.batch.own_database import own_database
from instance_images_reports.budgets.of_statements import budgets_of, with_budget
from instance_images_reports.collect import added_sections as section_sources
from instance_images_reports.collect.account import Stated, currencies_of, state_in
from instance_images_reports.collect.cutoff import AccountPlaces, Cut
from instance_images_reports.collect.ledgers import read_ledgers
from instance_images_reports.delivery.output_directory import write_new
from instance_images_reports.formats.datasets import DATASETS, write_dataset
from instance_images_reports.formats.registry import FORMATS, render
from instance_images_reports.presentation import Presentation
from instance_images_reports.statement.rounding import LedgerMismatch
from instance_images_reports.statement.statement import Previous, Statement

_IMAGES_AT_A_TIME = 5_000
_ACCOUNTS_AT_A_TIME = 200


@dataclass(frozen=True, slots=True)
class Member:
    """An account to report on, and what it was charged in the period before, by currency."""

    places: AccountPlaces
    previous: Mapping[str, Previous]


@dataclass(frozen=True, slots=True)
class Batch:
    """Accounts whose reports are made together; ``part`` numbers the batches from 0 on."""

    part: int
    members: Sequence[Member]


@dataclass(frozen=True, slots=True)
class Target:
    """Where reports are written and how: the folder must be the same for all who write to it."""

    directory: Path
    output_format: str
    presentation: Presentation


@dataclass(frozen=True, slots=True)
class Assignment:
    """All that must be known to make the reports of any batch; nothing is written without target.

    It holds no secret: whoever makes reports reads the database's password from ``config_paths``,
    the files of the command. A host that does not have them reads its own configuration.
    """

    config_paths: Sequence[Path]
    timezone: ZoneInfo
    cut: Cut
    target: Target | None


@dataclass(frozen=True, slots=True)
class Made:
    """The reports of a batch, and the accounts that could have none, one sentence each."""

    accounts_count: int
    files: Sequence[AccountFile]
    faults: Sequence[str]


def batches_of(connection: sa.Connection, members: Sequence[Member]) -> list[Batch]:
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
    return [Batch(part, found) for part, found in enumerate(batches)]


def make_reports(assignment: Assignment, batch: Batch) -> Made:
    """Make the reports of the batch, and write them where that is wanted.

    An account that nothing is charged to in a currency has none in it.
    """
    database, target = own_database(assignment.config_paths), assignment.target
    files: list[AccountFile] = []
    faults: list[str] = []
    with database.snapshot() as connection:
        reports = reports_of(connection, assignment, batch, faults)
        if target is None:
            files += [account_file(stated) for stated in reports]
        elif target.output_format in DATASETS:
            statements = _noted(reports, files)
            folder = target.directory / target.output_format
            name, presentation = target.output_format, target.presentation
            write_dataset(name, folder, statements, presentation, batch.part)
        else:
            files += [_written(target, stated) for stated in reports]
    return Made(len(batch.members), files, faults)


def reports_of(
    connection: sa.Connection, assignment: Assignment, batch: Batch, faults: list[str]
) -> Iterator[Stated]:
    """Yield what is worth a report; add a sentence to ``faults`` where none can be made."""
    has_more = section_sources.has_added_sections()
    days = days_of(assignment.cut.period, assignment.timezone)
    before = {member.places.account.id: member.previous for member in batch.members}
    places = [member.places for member in batch.members]
    budgets = budgets_of(connection, assignment.cut.period, list(before))
    for account, ledgers in read_ledgers(connection, assignment.cut, days, places):
        for currency in currencies_of(ledgers):
            previous = before[account.id].get(currency)
            try:
                stated = state_in(
                    timezone=assignment.timezone,
                    cut=assignment.cut,
                    account=account,
                    currency=currency,
                    ledgers=ledgers,
                    previous=previous,
                )
            except LedgerMismatch as error:
                faults.append(f"account {printable(account.id)}: {error}")
                continue
            if has_more:
                whole = section_sources.with_added_sections(connection, stated.statement)
                stated = replace(stated, statement=whole)
            if budgets:
                stated = replace(stated, statement=with_budget(stated.statement, budgets))
            if _is_worth_a_file(stated):
                yield stated


def _is_worth_a_file(stated: Stated) -> bool:
    statement = stated.statement
    has_lines = any(section.lines or section.adjustments for section in statement.sections)
    return has_lines or bool(stated.nanos) or any(one.lines for one in statement.added)


def _noted(reports: Iterable[Stated], files: list[AccountFile]) -> Iterator[Statement]:
    """Yield the statements, and add what each comes to to ``files``."""
    for stated in reports:
        files.append(account_file(stated))
        yield stated.statement


def _written(target: Target, stated: Stated) -> AccountFile:
    """Write the report to a file of its own."""
    statement = stated.statement
    suffix = FORMATS[target.output_format].suffix
    path = account_file_name(statement.account.id, statement.currency, suffix)
    content = render(target.output_format, statement, target.presentation)
    write_new(target.directory / path, content)
    return account_file(stated, file_of(path, content))


def account_file(stated: Stated, file: File | None = None) -> AccountFile:
    """Return what the manifest says of the report."""
    statement = stated.statement
    return AccountFile(
        account_id=statement.account.id,
        account_name=statement.account.name,
        currency=statement.currency,
        lines_count=sum(
            len(section.lines) + len(section.adjustments) for section in statement.sections
        ),
        total=_total(statement),
        nanos=stated.nanos,
        file=file,
        added={section.name: section.total for section in statement.added},
    )


def _total(statement: Statement) -> Decimal:
    """Return what the sections come to that the ledger accounts for."""
    return sum((section.total for section in statement.sections), 0 * statement.total)
