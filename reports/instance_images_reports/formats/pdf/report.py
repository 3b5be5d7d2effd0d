"""The Cloud Usage report as a PDF, by Typst or by WeasyPrint."""

from instance_images_reports.formats.pdf.engine import WEASYPRINT, engine_of
from instance_images_reports.presentation import DEFAULT_PRESENTATION, Presentation
from instance_images_reports.statement.statement import Statement
from instance_images_reports.wording.words import words_for

DOCUMENT = "cloud-usage.typ"
# What WeasyPrint would print: an operator who has one of them has changed the page.
PAGES = ("cloud-usage.html.j2", "cloud-usage.pdf.j2", "cloud-usage.css", "sections/*.html.j2")


def render_pdf(statement: Statement, presentation: Presentation = DEFAULT_PRESENTATION) -> bytes:
    """Return the report as a PDF that can be read aloud, with all fonts in it.

    Raises ConfigurationError for a fault in one of the operator's templates, and where libraries
    or fonts of the engine are missing.
    """
    if engine_of(presentation, pages=PAGES, document=DOCUMENT) == WEASYPRINT:
        from instance_images_reports.formats.pdf.weasyprint_pages import print_report

        return print_report(statement, presentation)
    from instance_images_reports.formats.pdf.typst_documents import typeset
    from instance_images_reports.formats.pdf.values import report_values

    values = report_values(statement, words_for(statement, presentation), presentation.paper)
    return typeset(DOCUMENT, values, presentation.template_directories)
