"""The reports of all accounts: a summary, and a folder with a file for each of them.

Gathers what the ledger charges, by account; has an engine make the reports; and writes the folder
only if they add up to the ledger.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import sqlalchemy as sa

from instance_images.config.settings import Settings
from instance_images.errors import Refused
from instance_images.model.records import Account
from instance_images_billing.config import billing_settings
from instance_images_billing.pricing.periods import Period, period_before
from instance_images_reports.batch.account_files import (
    Assignment,
    Batch,
    Made,
    Member,
    Target,
    batches_of,
    make_reports,
)
from instance_images_reports.batch.engines import Engine
from instance_images_reports.batch.file_names import FOLDER
from instance_images_reports.batch.manifest import (
    MANIFEST,
    AccountFile,
    File,
    Manifest,
    added_totals_of,
    file_of,
    manifest_json,
    places_of,
    read_file,
    totals_of,
)
from instance_images_reports.batch.reconciliation import differences
from instance_images_reports.collect.account import previous_by_currency
from instance_images_reports.collect.added_sections import has_added_sections
from instance_images_reports.collect.currencies import currency_digits
from instance_images_reports.collect.cutoff import AccountPlaces, Cut, list_places, read_cut
from instance_images_reports.collect.sums import LedgerSum, read_sums
from instance_images_reports.delivery.output_directory import whole_directory, write_new
from instance_images_reports.formats.datasets import DATASETS
from instance_images_reports.presentation import Presentation
from instance_images_reports.statement.rounding import LedgerMismatch
from instance_images_reports.summary.formats import SUMMARY_FORMATS, render_summary, summary_path
from instance_images_reports.summary.summary import (
    AddedCharge,
    AddedToAccount,
    Summary,
    summarise,
)

_SHOWN_FAULTS = 5

# Told how many more accounts are done, and of how many.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the ledger charges all accounts in a period, and in the period before."""

    cut: Cut
    before: Cut
    places: Sequence[AccountPlaces]
    sums: Sequence[LedgerSum]
    sums_before: Sequence[LedgerSum]
    batches: Sequence[Batch]


def read_books(
    connection: sa.Connection,
    settings: Settings,
    period: Period,
    locations: Collection[str] | None = None,
    *,
    by_key: bool = False,
) -> Books:
    """Return the books of the period. The connection must read a snapshot.

    The accounts of a batch are neighbours by their ids; ``by_key``: by their keys, so that their
    postings of an hour lie together in the database.
    """
    cut = read_cut(connection, period, locations)
    earlier = period_before(period.start, billing_settings(settings).timezone)
    before = read_cut(connection, earlier, locations)
    places, sums = list_places(connection, locations=locations), read_sums(connection, cut)
    charged = {one.account_id for one in sums}
    sums_before = read_sums(connection, before)
    by_account: dict[str, list[LedgerSum]] = {}
    for one in sums_before:
        by_account.setdefault(one.account_id, []).append(one)
    members = [
        Member(each, previous_by_currency(before.period, by_account.get(each.account.id, ())))
        for each in places
        if each.account.id in charged or has_added_sections()
    ]
    if by_key:
        members.sort(key=lambda member: min(member.places.keys.values()))
    return Books(
        cut=cut,
        before=before,
        places=places,
        sums=sums,
        sums_before=sums_before,
        batches=batches_of(connection, members),
    )


def summary_of(books: Books, settings: Settings, files: Iterable[AccountFile] = ()) -> Summary:
    """Return the summary over all accounts; ``files`` have what added sections come to."""
    sums = [*books.sums, *books.sums_before]
    files = list(files)
    added = _added_charges(files)
    currencies = {*(one.currency for one in sums), *added}
    return summarise(
        cut=books.cut,
        before=books.before,
        timezone=billing_settings(settings).timezone.key,
        names={each.account.id: each.account.name for each in books.places},
        sums=books.sums,
        sums_before=books.sums_before,
        digits={currency: currency_digits(currency) for currency in currencies},
        added=added,
        added_to=_added_to_accounts(files),
    )


def _added_to_accounts(files: Iterable[AccountFile]) -> dict[str, list[AddedToAccount]]:
    """Return what added sections come to in each report that has some, by currency."""
    found: dict[str, list[AddedToAccount]] = {}
    for one in files:
        if one.added:
            account = Account(one.account_id, one.account_name)
            total = one.report_total - one.total
            found.setdefault(one.currency, []).append(AddedToAccount(account, total))
    return found


def _added_charges(known: Sequence[AccountFile]) -> dict[str, list[AddedCharge]]:
    """Return what each added section comes to, by currency."""
    found: dict[str, list[AddedCharge]] = {}
    for (section, currency), total in added_totals_of(known).items():
        count = sum(one.currency == currency and section in one.added for one in known)
        found.setdefault(currency, []).append(AddedCharge(section, count, total))
    return found


