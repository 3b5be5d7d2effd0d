"""The periods of a trend as CSV, for programs or for spreadsheets of a locale.

Owns the columns; a period's fields are those of the JSON. Computes nothing.
"""

from collections.abc import Iterator

from instance_images_reports.formats.csv_dialect import Dialect, dialect_of
from instance_images_reports.presentation import Presentation
from instance_images_reports.trend.json import period_fields
from instance_images_reports.trend.trend import Trend

_TEXTS = ("account_id", "account_name")
_WORDS = ("currency", "unit", "state")
NUMBERS = (
    "total",
    "images",
    "unit_months",
    "price",
    "new_images",
    "new_percent",
    "ended_images",
    "ended_percent",
    "grown_images",
    "grown_percent",
)
_COLUMNS = ("period", *_TEXTS, *_WORDS, "is_whole", *NUMBERS)


def render_trend_csv(trend: Trend, presentation: Presentation) -> str:
    """Return a header and a row for each period; there is no row of totals."""
    dialect = dialect_of(presentation.locale)
    return dialect.write(_COLUMNS, _rows(trend, dialect))


def _rows(trend: Trend, dialect: Dialect) -> Iterator[dict[str, object]]:
    account = {
        "account_id": dialect.text(trend.account.id),
        "account_name": dialect.text(trend.account.name),
    }
    for one in trend.periods:
        fields = period_fields(one)
        yield {
            "period": one.period.name,
            **account,
            "currency": trend.currency,
            "unit": trend.unit,
            "state": one.state,
            "is_whole": "true" if one.is_whole else "false",
            **{name: dialect.number(fields[name]) for name in NUMBERS},
        }
