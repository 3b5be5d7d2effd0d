"""The periods of the trend of all accounts as CSV, for programs or for spreadsheets of a locale.

Owns the columns; a period's fields are those of the JSON. Computes nothing.
"""

from collections.abc import Iterator

from instance_images_reports.formats.csv_dialect import Dialect, dialect_of
from instance_images_reports.presentation import Presentation
from instance_images_reports.trend.all_accounts.trend import AccountsTrend
from instance_images_reports.trend.csv import NUMBERS
from instance_images_reports.trend.json import period_fields

_COLUMNS = ("period", "currency", "unit", "state", "is_whole", *NUMBERS)


def render_accounts_csv(trend: AccountsTrend, presentation: Presentation) -> str:
    """Return a header and a row for each currency and period; there is no row of totals."""
    dialect = dialect_of(presentation.locale)
    return dialect.write(_COLUMNS, _rows(trend, dialect))


def _rows(trend: AccountsTrend, dialect: Dialect) -> Iterator[dict[str, object]]:
    for currency in trend.currencies:
        for one in currency.periods:
            fields = period_fields(one)
            yield {
                "period": one.period.name,
                "currency": currency.currency,
                "unit": currency.unit,
                "state": one.state,
                "is_whole": "true" if one.is_whole else "false",
                **{name: dialect.number(fields[name]) for name in NUMBERS},
            }
