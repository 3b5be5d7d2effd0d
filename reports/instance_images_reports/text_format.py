"""The Cloud Usage report as plain text, for a terminal or an e-mail; and its words for people.

Owns how amounts, quantities, instants and what is missing are put into words wherever people read
them: the HTML takes them from here. Computes nothing that a bill rests on. Output has no colours
and no control characters.
"""

import io
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from textwrap import fill
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from instance_images.config import UNIT_BYTES
from instance_images.names import printable
from instance_images_reports.beside import ALLOWANCE, CORRECTION, MINIMUM
from instance_images_reports.formats import DEFAULT_PRESENTATION, Presentation
from instance_images_reports.json_format import rate_text
from instance_images_reports.statement import Adjustment, Line, Section, Statement

if TYPE_CHECKING:
    from rich.table import Table

DEFAULT_WIDTH = 120
STILL_STORED = "still stored"
ADJUSTMENT_TITLES = {
    CORRECTION: "Adjustment",
    ALLOWANCE: "Allowance",
    MINIMUM: "Minimum charge",
}

_CELL_PATTERN = "yyyy-MM-dd\nHH:mm:ss"
_NAME_COLUMNS = 3
_MIN_NAME_CELLS, _MAX_NAME_CELLS = 12, 28  # a longer name takes several rows
_UNLIMITED_CELLS = 10_000  # what a table is measured in, before it is given its width
# Rules under the titles and over the total, and nothing between columns.
_BOX = "    \n    \n----\n    \n----\n----\n    \n    \n"

# ------------------------------------------------------------------ words for people


def money_text(amount: Decimal, currency: str) -> str:
    """Return ``EUR 1,234.50``: a code, because ``$`` is the sign of twenty currencies."""
    return f"{currency} {amount_text(amount)}"


def amount_text(amount: Decimal) -> str:
    """Return an amount with all of its decimals and its thousands apart: ``1,234.50``."""
    return f"{amount:,f}"


def quantity_text(quantity: Decimal) -> str:
    """Return a quantity with three decimals and its thousands apart: ``5,410.000``."""
    return f"{quantity:,.3f}"


def size_text(line: Line) -> str:
    """Return the size in the unit that is charged for, so that it can be checked: ``73.000 GB``."""
    return f"{quantity_text(Decimal(line.size_bytes) / UNIT_BYTES[line.unit])} {line.unit}"


