"""Reads a workbook back as a spreadsheet does: its cells, and its formulas calculated anew.

Knows the few kinds of formulas that the report has, and fails at any other.
"""

import io
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

_CELL = re.compile(r"(?:'((?:[^']|'')+)'!)?\$?([A-Z]+)\$?([0-9]+)(?::\$?([A-Z]+)\$?([0-9]+))?")


@dataclass(frozen=True)
class Book:
    """A workbook with its formulas, and once more with the values that were stored with them."""

    formulas: Any
    stored: Any

    @classmethod
    def of(cls, content: bytes) -> "Book":
        """Open the file."""
        return cls(
            load_workbook(io.BytesIO(content)), load_workbook(io.BytesIO(content), data_only=True)
        )

    def sheet(self, title: str) -> Worksheet:
        """Return the sheet of that title, with its formulas."""
        found: Worksheet = self.formulas[title]
        return found

    def value(self, title: str, address: str) -> Any:
        """Return what a cell comes to: numbers as Decimals, formulas calculated."""
        value = self.formulas[title][address].value
        if isinstance(value, str) and value.startswith("=") and self.is_formula(title, address):
            return self._calculated(title, value[1:])
        return Decimal(repr(value)) if isinstance(value, int | float) else value

    def is_formula(self, title: str, address: str) -> bool:
        """Whether the cell is a formula, and no text that looks like one."""
        return bool(self.formulas[title][address].data_type == "f")

    def all_formulas(self) -> list[tuple[str, str]]:
        """Return title and address of every formula."""
        return [
            (sheet.title, cell.coordinate)
            for sheet in self.formulas
            for row in sheet.iter_rows()
            for cell in row
            if cell.data_type == "f"
        ]

    def _calculated(self, title: str, formula: str) -> Decimal:
        if match := re.fullmatch(r"ROUND\((.+),(\d+)\)", formula):
            exact = self._calculated(title, match[1])
            return exact.quantize(Decimal(1).scaleb(-int(match[2])), ROUND_HALF_UP)
        if match := re.fullmatch(r"SUMPRODUCT\(\((.+)=(\w+)\)\*(.+)\)", formula):
            wanted = self.value(title, match[2])
            pairs = zip(self._range(title, match[1]), self._range(title, match[3]), strict=True)
            return sum((amount for key, amount in pairs if key == wanted), Decimal(0))
        if match := re.fullmatch(r"SUM\((.+)\)", formula):
            return Decimal(0) if match[1] == "0" else sum(self._range(title, match[1]), Decimal(0))
        if match := re.fullmatch(r"(.+[0-9])([+-])([A-Z]+[0-9]+)", formula):
            left, right = self._calculated(title, match[1]), self.value(title, match[3])
            return left + right if match[2] == "+" else left - right
        [value] = self._range(title, formula)
        return value

    def _range(self, title: str, reference: str) -> list[Any]:
        match = _CELL.fullmatch(reference)
        assert match, reference
        sheet, first_column, first_row, last_column, last_row = match.groups()
        if sheet:
            title = sheet.replace("''", "'")
        assert last_column in (None, first_column)
        rows = range(int(first_row), int(last_row or first_row) + 1)
        return [self.value(title, f"{first_column}{row}") for row in rows]
