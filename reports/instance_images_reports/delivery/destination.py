"""Where a report goes: its format, where none was named, the name of its file, and how it gets out.

A folder that exists gets a file with a name of its own; a file is written whole or not at all.
"""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from instance_images.errors import Refused, UsageError
from instance_images_reports.delivery.output_file import write_file
from instance_images_reports.formats.datasets import DATASETS
from instance_images_reports.formats.registry import FORMATS

if TYPE_CHECKING:
    from instance_images_reports.statement.statement import Statement

DEFAULT_FORMAT = "text"
_MAX_ID_CHARACTERS = 64  # what Keystone's ids have at most


def chosen_format(wanted: str | None, output: Path | None) -> str:
    """Return the format that is wanted, else the one that the file's suffix stands for, else text.

    Raises UsageError where the suffix stands for none.
    """
    if wanted is not None:
        return wanted
    if output is None or output.is_dir():
        return DEFAULT_FORMAT
    for name, known in FORMATS.items():
        if output.suffix.lower() == known.suffix:
            return name
    suffixes = ", ".join(known.suffix for known in FORMATS.values())
    raise UsageError(
        f"{output} has no suffix of a format: choose a format with -f, or a name that ends in one"
        f" of {suffixes}."
    )


def require_readable(format_name: str) -> None:
    """Raise UsageError where the format is a folder, or no text and standard output a terminal."""
    if format_name in DATASETS:
        raise UsageError(f"A report as {format_name} is a folder of files: name it with -o.")
    if not FORMATS[format_name].is_text and sys.stdout.isatty():
        raise UsageError(
            f"A report as {format_name} cannot be shown on a terminal: write it to a file with -o"
            " FILE, or into a pipe."
        )


def report_name(statement: "Statement", format_name: str, section_name: str | None = None) -> str:
    """Return a file's name for the report: ``cloud-usage-5f0c6f1e-2026-11-EUR.pdf``."""
    account = re.sub(r"[^A-Za-z0-9._-]", "_", statement.account.id)[:_MAX_ID_CHARACTERS]
    section = f"-{section_name}" if section_name else ""
    suffix = FORMATS[format_name].suffix
    return f"cloud-usage-{account}-{statement.period.name}-{statement.currency}{section}{suffix}"


def write_report(
    output: Path | None, content: bytes, name: str, *, replace: bool = False
) -> Path | None:
    """Write the report to the file, under ``name`` into the folder, or to standard output.

    Return the file that was written, if any. Raises Refused where it exists or cannot be written.
    """
    if output is None:
        _write_to_standard_output(content)
        return None
    path = output / name if output.is_dir() else output
    write_file(path, content, replace=replace)
    return path


def _write_to_standard_output(content: bytes) -> None:
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Refused(f"Standard output cannot be written: {error.strerror}.") from error
