"""The trend of all accounts as a PDF, by Typst or by WeasyPrint."""

from zoneinfo import ZoneInfo

from instance_images_reports.formats.pdf.engine import WEASYPRINT, engine_of
from instance_images_reports.presentation import Presentation
from instance_images_reports.trend.all_accounts.trend import AccountsTrend
from instance_images_reports.trend.pdf import PAGES
from instance_images_reports.wording.words import Words

DOCUMENT, PAGE = "trend-all-accounts.typ", "trend-all-accounts.pdf.j2"


def render_accounts_pdf(trend: AccountsTrend, presentation: Presentation) -> bytes:
    """Return the trend as a PDF that can be read aloud, with all fonts in it.

    Raises ConfigurationError for a fault in one of the operator's templates, and where libraries
    or fonts of the engine are missing.
    """
    if engine_of(presentation, pages=PAGES, document=DOCUMENT) == WEASYPRINT:
        return _printed(trend, presentation)
    from instance_images_reports.formats.pdf.typst_documents import typeset
    from instance_images_reports.trend.all_accounts.pdf_values import accounts_values

    values = accounts_values(trend, presentation)
    return typeset(DOCUMENT, values, presentation.template_directories)


def _printed(trend: AccountsTrend, presentation: Presentation) -> bytes:
    from instance_images_reports.formats.pdf.weasyprint_pages import page_settings, printed
    from instance_images_reports.trend.all_accounts.html import render_accounts_html

    words = Words(presentation.locale, ZoneInfo(trend.timezone), "")
    head = f"{words.gettext('All accounts')}, {words.month_of(trend.periods[-1])}"
    settings = page_settings(words, presentation, head)
    return printed(render_accounts_html(trend, presentation, PAGE, **settings))
