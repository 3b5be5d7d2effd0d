"""The lines of the Cloud Usage report as CSV, for programs or for spreadsheets of a locale.

Owns the columns; a line's fields are those of the JSON. There is no row of totals, because readers
add up the rows. Computes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence

from instance_images_reports.formats.csv_dialect import Dialect, cells_of, dialect_of
from instance_images_reports.formats.json import (
    LINE_FIELDS,
    adjustment_fields,
    charge_fields,
    line_texts,
)
from instance_images_reports.presentation import DEFAULT_PRESENTATION, Presentation
from instance_images_reports.statement.statement import Adjustment, Section, Statement

# What comes from users or from the cloud, and may be made to look like a formula.
_TEXTS = (
    "account_id",
    "account_name",
    "image_id",
    "name",
    "location",
    "source_instance_name",
    "source_instance_id",
    "reason",
    "image_name",
    "details",
    "unit",
)
_NUMBERS = (
    "size_bytes",
    "billable_seconds",
    "gb_hours",
    "rate",
    "amount_exact",
    "amount",
    "hours_per_month",
    "quantity",
)
_INSTANTS = ("billable_from", "billable_until")
USAGE = "usage"  # the kind of a line, beside the kinds of adjustments
_COLUMNS: tuple[str, ...] = (
    "account_id",
    "account_name",
    "period",
    "currency",
    *LINE_FIELDS,
    "kind",
    "reason",
    "image_name",
    "section",
    "details",
    "quantity",
)
_NAME = list(LINE_FIELDS).index("name")


def render_csv(statement: Statement, presentation: Presentation = DEFAULT_PRESENTATION) -> str:
    """Return a header and a row per line, in the dialect of the presentation's locale."""
    dialect = dialect_of(presentation.locale)
    return dialect.write_cells(_COLUMNS, _rows(statement, dialect))


def _rows(statement: Statement, dialect: Dialect) -> Iterator[Sequence[str]]:
    for section in statement.sections:
        name = section.name
        yield from _usage_rows(statement, section, dialect)
        for each in section.adjustments:
            yield _row(statement, name, _beside(each), dialect)
    for added in statement.added:
        for charge in added.lines:
            fields = {**charge_fields(charge), "kind": USAGE}
            yield _row(statement, added.name, fields, dialect)


def _usage_rows(
    statement: Statement, section: Section, dialect: Dialect
) -> Iterator[Sequence[str]]:
    """Yield the rows of the section's lines, without a mapping for each of them."""
    before = (
        dialect.text(statement.account.id),
        dialect.text(statement.account.name),
        statement.period.name,
        statement.currency,
    )
    for line in section.lines:
        cells: Sequence[str] = line_texts(line, dialect.text)
        name = cells[_NAME]
        if dialect.is_for_spreadsheets:
            row: dict[str, object] = dict(zip(LINE_FIELDS, cells, strict=True))
            _localize(row, dialect)
            cells = [str(row[field]) for field in LINE_FIELDS]
        yield (*before, *cells, USAGE, "", name, section.name, "", "")


def _beside(adjustment: Adjustment) -> dict[str, object]:
    """Return an adjustment in the columns of the lines: its reason stands where names stand."""
    fields = adjustment_fields(adjustment)
    return {
        "image_id": fields["image_id"],
        "name": f"{adjustment.kind}: {adjustment.reason}",
        "location": fields["location"],
        "billable_from": fields["hour"],
        "billable_until": fields["until"],
        "amount_exact": fields["amount_exact"],
        "amount": fields["amount"],
        "kind": fields["kind"],
        "reason": fields["reason"],
        "image_name": fields["name"],
    }


def _row(
    statement: Statement, section_name: str, fields: Mapping[str, object], dialect: Dialect
) -> Sequence[str]:
    row: dict[str, object] = {
        "account_id": statement.account.id,
        "account_name": statement.account.name,
        "period": statement.period.name,
        "currency": statement.currency,
        "section": section_name,
        **fields,
    }
    for name in _TEXTS:
        row[name] = dialect.text(str(row.get(name, "")))
    if dialect.is_for_spreadsheets:
        _localize(row, dialect)
    return cells_of(_COLUMNS, row)


def _localize(row: dict[str, object], dialect: Dialect) -> None:
    """Write the numbers and instants of a row as spreadsheets of the locale read them."""
    row |= {name: dialect.number(row.get(name)) for name in _NUMBERS}
    row |= {name: dialect.instant(row.get(name)) for name in _INSTANTS}
