"""The formats of the trend of all accounts: what renders each."""

from instance_images_reports.presentation import DEFAULT_PRESENTATION, Presentation
from instance_images_reports.trend.all_accounts.json import render_accounts_json
from instance_images_reports.trend.all_accounts.trend import AccountsTrend
from instance_images_reports.trend.formats import TREND_FORMATS


def render_accounts_trend(
    name: str, trend: AccountsTrend, presentation: Presentation = DEFAULT_PRESENTATION
) -> bytes:
    """Return the trend in the format of that name, as the bytes of a file.

    Raises UsageError for an unknown locale, ConfigurationError for a fault in a template of the
    operator's or for missing libraries of pdf.
    """
    match name:
        case "json":
            content = render_accounts_json(trend)
        case "csv":
            from instance_images_reports.trend.all_accounts.csv import render_accounts_csv

            content = render_accounts_csv(trend, presentation)
        case "text":
            from instance_images_reports.trend.all_accounts.text import render_accounts_text

            content = render_accounts_text(trend, presentation)
        case "pdf":
            from instance_images_reports.trend.all_accounts.pdf import render_accounts_pdf

            return render_accounts_pdf(trend, presentation)
        case "xlsx":
            from instance_images_reports.trend.all_accounts.xlsx import render_accounts_xlsx

            return render_accounts_xlsx(trend, presentation)
        case _:
            from instance_images_reports.trend.all_accounts.html import render_accounts_html

            content = render_accounts_html(trend, presentation)
    return content.encode()


def accounts_trend_name(trend: AccountsTrend, format_name: str) -> str:
    """Return a file's name for the trend: ``trend-all-accounts-2026-11.html``."""
    return f"trend-all-accounts-{trend.periods[-1].name}{TREND_FORMATS[format_name]}"
