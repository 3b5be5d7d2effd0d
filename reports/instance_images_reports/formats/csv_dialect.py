"""The two ways to write CSV: one for programs, and one that spreadsheets of a locale read right.

A spreadsheet takes separators and decimal marks from its own locale: it reads ``0.073`` as 73 where
the comma is the decimal mark, and it cuts rows at semicolons. The default locale stands for
programs. Every other locale gets its decimal mark, the separator that goes with it, and a byte
order mark, without which Excel takes UTF-8 for something else.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from instance_images.names import formula_safe
from instance_images_reports.presentation import DEFAULT_PRESENTATION
from instance_images_reports.wording.catalogue import parse_locale

_BYTE_ORDER_MARK = "\ufeff"
# Digits with what spreadsheets accept in numbers and dates: 007, 12e34, 2026-11-01, 1:30.
_LIKE_A_NUMBER = re.compile(r"[\d.,:/ -]*\d[\d.,:/ -]*(?:[eE][+-]?\d+)?")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)Z")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How rows are written: separator, decimal mark, and whether a spreadsheet shall read them."""

    separator: str
    decimal_mark: str
    is_for_spreadsheets: bool

    def text(self, value: str) -> str:
        """Return a text that no spreadsheet takes for a formula, or for a number."""
        safe = formula_safe(value)
        if self.is_for_spreadsheets and _LIKE_A_NUMBER.fullmatch(safe):
            return "'" + safe
        return safe

    def number(self, value: object) -> str:
        """Return a number that is given with a point; None is an empty cell."""
        return "" if value is None else str(value).replace(".", self.decimal_mark)

    def instant(self, value: object) -> str:
        """Return an instant in UTC: ``2026-11-01T00:00:00Z``, for spreadsheets without T and Z."""
        text = "" if value is None else str(value)
        return _INSTANT.sub(r"\1 \2", text) if self.is_for_spreadsheets else text

    def write(self, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
        """Return a header and a row per mapping, quoted as in RFC 4180, with ``\\n`` line ends.

        What a mapping lacks, and None, are empty cells.
        """
        return self.write_cells(columns, (cells_of(columns, row) for row in rows))

    def write_cells(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
        """Do the same with rows of as many cells as there are columns."""
        file = io.StringIO()
        file.write(_BYTE_ORDER_MARK if self.is_for_spreadsheets else "")
        writer = csv.writer(file, delimiter=self.separator, lineterminator="\n")
        writer.writerow(columns)
        separators_count = len(columns) - 1
        for cells in rows:
            line = self.separator.join(cells)
            if _needs_no_quotes(line) and line.count(self.separator) == separators_count:
                file.write(f"{line}\n")  # as nearly all rows: the writer takes five times as long
            else:
                writer.writerow(cells)
        return file.getvalue()


def cells_of(columns: Sequence[str], row: Mapping[str, object]) -> list[str]:
    """Return the cells of a mapping; what it lacks, and None, are empty ones."""
    return ["" if (value := row.get(name)) is None else str(value) for name in columns]


def _needs_no_quotes(line: str) -> bool:
    return '"' not in line and "\n" not in line and "\r" not in line


_FOR_PROGRAMS = Dialect(",", ".", is_for_spreadsheets=False)


def dialect_of(locale: str) -> Dialect:
    """Return the dialect of a locale; that of programs for the default locale.

    Raises UsageError for a locale that is not known.
    """
    if locale == DEFAULT_PRESENTATION.locale:
        return _FOR_PROGRAMS
    is_comma = parse_locale(locale).number_symbols["latn"]["decimal"] == ","
    return Dialect(";" if is_comma else ",", "," if is_comma else ".", is_for_spreadsheets=True)


def read_rows(content: bytes) -> tuple[Dialect, Iterator[dict[str, str]]]:
    """Return the dialect that the content was written in, and its rows. Raises ValueError."""
    text = content.decode()
    if not text.startswith(_BYTE_ORDER_MARK):
        return _FOR_PROGRAMS, csv.DictReader(io.StringIO(text))
    text = text.removeprefix(_BYTE_ORDER_MARK)
    is_comma = ";" in text.partition("\n")[0]
    dialect = Dialect(";" if is_comma else ",", "," if is_comma else ".", is_for_spreadsheets=True)
    return dialect, csv.DictReader(io.StringIO(text), delimiter=dialect.separator)
