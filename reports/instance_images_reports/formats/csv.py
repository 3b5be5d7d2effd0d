"""The lines of the Cloud Usage report as CSV, for spreadsheets and other programs.

Owns the columns; a line's fields are those of the JSON. Has no row of totals, because who reads
it adds up the rows. Computes nothing.
"""

import csv
import io
from collections.abc import Mapping

from instance_images.names import formula_safe
from instance_images_reports.formats.json import adjustment_fields, charge_fields, line_fields
from instance_images_reports.presentation import DEFAULT_PRESENTATION, Presentation
from instance_images_reports.statement.statement import Adjustment, Statement

# What comes from users or from the cloud, and may be made to look like a formula.
_TEXTS = (
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
USAGE = "usage"  # the kind of a line, beside the kinds of adjustments
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
    "ending",
    "source_instance_id",
    "kind",
    "reason",
    "image_name",
    "section",
    "details",
    "quantity",
)


def render_csv(statement: Statement, presentation: Presentation = DEFAULT_PRESENTATION) -> str:
    """Return a header and a row per line, quoted as RFC 4180 says, with ``\\n`` line ends."""
    file = io.StringIO()
    writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for section in statement.sections:
        name = section.name
        writer.writerows(_row(statement, name, line_fields(line)) for line in section.lines)
        writer.writerows(_row(statement, name, _beside(each)) for each in section.adjustments)
    for added in statement.added:
        for line in added.lines:
            writer.writerow(_row(statement, added.name, {**charge_fields(line), "kind": USAGE}))
    return file.getvalue()


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
    statement: Statement, section_name: str, fields: Mapping[str, object]
) -> dict[str, object]:
    row: dict[str, object] = {
        "account_id": formula_safe(statement.account.id),
        "account_name": formula_safe(statement.account.name),
        "period": statement.period.name,
        "currency": statement.currency,
        "section": section_name,
        **fields,
    }
    if "open" in row:
        row |= {"kind": USAGE, "image_name": row["name"]}
        row["open"] = "true" if row["open"] else "false"
    for name in _TEXTS:
        row[name] = formula_safe(str(row.get(name, "")))
    return row
