"""A workbook as the report needs it: sheets of typed cells, safe to open, the same every time.

Owns how each kind of value is written and shown; knows nothing of statements. A text is written
as a text, marked so that it stays one when its cell is edited: it becomes no formula and no link.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from math import ceil
from textwrap import wrap
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width
from zoneinfo import ZoneInfo

from instance_images.errors import Refused
from instance_images.names import printable

if TYPE_CHECKING:
    from xlsxwriter import Workbook as XlsxBook

Value = str | int | Decimal | datetime | date | None

MAX_ROWS = 2**20  # of a sheet, in every spreadsheet that reads XLSX
_MAX_TITLE_CHARACTERS = 31
_SECONDS_PER_DAY = 86_400  # a spreadsheet counts time in days
_MAX_FOOTER_NAME = 80  # characters; a footer has 255 in all
_PAPER_NUMBERS = {"a4": 9, "letter": 1}
_HEAD_COLOUR, _RULE_COLOUR, _BAR_COLOUR = "#F3F6F9", "#8D97A1", "#3A7CAE"
_HEAD = {
    "bold": True,
    "text_wrap": True,
    "valign": "bottom",
    "bg_color": _HEAD_COLOUR,
    "bottom": 1,
    "border_color": _RULE_COLOUR,
}
_ROW_POINTS, _MAX_ROW_POINTS = 15, 405
# Characters that a title leaves free: bold letters of other fonts than Excel's are wider.
_HEAD_ROOM = 3
_GRID = {"visible": True, "line": {"color": "#E3E7EB", "width": 0.7}}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its title, the kind of its values, its width in characters."""

    title: str
    kind: str
    width: int

    @property
    def head_kind(self) -> str:
        """How its title is shown: where its values begin or end."""
        if self.kind in ("text", "date"):
            return "head"
        return "instant head" if self.kind in ("instant", "utc") else "number head"


