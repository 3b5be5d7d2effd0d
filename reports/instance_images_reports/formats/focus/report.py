"""The FOCUS data sets as CSV files: Cost and Usage; from 1.4 on Billing Period, Invoice Detail.

Owns how values are written. Texts are made safe to open in a spreadsheet, as in the other CSV: a
name that begins like a formula gets an apostrophe before it. Computes nothing.
"""

import csv
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from instance_images.instants import format_instant
from instance_images.names import formula_safe
from instance_images_reports.formats.focus.charges import Charge, charges
from instance_images_reports.formats.focus.columns import (
    BILLING_PERIOD,
    COST_AND_USAGE,
    INVOICE_DETAIL,
)
from instance_images_reports.formats.focus.invoice import (
    Row,
    billing_period,
    invoice_details,
    last_updated,
)
from instance_images_reports.formats.json import decimal_text
from instance_images_reports.presentation import FocusOptions, Presentation
from instance_images_reports.statement.statement import Statement

COST_AND_USAGE_FILE = "cost-and-usage"
BILLING_PERIOD_FILE = "billing-period"
INVOICE_DETAIL_FILE = "invoice-detail"


def write_focus(
    folder: Path, statements: Iterable[Statement], presentation: Presentation, part: int
) -> None:
    """Write ``cost-and-usage.csv``, and with 1.4 ``invoice-detail.csv`` and ``billing-period.csv``.

    The names of further parts have their number in them; they have no billing period of their own.
    """
    options = presentation.focus
    newest = None
    with ExitStack() as opened:

        def new(name: str, columns: tuple[str, ...]) -> "csv.DictWriter[str]":
            return _new_file(opened, folder, name, columns, part)

        costs = new(COST_AND_USAGE_FILE, COST_AND_USAGE[options.version])
        has_invoices = options.version != "1.2"
        details = new(INVOICE_DETAIL_FILE, INVOICE_DETAIL) if has_invoices else None
        for statement in statements:
            found = charges(statement, options)
            costs.writerows(_texts(charge.row) for charge in found)
            if details is not None:
                details.writerows(map(_texts, _details(statement, options, found)))
            newest = max(newest or statement, statement, key=last_updated)
        if has_invoices and newest is not None and part == 0:
            periods = new(BILLING_PERIOD_FILE, BILLING_PERIOD)
            periods.writerow(_texts(billing_period(newest, options)))


def _details(statement: Statement, options: FocusOptions, found: Sequence[Charge]) -> list[Row]:
    return invoice_details(statement, options, [(each.item, each.amount) for each in found])


def _new_file(
    opened: ExitStack, folder: Path, name: str, columns: tuple[str, ...], part: int
) -> "csv.DictWriter[str]":
    """Open a file of the part with the columns as its header."""
    path = folder / f"{name}-{part:05}.csv" if part else folder / f"{name}.csv"
    file = opened.enter_context(path.open("w", encoding="utf-8", newline=""))
    writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    return writer


def _texts(row: Row) -> dict[str, str]:
    """Return the values as CSV has them; what is null is empty."""
    return {name: _text(value) for name, value in row.items()}


def _text(value: object) -> str:
    if isinstance(value, str):
        return _safe(value)
    if isinstance(value, Decimal):
        return decimal_text(value)
    return _instant(value) if isinstance(value, datetime) else ""


# Most texts and instants of a statement stand in every row of it.
_safe = lru_cache(maxsize=10_000)(formula_safe)
_instant = lru_cache(maxsize=10_000)(format_instant)
