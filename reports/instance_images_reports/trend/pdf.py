"""The trend as a PDF: its HTML on paper, by WeasyPrint."""

from zoneinfo import ZoneInfo

from instance_images.names import printable
from instance_images_reports.formats.paper import FONTS
from instance_images_reports.formats.pdf.values import shortened
from instance_images_reports.formats.pdf.weasyprint import (
    PAPER_SIZES,
    css_text,
    page_number,
    printed,
    require_engine,
)
from instance_images_reports.presentation import Presentation
from instance_images_reports.trend.html import render_trend_html
from instance_images_reports.trend.trend import Trend
from instance_images_reports.wording.words import Words

PAGE = "trend.pdf.j2"


def render_trend_pdf(trend: Trend, presentation: Presentation) -> bytes:
    """Return the trend as a PDF. Raises ConfigurationError where libraries or fonts are missing."""
    require_engine()
    from markupsafe import Markup

    words = Words(presentation.locale, ZoneInfo(trend.timezone), trend.currency)
    month = words.month_of(trend.periods[-1].period)
    head = f"{shortened(printable(trend.account.name))}, {month}"
    html = render_trend_html(
        trend,
        presentation,
        PAGE,
        paper=PAPER_SIZES[presentation.paper],
        fonts=Markup(FONTS),  # noqa: S704 - our own
        running_head=css_text(head),
        page_number=page_number(words),
    )
    return printed(html)
