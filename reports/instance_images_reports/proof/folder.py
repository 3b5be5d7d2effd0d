"""Reads a folder of reports back, and holds every file in it against the manifest.

What differs is returned as sentences that name the file; nothing is repaired. A path out of the
manifest is opened only where it is the one that this product would have chosen.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path, PurePosixPath
from typing import Any

from instance_images.errors import Refused
from instance_images.names import printable
from instance_images_reports.batch.file_names import account_file_name
from instance_images_reports.batch.manifest import (
    MANIFEST,
    AccountFile,
    File,
    Manifest,
    added_totals_of,
    exact_text,
    parse_manifest,
    read_file,
    totals_of,
)
from instance_images_reports.formats.csv_dialect import read_rows
from instance_images_reports.formats.datasets import DATASETS
from instance_images_reports.formats.registry import FORMATS
from instance_images_reports.summary.formats import SUMMARY_FORMATS, summary_path


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What a report says of itself, and what its lines add up to."""

    account_id: str
    currency: str
    total: Decimal
    lines_total: Decimal
    lines_count: int
    added: Mapping[str, Decimal]


def read_manifest(directory: Path) -> Manifest:
    """Return the folder's manifest. Raises Refused where it has none that can be read."""
    try:
        return parse_manifest((directory / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise Refused(
            f"{directory} is not a folder of reports: its {MANIFEST} cannot be read: {reason}."
        ) from error


def check_folder(directory: Path, manifest: Manifest) -> list[str]:
    """Return what in the folder is not as the manifest has it, one sentence each."""
    findings = [*_faults_of_rows(manifest), *_faults_of_totals(manifest)]
    for one in manifest.accounts:
        faults = _faults_of_file(directory, one.file, _expected_path(manifest, one))
        if one.file is not None and not faults:
            content = (directory / one.file.path).read_bytes()
            faults = list(_faults_of_content(manifest.output_format, one, content))
        findings += faults
    for file in manifest.shared:
        is_ours = _is_shared(manifest, file.path)
        findings += _faults_of_file(directory, file, file.path if is_ours else None)
    own = (one.file for one in manifest.accounts if one.file)
    listed = {MANIFEST, *(file.path for file in (*own, *manifest.shared))}
    found = {
        path.relative_to(directory).as_posix()
        for path in directory.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }
    findings += [f"{printable(path)}: is not in the manifest" for path in sorted(found - listed)]
    return findings


def _faults_of_rows(manifest: Manifest) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for one in manifest.accounts:
        whose = (one.account_id, one.currency)
        if whose in seen:
            yield f"{MANIFEST}: has account {printable(whose[0])}, {printable(whose[1])} twice"
        seen.add(whose)


def _faults_of_totals(manifest: Manifest) -> Iterator[str]:
    sums = totals_of(manifest.accounts)
    for where in sorted(sums.keys() | manifest.totals.keys()):
        added, listed = sums.get(where, 0), manifest.totals.get(where, 0)
        if added != listed:
            yield (
                f"{MANIFEST}: {printable(where[0])}, {printable(where[1])}: the reports add up to"
                f" {exact_text(added)}, and its total is {exact_text(listed)}"
            )
    sections = added_totals_of(manifest.accounts)
    for which in sorted(sections.keys() | manifest.added_totals.keys()):
        found, told = sections.get(which, Decimal(0)), manifest.added_totals.get(which, Decimal(0))
        if found != told:
            yield (
                f"{MANIFEST}: section {printable(which[0])}, {printable(which[1])}: the reports add"
                f" up to {found}, and its total is {told}"
            )


def _expected_path(manifest: Manifest, one: AccountFile) -> str | None:
    known = FORMATS.get(manifest.output_format)
    try:
        return account_file_name(one.account_id, one.currency, known.suffix) if known else None
    except ValueError:
        return None


def _is_shared(manifest: Manifest, path: str) -> bool:
    """Return whether a file of that path can be a summary, or belong to the data set."""
    parts = PurePosixPath(path).parts
    is_below = len(parts) > 1 and parts[0] == manifest.output_format and ".." not in parts
    in_dataset = manifest.output_format in DATASETS and is_below
    return in_dataset or path in map(summary_path, SUMMARY_FORMATS)


def _faults_of_file(directory: Path, file: File | None, expected: str | None) -> list[str]:
    """Return what is wrong with a file before it is looked into."""
    if (file and file.path) != expected:
        return [
            f"{MANIFEST}: {printable(file.path if file else '')}: does not match the name of the"
            " file"
        ]
    if file is None:
        return []
    try:
        found = read_file(directory, file.path)
    except OSError as error:
        return [f"{printable(file.path)}: cannot be read: {error.strerror}"]
    if found != file:
        return [f"{printable(file.path)}: was changed: its size or SHA-256 differs"]
    return []


def _faults_of_content(output_format: str, one: AccountFile, content: bytes) -> Iterator[str]:
    """Yield where a report that can be read back says other than the manifest."""
    assert one.file is not None
    name = printable(one.file.path)
    try:
        read = _read_back(output_format, content)
    except (ValueError, KeyError, TypeError, InvalidOperation, RecursionError) as error:
        yield f"{name}: cannot be read as {output_format} ({type(error).__name__})"
        return
    if read is None:
        return
    wanted = ReadBack(
        one.account_id, one.currency, one.total, one.total, one.lines_count, one.added
    )
    if output_format == "csv":
        dialect, _ = read_rows(content)
        shown = {name: total for name, total in one.added.items() if total or name in read.added}
        wanted = replace(wanted, account_id=dialect.text(one.account_id), added=shown)
    if read != wanted:
        yield (
            f"{name}: is of {printable(read.account_id)}, {printable(read.currency)}, with"
            f" {read.lines_count} lines that add up to {read.lines_total}, total"
            f" {read.total}{_added_text(read.added)}; the"
            f" manifest has {printable(one.account_id)}, {one.currency}, {one.lines_count} lines,"
            f" total {one.total}{_added_text(one.added)}"
        )


def _added_text(added: Mapping[str, Decimal]) -> str:
    return "".join(f", {printable(name)} {total}" for name, total in sorted(added.items()))


def _read_back(output_format: str, content: bytes) -> ReadBack | None:
    """Return what the report says; None where its format is none for programs."""
    if output_format == "json":
        report = json.loads(content)
        (section,) = (one for one in report["sections"] if one["name"] == "images")
        amounts = [Decimal(one["amount"]) for one in section["lines"] + section["adjustments"]]
        return ReadBack(
            report["account"]["id"],
            report["currency"],
            Decimal(section["total"]),
            sum(amounts, Decimal(0)),
            len(amounts),
            {one["name"]: _lines_total(one) for one in report["sections"] if one is not section},
        )
    if output_format == "csv":
        dialect, read = read_rows(content)
        rows = list(read)
        sums: dict[str, Decimal] = {}
        for row in rows:
            amount = Decimal(row["amount"].replace(dialect.decimal_mark, "."))
            sums[row["section"]] = sums.get(row["section"], Decimal(0)) + amount
        ((account_id, currency),) = {(row["account_id"], row["currency"]) for row in rows}
        total = sums.pop("images", Decimal(0))
        count = sum(row["section"] == "images" for row in rows)
        return ReadBack(account_id, currency, total, total, count, sums)
    return None


def _lines_total(section: Any) -> Decimal:
    """Return what the lines of an added section come to; raise ValueError if its total differs."""
    total = sum((Decimal(one["amount"]) for one in section["lines"]), Decimal(0))
    if total != Decimal(section["total"]):
        raise ValueError(f"the lines of {section['name']} do not add up to its total")
    return total