def full_summary(
    settings: Settings, books: Books, engine: Engine[Batch, Made], progress: Progress
) -> Summary:
    """Return the summary; where sections are installed, with what they come to in all reports.

    Raises LedgerMismatch where a report cannot be made.
    """
    if not has_added_sections():
        return summary_of(books, settings)
    files, faults = make_all(settings, books, engine, None, progress)
    if faults:
        raise LedgerMismatch("; ".join(faults[:_SHOWN_FAULTS]), case="verify")
    return summary_of(books, settings, files)


def make_all(
    settings: Settings,
    books: Books,
    engine: Engine[Batch, Made],
    target: Target | None,
    progress: Progress,
) -> tuple[list[AccountFile], list[str]]:
    """Make the reports of all accounts; return them in order, and what is wrong, one sentence each.

    They are written to the target, if there is one.
    """
    assignment = Assignment(
        settings.config_paths,
        billing_settings(settings).timezone,
        books.cut,
        target,
    )
    files: list[AccountFile] = []
    faults: list[str] = []
    accounts_count = sum(len(batch.members) for batch in books.batches)
    for made in engine(_Maker(assignment), books.batches):
        files += made.files
        faults += made.faults
        progress(made.accounts_count, accounts_count)
    return sorted(files, key=lambda one: (one.account_id, one.currency)), sorted(faults)


@dataclass(frozen=True, slots=True)
class _Maker:
    """``make_reports`` with its assignment, as an engine takes it along."""

    assignment: Assignment

    def __call__(self, batch: Batch) -> Made:
        return make_reports(self.assignment, batch)


def write_all(
    settings: Settings,
    books: Books,
    engine: Engine[Batch, Made],
    directory: Path,
    output_format: str,
    presentation: Presentation,
    progress: Progress,
    *,
    replace: bool,
) -> Manifest:
    """Write the folder: a file for each account and currency, the summary, and the manifest.

    Raises Refused where the folder cannot be written, LedgerMismatch where the reports would not
    add up to the ledger; what stood there before is untouched then.
    """
    _require_own(directory)
    with whole_directory(directory, replace=replace) as draft:
        is_dataset = output_format in DATASETS
        (draft / (output_format if is_dataset else FOLDER)).mkdir(mode=0o750)
        target = Target(draft, output_format, presentation)
        files, faults = make_all(settings, books, engine, target, progress)
        _require_right(faults + differences(files, books.sums))
        manifest = Manifest(
            version=version("instance-images"),
            period=books.cut.period.name,
            timezone=billing_settings(settings).timezone.key,
            period_state=books.cut.period_state,
            output_format=output_format,
            places=places_of(books.cut),
            accounts=files,
            shared=[
                *(_files_below(draft, output_format) if is_dataset else []),
                *_write_summaries(draft, summary_of(books, settings, files), files, presentation),
            ],
            totals=totals_of(files),
            added_totals=added_totals_of(files),
        )
        write_new(draft / MANIFEST, manifest_json(manifest).encode())
    return manifest


def _require_own(directory: Path) -> None:
    """Refuse a folder that holds something else: to replace it would delete that."""
    if directory.is_dir() and any(directory.iterdir()) and not (directory / MANIFEST).is_file():
        raise Refused(
            f"{directory} has files but no {MANIFEST}, so it is not a folder of reports and is"
            " not replaced: choose another name."
        )


def _require_right(faults: Sequence[str]) -> None:
    if faults:
        shown = "; ".join(faults[:_SHOWN_FAULTS])
        more = f"; and {len(faults) - _SHOWN_FAULTS} more" if len(faults) > _SHOWN_FAULTS else ""
        raise LedgerMismatch(
            "No folder was written, because the reports do not add up to the ledger:"
            f" {shown}{more}.",
            case="verify",
        )


def _files_below(draft: Path, folder: str) -> list[File]:
    """Return the files of a data set, as they were written."""
    paths = sorted(path for path in (draft / folder).rglob("*") if path.is_file())
    return [read_file(draft, path.relative_to(draft).as_posix()) for path in paths]


def _write_summaries(
    draft: Path,
    summary: Summary,
    files: Iterable[AccountFile],
    presentation: Presentation,
) -> list[File]:
    paths = {(one.account_id, one.currency): one.file.path for one in files if one.file}
    written = []
    for name in SUMMARY_FORMATS:
        path = summary_path(name)
        content = render_summary(name, summary, paths, presentation)
        write_new(draft / path, content)
        written.append(file_of(path, content))
    return written
