"""The lines of the Cloud Usage report as CSV, for spreadsheets and other programs.

Owns the columns; a line's fields are those of the JSON. Has no row of totals, because who reads
it adds up the rows. Computes nothing.
"""

import csv
import io

from instance_images.names import formula_safe
from instance_images_reports.json_format import line_fields
from instance_images_reports.statement import Line, Statement

# What comes from users or from the cloud, and may be made to look like a formula.
_TEXTS = ("image_id", "name", "location", "source_instance_name")
_COLUMNS: tuple[str, ...] = (
    "account_id",
    "account_name",
    "period",
    "currency",
    "image_id",
    "name",
    "location",
    "source_instance_name",
    "size_bytes",
    "billable_from",
    "billable_until",
    "billable_seconds",
    "gb_hours",
    "rate",
    "amount_exact",
    "amount",
    "open",
    "unit",
    "hours_per_month",
    "partial_hour",
)


def render_csv(statement: Statement) -> str:
    """Return a header and a row per line, quoted as RFC 4180 says, with ``\\n`` line ends."""
    file = io.StringIO()
    writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for section in statement.sections:
        writer.writerows(_row(statement, line) for line in section.lines)
    return file.getvalue()


def _row(statement: Statement, line: Line) -> dict[str, object]:
    row: dict[str, object] = {
        "account_id": formula_safe(statement.account.id),
        "account_name": formula_safe(statement.account.name),
        "period": statement.period.name,
        "currency": statement.currency,
        **line_fields(line),
        "open": "true" if line.is_open else "false",
    }
    for name in _TEXTS:
        row[name] = formula_safe(str(row[name]))
    return row