def duration_text(seconds: int) -> str:
    """Return hours, minutes and seconds: ``541:00:00``."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,}:{minutes:02}:{seconds:02}"


def date_text(instant: datetime, zone: ZoneInfo, pattern: str) -> str:
    """Return the local time in the pattern of Unicode's date fields.

    In the hour that a clock shows twice, the name of the time in force is added.
    """
    from babel.dates import format_datetime

    local = instant.astimezone(zone)
    is_twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    name = f" {local.tzname()}" if is_twice else ""
    return format_datetime(local, pattern, tzinfo=zone, locale="en") + name


def instant_text(instant: datetime, zone: ZoneInfo) -> str:
    """Return an instant as a sentence has it: ``23 November 2026, 13:00``."""
    return date_text(instant, zone, "d MMMM yyyy, HH:mm")


def month_text(statement: Statement) -> str:
    """Return the name of the period: ``November 2026``."""
    return date_text(statement.period.start, ZoneInfo(statement.timezone), "MMMM yyyy")


def unit_text(section: Section) -> str:
    """Return the unit that all lines are charged by, or ``unit`` where there are several."""
    units = {line.unit for line in section.lines} or {section.unit}
    return units.pop() if len(units) == 1 else "unit"


def quantity_title(section: Section) -> str:
    """Return what the column of quantities is called: ``GB-Hours``."""
    unit = unit_text(section)
    return f"{unit[0].upper()}{unit[1:]}-Hours"


def coverage_text(statement: Statement) -> str:
    """Return what the report does not hold yet, or that nothing in it changes any more."""
    metered_until, zone = statement.metered_until, ZoneInfo(statement.timezone)
    if metered_until is None:
        return (
            "Not every location is metered yet in this period: charges are missing from this"
            " report."
        )
    if metered_until < statement.period.end:
        return (
            f"Charges after {instant_text(metered_until, zone)} are not in this report yet. The"
            f" period ends on {instant_text(statement.period.end, zone)}."
        )
    if statement.period_state == "open":
        return (
            "The whole period is metered. It is still open: corrections can be added until it is"
            " closed."
        )
    return "The period is closed: its charges do not change any more."


def stored_text(lines: Sequence[Line]) -> str:
    """Return how many images go on being charged after what the report covers."""
    count = len({line.image_id for line in lines if line.is_open})
    if count == 0:
        return "No image is still stored."
    return "1 image is still stored." if count == 1 else f"{count} images are still stored."


def adjustment_text(adjustment: Adjustment) -> str:
    """Return what is charged or given back beside the lines, and why."""
    title = ADJUSTMENT_TITLES[adjustment.kind]
    of_image = f" of {adjustment.image_id}" if adjustment.image_id else ""
    return f"{title}{of_image}: {adjustment.reason}"


def terms_text(lines: Sequence[Line]) -> str:
    """Return how the rates of the lines count months and partial hours."""
    months = sorted({line.hours_per_month for line in lines})
    counted = ["its real hours" if month == "calendar" else f"{month} hours" for month in months]
    partial = {line.partial_hour for line in lines}
    sentences = [f"A month counts {' or '.join(counted)}."] if counted else []
    if "round_up" in partial:
        sentences.append("An image's first and last hours are charged whole.")
    if "prorate" in partial:
        sentences.append("An image's first and last hours are charged for the seconds used.")
    return " ".join(sentences)


# ---------------------------------------------------------------------- the report


def render_text(
    statement: Statement,
    presentation: Presentation = DEFAULT_PRESENTATION,
    width: int = DEFAULT_WIDTH,
) -> str:
    """Return the report in lines of at most ``width`` cells.

    Numbers are never cut: where they need more, the lines are longer. Instants are in the time
    zone of the period.
    """
    parts = [_header(statement), fill(coverage_text(statement), width)]
    for section in statement.sections:
        parts += [_heading(section.title, "-"), _table(statement, section, width)]
    parts.append(f"Total  {money_text(statement.total, statement.currency)}")
    return "\n\n".join(parts) + "\n"


def _heading(title: str, underline: str) -> str:
    return f"{title}\n{underline * len(title)}"


def _header(statement: Statement) -> str:
    zone, period = ZoneInfo(statement.timezone), statement.period
    metered_until = statement.metered_until
    facts = {
        "Account": f"{printable(statement.account.name)} ({printable(statement.account.id)})",
        "Period": f"{month_text(statement)} ({statement.period_state})",
        "From": instant_text(period.start, zone),
        "Until": instant_text(period.end, zone),
        "Time zone": statement.timezone,
        "Metered until": instant_text(metered_until, zone) if metered_until else "-",
    }
    rows = [f"{name:<15}{value}" for name, value in facts.items()]
    return "\n".join([_heading("Cloud Usage", "="), "", *rows])


def _table(statement: Statement, section: Section, width: int) -> str:
    if not section.lines and not section.adjustments:
        return "No image was charged."
    zone = ZoneInfo(statement.timezone)
    table = _columns(quantity_title(section), statement.currency)
    for line in section.lines:
        table.add_row(*_line_cells(line, zone))
    for adjustment in section.adjustments:
        table.add_row(*_adjustment_cells(adjustment, zone))
    table.add_section()
    table.add_row(f"{section.title} total", *[""] * 8, amount_text(section.total))
    terms = (
        f"{stored_text(section.lines)} Rate: {statement.currency} per {unit_text(section)} and"
        f" month. {terms_text(section.lines)} Hours: hours, minutes and seconds."
    )
    return f"{_drawn(table, width)}\n\n{fill(terms, width)}"


def _columns(quantity: str, currency: str) -> "Table":
    """Return the table without rows: columns of names may wrap, the others may not."""
    from rich.box import Box
    from rich.table import Table

    table = Table(box=Box(_BOX, ascii=True), show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for title in ("Name", "Source Instance", "Location"):
        table.add_column(title, overflow="fold")
    table.add_column("Size", justify="right", no_wrap=True)
    for title in ("Billable\nFrom", "Billable\nUntil"):
        table.add_column(title, no_wrap=True)
    for title in ("Hours", quantity, "Rate", f"Charge\n{currency}"):
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _line_cells(line: Line, zone: ZoneInfo) -> list[str]:
    return [
        printable(line.name),
        printable(line.source_instance_name),
        printable(line.location),
        size_text(line),
        date_text(line.billable_from, zone, _CELL_PATTERN),
        STILL_STORED if line.is_open else date_text(line.billable_until, zone, _CELL_PATTERN),
        duration_text(line.billable_seconds),
        quantity_text(line.unit_hours),
        rate_text(line.rate),
        amount_text(line.amount),
    ]


def _adjustment_cells(adjustment: Adjustment, zone: ZoneInfo) -> list[str]:
    what = adjustment_text(adjustment)
    hour = date_text(adjustment.hour, zone, _CELL_PATTERN)
    return [printable(what), "", "", "", hour, "", "", "", "", amount_text(adjustment.amount)]


def _drawn(table: "Table", width: int) -> str:
    """Return the table as text, as wide as its numbers need where that is more than ``width``."""
    from rich.console import Console
    from rich.measure import Measurement

    file = io.StringIO()
    console = Console(
        file=file,
        width=_UNLIMITED_CELLS,
        color_system=None,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )
    names = table.columns[:_NAME_COLUMNS]
    for column in names:
        column.max_width = _MIN_NAME_CELLS
    needed = Measurement.get(console, console.options, table).minimum
    for column in names:
        column.max_width = _MAX_NAME_CELLS
    console.print(table, width=max(width, needed))
    return "\n".join(row.rstrip() for row in file.getvalue().splitlines())
