"""The trend of one account as a PDF, by Typst or by WeasyPrint."""

from zoneinfo import ZoneInfo

from instance_images.names import printable
from instance_images_reports.formats.pdf.engine import WEASYPRINT, engine_of
from instance_images_reports.presentation import Presentation
from instance_images_reports.trend.trend import Trend
from instance_images_reports.wording.words import Words

DOCUMENT, PAGE = "trend.typ", "trend.pdf.j2"
# What WeasyPrint would print: an operator who has one of them has changed the page.
PAGES = (
    "trend*.html.j2",
    "trend*.pdf.j2",
    "trend-pages.css.j2",
    "trend.css",
    "summary.css",
    "cloud-usage.css",
)


def render_trend_pdf(trend: Trend, presentation: Presentation) -> bytes:
    """Return the trend as a PDF that can be read aloud, with all fonts in it.

    Raises ConfigurationError for a fault in one of the operator's templates, and where libraries
    or fonts of the engine are missing.
    """
    words = Words(presentation.locale, ZoneInfo(trend.timezone), trend.currency)
    if engine_of(presentation, pages=PAGES, document=DOCUMENT) == WEASYPRINT:
        return _printed(trend, words, presentation)
    from instance_images_reports.formats.pdf.typst_documents import typeset
    from instance_images_reports.trend.pdf_values import trend_values

    values = trend_values(trend, words, presentation.paper)
    return typeset(DOCUMENT, values, presentation.template_directories)


def _printed(trend: Trend, words: Words, presentation: Presentation) -> bytes:
    from instance_images_reports.formats.pdf.values import shortened
    from instance_images_reports.formats.pdf.weasyprint_pages import page_settings, printed
    from instance_images_reports.trend.html import render_trend_html

    month = words.month_of(trend.periods[-1].period)
    head = f"{shortened(printable(trend.account.name))}, {month}"
    settings = page_settings(words, presentation, head)
    return printed(render_trend_html(trend, presentation, PAGE, **settings))
