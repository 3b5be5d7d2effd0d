"""The summary over all accounts as CSV, for programs or for spreadsheets of a locale.

Owns the columns; an account's fields are those of the JSON. Computes nothing.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from instance_images_reports.formats.csv_dialect import Dialect, dialect_of
from instance_images_reports.presentation import Presentation
from instance_images_reports.summary.json import Paths, account_fields
from instance_images_reports.summary.summary import CurrencySummary, Summary

_TEXTS = ("account_id", "account_name")
_NUMBERS = ("total", "exact", "total_before", "change", "change_percent")
_COLUMNS = ("period", "currency", *_TEXTS, *_NUMBERS, "file")
_ADDED = ("added", "report_total")  # where sections are installed that others made


def render_summary_csv(summary: Summary, paths: Paths, presentation: Presentation) -> str:
    """Return a header and a row for each account and currency; there is no row of totals."""
    dialect = dialect_of(presentation.locale)
    has_added = any(one.added for one in summary.currencies)
    columns = (*_COLUMNS, *_ADDED) if has_added else _COLUMNS
    rows = (
        _row(summary.period.name, one.currency, fields, dialect, columns)
        for one in summary.currencies
        for fields in _accounts(one, paths)
    )
    return dialect.write(columns, rows)


def _accounts(one: CurrencySummary, paths: Paths) -> Iterator[dict[str, object]]:
    """Yield the fields of each account; those of accounts with added sections alone come last."""
    left = {each.account.id: each for each in one.added_to}
    for each in one.accounts:
        added = left.pop(each.account.id, None)
        total = each.total or Decimal(0)
        extra = Decimal(0).quantize(total) if added is None else added.total
        yield {
            **account_fields(each, one.currency, paths),
            "added": f"{extra:f}",
            "report_total": f"{total + extra:f}",
        }
    for more in left.values():
        yield {
            "account_id": more.account.id,
            "account_name": more.account.name,
            "added": f"{more.total:f}",
            "report_total": f"{more.total:f}",
            "file": paths.get((more.account.id, one.currency)),
        }


def _row(
    period: str,
    currency: str,
    fields: dict[str, object],
    dialect: Dialect,
    columns: Sequence[str],
) -> dict[str, object]:
    found: dict[str, object] = {"period": period, "currency": currency, "file": fields["file"]}
    for name in columns:
        if name in _TEXTS:
            found[name] = dialect.text(str(fields[name]))
        elif name in (*_NUMBERS, *_ADDED):
            found[name] = dialect.number(fields.get(name))
    return found