@dataclass(slots=True, kw_only=True)
class Workbook:
    """A workbook in the making. ``zone`` is the time zone in which it shows instants."""

    zone: ZoneInfo
    amount_decimals: int
    paper: str
    footer: str
    _file: io.BytesIO = field(default_factory=io.BytesIO)
    _formats: dict[str, Any] = field(default_factory=dict)
    # Titles in small letters that are taken; spreadsheets keep one for themselves.
    _titles: set[str] = field(default_factory=lambda: {"history"})
    _book: "XlsxBook" = field(init=False)

    def __post_init__(self) -> None:
        from xlsxwriter import Workbook as XlsxBook

        self._book = XlsxBook(
            self._file,
            {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False},
        )

    def set_properties(self, title: str, subject: str, created: datetime) -> None:
        """Say in the document's properties what it is; ``created`` in place of the clock."""
        self._book.set_properties(
            {
                "title": printable(title),
                "subject": printable(subject),
                "author": "instance-images",
                "created": created.replace(tzinfo=None),
            }
        )

    def add_sheet(self, title: str, *, across: bool = True) -> "Sheet":
        """Return a new sheet, to be printed on as many pages as it needs, one page wide."""
        sheet = self._book.add_worksheet(self._sheet_title(title))
        if across:
            sheet.set_landscape()
        sheet.set_paper(_PAPER_NUMBERS[self.paper])
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.7)
        name = printable(self.footer)[:_MAX_FOOTER_NAME].replace("&", "&&")
        sheet.set_footer(f"&L{name}&R&P / &N")
        return Sheet(self, sheet)

    def add_chart(self) -> Any:
        """Return a new chart of columns, to be put on a sheet."""
        return self._book.add_chart({"type": "column"})

    def content(self) -> bytes:
        """Close the workbook and return it as a file."""
        self._book.close()
        return self._file.getvalue()

    def format(self, kind: str, *, strong: bool = False, unit: str = "") -> Any:
        """Return how values of that kind are shown; ``strong`` in a row of totals."""
        key = f"{kind}/{strong}/{unit}"
        if key not in self._formats:
            shown = {"valign": "top"} | self._properties(kind)
            if unit:
                shown["num_format"] += f' "{unit}"'
            if strong:
                shown |= {"bold": True, "top": 1, "border_color": _RULE_COLOUR}
            self._formats[key] = self._book.add_format(shown)
        return self._formats[key]

    def _properties(self, kind: str) -> dict[str, Any]:
        decimals = f".{'0' * self.amount_decimals}" if self.amount_decimals else ""
        properties: dict[str, dict[str, Any]] = {
            "title": {"bold": True, "font_size": 16},
            "label": {"font_color": "#59636E"},
            "text": {"text_wrap": True, "quote_prefix": True, "align": "left"},
            "head": _HEAD,
            "number head": _HEAD | {"align": "right"},
            "instant head": _HEAD | {"align": "left", "indent": 1},
            "count": {"num_format": "#,##0"},
            "size": {},
            "quantity": {"num_format": "#,##0.000"},
            "plain": {"num_format": "#,##0.#########"},
            "rate": {"num_format": "#,##0.00#######"},
            "exact": {"num_format": "#,##0.000000000"},
            "amount": {"num_format": f"#,##0{decimals}"},
            "duration": {"num_format": "[h]:mm:ss"},
            "moment": {"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"},
            "instant": {"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left", "indent": 1},
            "utc": {"num_format": 'yyyy-mm-dd hh:mm:ss"Z"', "align": "left", "indent": 1},
            "date": {"num_format": "yyyy-mm-dd", "align": "left"},
        }
        return properties[kind]

    def _sheet_title(self, title: str) -> str:
        """Return a title that a sheet can have and that none has yet."""
        allowed = re.sub(r"[\[\]:*?/\\]", " ", printable(title)).strip("' ") or "Section"
        found, number = allowed[:_MAX_TITLE_CHARACTERS].rstrip("' "), 1
        while found.lower() in self._titles:
            number += 1
            found = f"{allowed[: _MAX_TITLE_CHARACTERS - len(str(number)) - 1]} {number}"
        self._titles.add(found.lower())
        return found


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of the workbook; rows and columns are counted from 0."""

    workbook: Workbook
    sheet: Any  # a Worksheet, whose type hints leave out that it takes Decimals

    def keep_head(self, columns: int) -> None:
        """Keep the first row in view and on every page, and so many columns in view."""
        self.sheet.freeze_panes(1, columns)
        self.sheet.repeat_rows(0)

    def set_printed(self, row: int, column: int) -> None:
        """Print as far as this row and column."""
        self.sheet.print_area(0, 0, row, column)

    def add_filters(self, rows: int, columns: int) -> None:
        """Let the reader choose among the rows below the first one."""
        if rows:
            self.sheet.autofilter(0, 0, rows, columns - 1)

    def rounded(self, formula: str) -> str:
        """Return the formula of an amount, less what binary numbers add beyond its decimals."""
        return f"=ROUND({formula},{self.workbook.amount_decimals})"

    @property
    def title(self) -> str:
        """Its name, quoted as formulas have it."""
        name: str = self.sheet.get_name()
        return "'" + name.replace("'", "''") + "'"

    def write(
        self,
        row: int,
        column: int,
        value: Value,
        kind: str,
        *,
        strong: bool = False,
        unit: str = "",
    ) -> None:
        """Write a value as what it is. ``unit`` is shown behind a number and is no part of it."""
        shown = self.workbook.format(kind, strong=strong, unit=unit)
        match value:
            case None | "":
                self.sheet.write_blank(row, column, None, shown)
            case str():
                self.sheet.write_string(row, column, printable(value), shown)
            case datetime():
                zone = ZoneInfo("UTC") if kind == "utc" else self.workbook.zone
                local = value.astimezone(zone).replace(tzinfo=None)
                self.sheet.write_datetime(row, column, local, shown)
            case date():
                self.sheet.write_datetime(row, column, value, shown)
            case _ if kind == "duration":
                self.sheet.write_number(row, column, Decimal(value) / _SECONDS_PER_DAY, shown)
            case _:
                self.sheet.write_number(row, column, value, shown)

    def write_formula(
        self, row: int, column: int, formula: str, value: Decimal, *, strong: bool = False
    ) -> None:
        """Write a formula of an amount, with its value for those who do not calculate."""
        shown = self.workbook.format("amount", strong=strong)
        self.sheet.write_formula(row, column, formula, shown, value)

    def write_head(self, row: int, columns: Sequence[Column]) -> None:
        """Write the titles of the columns, set how wide they are, and make room for the titles."""
        for number, column in enumerate(columns):
            self.sheet.set_column(number, number, column.width)
            shown = self.workbook.format(column.head_kind)
            self.sheet.write_string(row, number, column.title, shown)
        lines = max(len(wrap(each.title, each.width - _HEAD_ROOM)) for each in columns)
        self.sheet.set_row(row, lines * _ROW_POINTS)

    def fit_height(self, row: int, texts: Sequence[tuple[str, int]]) -> None:
        """Make a row as high as its texts need in columns of those widths."""
        rows = max((ceil(_cells(text) / width) for text, width in texts), default=1)
        if rows > 1:
            self.sheet.set_row(row, min(rows * _ROW_POINTS, _MAX_ROW_POINTS))

    def add_column_chart(self, title: str, rows: int, column: int, at: tuple[int, int]) -> None:
        """Draw the column, below its title, over the first one; ``at`` is the upper left cell."""
        name = self.sheet.get_name()
        chart: Any = self.workbook.add_chart()
        chart.add_series(
            {
                "categories": [name, 1, 0, rows, 0],
                "values": [name, 1, column, rows, column],
                "fill": {"color": _BAR_COLOUR},
                "gap": 40,
            }
        )
        chart.set_title({"name": title, "name_font": {"size": 11, "bold": False}, "overlay": False})
        chart.set_legend({"none": True})
        chart.set_x_axis({"date_axis": True, "num_format": "d", "major_unit": 5})
        chart.set_y_axis({"num_format": "General", "major_gridlines": _GRID})
        self.sheet.insert_chart(*at, chart, {"description": title})


def cell(row: int, column: int, *, fixed: bool = False) -> str:
    """Return what formulas call the cell; ``fixed`` where it stays when they are copied."""
    from xlsxwriter.utility import xl_rowcol_to_cell

    name: str = xl_rowcol_to_cell(row, column, row_abs=fixed, col_abs=fixed)
    return name


def _cells(text: str) -> int:
    """Return how many characters wide the text is, with a little room for where it breaks."""
    wide = sum(east_asian_width(character) in "WF" for character in text)
    return (len(text) + wide) * 11 // 10


def require_rows(rows: int) -> None:
    """Raise Refused where that many rows do not fit on a sheet."""
    if rows > MAX_ROWS:
        raise Refused(
            f"The report has {rows} rows, and a sheet of a workbook {MAX_ROWS} at most: choose csv"
            " or json."
        )
