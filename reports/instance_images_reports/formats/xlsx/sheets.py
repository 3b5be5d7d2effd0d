"""The sheets of a workbook that hold lines: of the images, of added sections, and by day.

Owns their columns. A sheet begins with its titles, has a row for each line, and ends in a total
that is calculated from them. What a customer reads comes first, and is printed; what whoever checks
a charge needs stands behind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from instance_images_billing.pricing.units import UNIT_BYTES
from instance_images_reports.formats.xlsx.workbook import (
    Column,
    Sheet,
    Value,
    Workbook,
    cell,
    require_rows,
)
from instance_images_reports.statement.charges import ChargeLine, ChargeSection
from instance_images_reports.statement.statement import Adjustment, Line, Section
from instance_images_reports.wording import sentences
from instance_images_reports.wording.reasons import adjustment_reason
from instance_images_reports.wording.words import Words

_NAME_COLUMNS = 4  # they may be long, and make their row higher
_CHART_ROWS, _CHART_COLUMN = 16, 4


@dataclass(frozen=True, slots=True)
class SheetTotal:
    """The total of a sheet, and where it stands; with the ranges that it is calculated from."""

    title: str
    total: Decimal
    cell: str
    locations: str
    charges: str


@dataclass(frozen=True, slots=True)
class _Row:
    """The values of a row, and the unit that its size is in."""

    values: Sequence[Value]
    unit: str = ""


# ----------------------------------------------------------------------- the images


def write_section(workbook: Workbook, section: Section, words: Words) -> SheetTotal:
    """Write the sheet of the images; return its total."""
    rows = [
        row
        for part in section.by_location
        for row in (
            *(_Row(_line_values(line, words), line.unit) for line in part.lines),
            *(_Row(_adjustment_values(one, words)) for one in part.adjustments),
        )
    ]
    title = sentences.section_title(words, section)
    return _write_table(
        workbook=workbook,
        title=title,
        columns=_columns(section, words),
        rows=rows,
        total=section.total,
        words=words,
        location=3,
        charge=11,
    )


def _columns(section: Section, words: Words) -> list[Column]:
    zone, currency = words.zone.key, words.currency
    per = words.gettext(
        "%(currency)s per %(unit)s and month",
        currency=currency,
        unit=sentences.unit_text(words, section),
    )
    return [
        Column(words.gettext("Kind"), "text", 15),
        Column(words.gettext("Name"), "text", 31),
        Column(words.gettext("Source Instance"), "text", 20),
        Column(words.gettext("Location"), "text", 14),
        Column(words.gettext("Size"), "size", 13),
        Column(f"{words.gettext('Billable from')} ({zone})", "instant", 20),
        Column(f"{words.gettext('Billable until')} ({zone})", "instant", 20),
        Column(words.gettext("End"), "text", 14),
        Column(words.gettext("Hours"), "duration", 11),
        Column(sentences.quantity_title(words, section), "quantity", 14),
        Column(f"{words.gettext('Rate')} ({per})", "rate", 15),
        Column(f"{words.gettext('Charge')} ({currency})", "amount", 13),
        Column(f"{words.gettext('Exact charge')} ({currency})", "exact", 17),
        Column(words.gettext("Image ID"), "text", 38),
        Column(words.gettext("Bytes"), "count", 20),
        Column(words.gettext("Seconds"), "count", 12),
        Column(f"{words.gettext('Billable from')} (UTC)", "utc", 21),
        Column(f"{words.gettext('Billable until')} (UTC)", "utc", 21),
        Column(words.gettext("Hours per month"), "text", 11),
        Column(words.gettext("Partial hours"), "text", 11),
    ]


def _line_values(line: Line, words: Words) -> list[Value]:
    return [
        words.gettext("Image"),
        line.name,
        line.source_instance_name,
        line.location,
        Decimal(line.size_bytes) / UNIT_BYTES[line.unit],
        line.billable_from,
        line.billable_until,
        sentences.ending_text(words, line),
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


def _adjustment_values(adjustment: Adjustment, words: Words) -> list[Value]:
    reason = adjustment_reason(words, adjustment)
    return [
        sentences.adjustment_title(words, adjustment),
        f"{adjustment.name}: {reason}" if adjustment.name else reason,
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


# ------------------------------------------------------------------- added sections


def write_charges(workbook: Workbook, section: ChargeSection, words: Words) -> SheetTotal:
    """Write the sheet of a section that somebody added; return its total."""
    currency = words.currency
    per = words.gettext("%(currency)s per unit", currency=currency)
    columns = [
        Column(words.gettext("Name"), "text", 36),
        Column(words.gettext("Details"), "text", 40),
        Column(words.gettext("Location"), "text", 14),
        Column(words.gettext("Quantity"), "plain", 16),
        Column(words.gettext("Unit"), "text", 12),
        Column(f"{words.gettext('Rate')} ({per})", "rate", 16),
        Column(f"{words.gettext('Charge')} ({currency})", "amount", 13),
        Column(f"{words.gettext('Exact charge')} ({currency})", "exact", 17),
    ]
    rows = [_Row(_charge_values(line)) for line in section.lines]
    return _write_table(
        workbook=workbook,
        title=section.title,
        columns=columns,
        rows=rows,
        total=section.total,
        words=words,
        location=2,
        charge=6,
    )


def _charge_values(line: ChargeLine) -> list[Value]:
    return [
        line.name,
        line.details,
        line.location,
        line.quantity,
        line.unit,
        line.rate,
        line.amount,
        line.amount_exact,
    ]


# --------------------------------------------------------------------------- by day


def write_days(workbook: Workbook, section: Section, words: Words) -> None:
    """Write what a section came to by day, with charts beside it."""
    unit, currency = section.unit, words.currency
    sheet = workbook.add_sheet(words.gettext("Values by day"))
    columns = [
        Column(words.gettext("Day"), "date", 12),
        Column(words.gettext("%(unit)s stored per day, on average", unit=unit), "quantity", 20),
        Column(words.gettext("%(currency)s charged per day", currency=currency), "exact", 20),
    ]
    sheet.write_head(0, columns)
    for row, day in enumerate(section.days, start=1):
        values: list[Value] = [day.day, day.stored_units, day.amount_exact]
        for column, value in enumerate(values):
            sheet.write(row, column, value, columns[column].kind)
    sheet.keep_head(columns=0)
    for number, column in enumerate((1, 2)):
        at = (1 + _CHART_ROWS * number, _CHART_COLUMN)
        sheet.add_column_chart(columns[column].title, len(section.days), column, at)


# ------------------------------------------------------------------------- a table


def _write_table(
    workbook: Workbook,
    title: str,
    columns: Sequence[Column],
    rows: Sequence[_Row],
    total: Decimal,
    words: Words,
    *,
    location: int,
    charge: int,
) -> SheetTotal:
    """Write a sheet of titles, rows and total; ``location`` and ``charge`` are columns."""
    require_rows(len(rows) + 2)
    sheet = workbook.add_sheet(title)
    sheet.write_head(0, columns)
    for number, row in enumerate(rows, start=1):
        _write_row(sheet, number, columns, row)
    last = max(len(rows), 1)
    charges = f"{cell(1, charge)}:{cell(last, charge)}" if rows else "0"
    total_row = len(rows) + 1
    for column in range(len(columns)):
        sheet.write(total_row, column, None, "text", strong=True)
    total_title = words.gettext("%(section)s total", section=title)
    sheet.write(total_row, 0, total_title, "text", strong=True)
    formula = sheet.rounded(f"SUM({charges})")
    sheet.write_formula(total_row, charge, formula, total, strong=True)
    sheet.keep_head(columns=2)
    sheet.set_printed(total_row, charge)
    sheet.add_filters(len(rows), len(columns))
    return SheetTotal(
        title,
        total,
        f"{sheet.title}!{cell(total_row, charge)}",
        f"{sheet.title}!{cell(1, location, fixed=True)}:{cell(last, location, fixed=True)}",
        f"{sheet.title}!{cell(1, charge, fixed=True)}:{cell(last, charge, fixed=True)}",
    )


def _write_row(sheet: Sheet, number: int, columns: Sequence[Column], row: _Row) -> None:
    for position, (value, column) in enumerate(zip(row.values, columns, strict=True)):
        if column.kind == "size" and value is not None:
            sheet.write(number, position, value, "quantity", unit=row.unit)
        else:
            sheet.write(number, position, value, column.kind)
    names = zip(row.values[:_NAME_COLUMNS], columns, strict=False)
    sheet.fit_height(number, [(str(name or ""), column.width) for name, column in names])
