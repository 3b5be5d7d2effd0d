"""The summary over all accounts as CSV, for programs or for spreadsheets of a locale.

Owns the columns; an account's fields are those of the JSON. Computes nothing.
"""

from collections.abc import Iterator

from instance_images_reports.formats.csv_dialect import Dialect, dialect_of
from instance_images_reports.presentation import Presentation
from instance_images_reports.summary.json import Paths, account_fields
from instance_images_reports.summary.summary import Summary

_TEXTS = ("account_id", "account_name")
_NUMBERS = ("total", "exact", "total_before", "change", "change_percent")
_COLUMNS = ("period", "currency", *_TEXTS, *_NUMBERS, "file")


def render_summary_csv(summary: Summary, paths: Paths, presentation: Presentation) -> str:
    """Return a header and a row for each account and currency; there is no row of totals."""
    dialect = dialect_of(presentation.locale)
    return dialect.write(_COLUMNS, _rows(summary, paths, dialect))


def _rows(summary: Summary, paths: Paths, dialect: Dialect) -> Iterator[dict[str, object]]:
    for currency in summary.currencies:
        for one in currency.accounts:
            fields = account_fields(one, currency.currency, paths)
            texts = {name: dialect.text(str(fields[name])) for name in _TEXTS}
            numbers = {name: dialect.number(fields[name]) for name in _NUMBERS}
            yield {
                "period": summary.period.name,
                "currency": currency.currency,
                **texts,
                **numbers,
                "file": fields["file"],
            }
