"""The Cloud Usage report as a workbook that finance books from.

Owns its sheets: a summary, a sheet for each section, and what a section came to by day. Amounts
are numbers, instants are dates in the time zone of the period, and totals are formulas beside
which the ledger's own figure stands. Computes nothing: what a spreadsheet calculates from the
lines is the statement's figure.

A cell is a binary floating-point number, of which spreadsheets keep 15 digits: an amount reads
back exactly as long as it has no more.
"""

from collections.abc import Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

from instance_images.config import UNIT_BYTES
from instance_images_reports.formats import DEFAULT_PRESENTATION, Presentation
from instance_images_reports.statement import Adjustment, Day, Line, Section, Statement
from instance_images_reports.text_format import (
    ADJUSTMENT_TITLES,
    coverage_text,
    month_text,
    unit_text,
)
from instance_images_reports.xlsx_workbook import Column, Sheet, Value, Workbook, require_rows

_CHARGE_COLUMN = 11  # where both the lines of a section and the summary look for amounts
_NAME_COLUMNS = 4
_PRINTED_COLUMNS = 12  # those behind are for who checks the charge


def render_xlsx(statement: Statement, presentation: Presentation = DEFAULT_PRESENTATION) -> bytes:
    """Return the workbook. Raises Refused where a section has more lines than a sheet has rows."""
    month = month_text(statement)
    workbook = Workbook(
        zone=ZoneInfo(statement.timezone),
        amount_decimals=-_exponent(statement.total),
        paper=presentation.paper,
        footer=f"{statement.account.name}, {month}",
    )
    workbook.set_properties(
        f"Cloud Usage, {statement.account.name}, {month}",
        statement.account.id,
        statement.metered_until or statement.period.start,
    )
    summary = workbook.add_sheet("Summary")
    totals = [_write_section(workbook, statement, section) for section in statement.sections]
    _write_summary(summary, statement, totals)
    for section in statement.sections:
        if section.days:
            _write_days(workbook, statement, section)
    return workbook.content()


def _exponent(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    assert isinstance(exponent, int)
    return exponent


# ------------------------------------------------------------------------- a section


def _columns(statement: Statement, section: Section) -> list[Column]:
    zone, currency, unit = statement.timezone, statement.currency, unit_text(section)
    return [
        Column("Kind", "text", 15),
        Column("Name", "text", 32),
        Column("Source Instance", "text", 20),
        Column("Location", "text", 14),
        Column("Size", "quantity", 13),
        Column(f"Billable from ({zone})", "instant", 19),
        Column(f"Billable until ({zone})", "instant", 19),
        Column("Still stored", "text", 9),
        Column("Hours", "duration", 11),
        Column(f"{unit}-Hours", "quantity", 14),
        Column(f"Rate ({currency} per {unit} and month)", "rate", 13),
        Column(f"Charge ({currency})", "amount", 13),
        Column(f"Exact charge ({currency})", "exact", 17),
        Column("Image ID", "text", 38),
        Column("Bytes", "count", 20),
        Column("Seconds", "count", 12),
        Column("Billable from (UTC)", "utc", 20),
        Column("Billable until (UTC)", "utc", 20),
        Column("Hours per month", "text", 10),
        Column("Partial hours", "text", 10),
    ]


def _line_values(line: Line) -> list[Value]:
    return [
        "Image",
        line.name,
        line.source_instance_name,
        line.location,
        Decimal(line.size_bytes) / UNIT_BYTES[line.unit],
        line.billable_from,
        line.billable_until,
        "yes" if line.is_open else "no",
        line.billable_seconds,
        line.unit_hours,
        line.rate,
        line.amount,
        line.amount_exact,
        line.image_id,
        line.size_bytes,
        line.billable_seconds,
        line.billable_from,
        line.billable_until,
        line.hours_per_month,
        line.partial_hour,
    ]


def _adjustment_values(adjustment: Adjustment) -> list[Value]:
    return [
        ADJUSTMENT_TITLES[adjustment.kind],
        adjustment.reason,
        None,
        adjustment.location,
        None,
        adjustment.hour,
        adjustment.until,
        *[None] * 4,
        adjustment.amount,
        adjustment.amount_exact,
        adjustment.image_id,
        *[None] * 2,
        adjustment.hour,
        adjustment.until,
        *[None] * 2,
    ]


def _write_section(workbook: Workbook, statement: Statement, section: Section) -> str:
    """Write the sheet of a section; return where its total stands, as formulas have it."""
    rows = [_line_values(line) for line in section.lines]
    rows += [_adjustment_values(adjustment) for adjustment in section.adjustments]
    units = [line.unit for line in section.lines] + [""] * len(section.adjustments)
    require_rows(len(rows) + 2)
    sheet = workbook.add_sheet(section.title)
    columns = _columns(statement, section)
    sheet.write_head(0, columns)
    for number, (values, unit) in enumerate(zip(rows, units, strict=True), start=1):
        for column, (value, of) in enumerate(zip(values, columns, strict=True)):
            has_unit = of.title == "Size" and value is not None
            sheet.write(number, column, value, of.kind, unit=unit if has_unit else "")
        names = zip(values[:_NAME_COLUMNS], columns, strict=False)
        sheet.fit_height(number, [(str(name or ""), column.width) for name, column in names])
    _write_total(sheet, section, len(rows), len(columns))
    sheet.sheet.freeze_panes(1, 2)
    sheet.sheet.repeat_rows(0)
    sheet.sheet.print_area(0, 0, len(rows) + 1, _PRINTED_COLUMNS - 1)
    if rows:
        sheet.sheet.autofilter(0, 0, len(rows), len(columns) - 1)
    return f"{sheet.title}!{_cell(len(rows) + 1, _CHARGE_COLUMN)}"


def _write_total(sheet: Sheet, section: Section, rows: int, columns: int) -> None:
    for column in range(columns):
        sheet.write(rows + 1, column, None, "text", strong=True)
    sheet.write(rows + 1, 0, f"{section.title} total", "text", strong=True)
    charges = f"{_cell(1, _CHARGE_COLUMN)}:{_cell(rows, _CHARGE_COLUMN)}" if rows else "0"
    formula = _rounded(f"SUM({charges})", section.total)
    sheet.write_formula(rows + 1, _CHARGE_COLUMN, formula, section.total, strong=True)


def _cell(row: int, column: int) -> str:
    from xlsxwriter.utility import xl_rowcol_to_cell

    name: str = xl_rowcol_to_cell(row, column)
    return name


def _rounded(formula: str, amount: Decimal) -> str:
    """Return the formula without what binary numbers add in places that the currency has not."""
    return f"=ROUND({formula},{-_exponent(amount)})"


# ------------------------------------------------------------------------ the summary


def _write_summary(sheet: Sheet, statement: Statement, totals: Sequence[str]) -> None:
    """Write what the report is about, and the totals of the sections as they are calculated."""
    facts: list[tuple[str, Value, str]] = [
        ("Account", statement.account.name, "text"),
        ("Account ID", statement.account.id, "text"),
        ("Period", month_text(statement), "text"),
        ("From", statement.period.start, "moment"),
        ("Until", statement.period.end, "moment"),
        ("Time zone", statement.timezone, "text"),
        ("State", statement.period_state, "text"),
        ("Metered until", statement.metered_until, "moment"),
        ("Currency", statement.currency, "text"),
        ("Remark", coverage_text(statement), "text"),
    ]
    sheet.write(0, 0, "Cloud Usage", "title")
    for row, (label, value, kind) in enumerate(facts, start=2):
        sheet.write(row, 0, label, "label")
        sheet.write(row, 1, value, kind)
    row = len(facts) + 3
    sheet.fit_height(row - 2, [(coverage_text(statement), 46)])
    charge = f"Charge ({statement.currency})"
    sheet.write_head(row, [Column("Section", "text", 26), Column(charge, "amount", 46)])
    for section, total in zip(statement.sections, totals, strict=True):
        row += 1
        sheet.write(row, 0, section.title, "text")
        sheet.write_formula(row, 1, f"={total}", section.total)
    first = row - len(totals) + 1
    total_formula = _rounded(f"SUM({_cell(first, 1)}:{_cell(row, 1)})", statement.total)
    sheet.write(row + 1, 0, "Total", "text", strong=True)
    sheet.write_formula(row + 1, 1, total_formula, statement.total, strong=True)
    sheet.write(row + 2, 0, "Total by the ledger", "text")
    sheet.write(row + 2, 1, statement.total, "amount")
    difference = _rounded(f"{_cell(row + 1, 1)}-{_cell(row + 2, 1)}", statement.total)
    sheet.write(row + 3, 0, "Difference", "text")
    sheet.write_formula(row + 3, 1, difference, statement.total * 0)


# ----------------------------------------------------------------------------- by day


def _write_days(workbook: Workbook, statement: Statement, section: Section) -> None:
    """Write what a section came to by day, with charts beside it."""
    sheet = workbook.add_sheet(f"{section.title} by day")
    columns = [
        Column("Day", "date", 12),
        Column(f"{section.unit} stored, mean of the day", "quantity", 18),
        Column(f"Exact charge ({statement.currency})", "exact", 18),
    ]
    sheet.write_head(0, columns)
    for row, day in enumerate(section.days, start=1):
        for column, value in enumerate(_day_values(day)):
            sheet.write(row, column, value, columns[column].kind)
    sheet.sheet.freeze_panes(1, 0)
    sheet.sheet.repeat_rows(0)
    for number, column in enumerate((1, 2)):
        sheet.add_column_chart(
            columns[column].title, len(section.days), column, at=(1 + 16 * number, 4)
        )


def _day_values(day: Day) -> list[Value]:
    return [day.day, day.stored_units, day.amount_exact]
