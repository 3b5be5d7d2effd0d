"""Which program makes a PDF: Typst, or WeasyPrint for an operator's own HTML templates.

Typst sets the report's own data; WeasyPrint prints the HTML page. An operator who has changed that
page, and has said nothing else, keeps what the page looks like on paper.
"""

from collections.abc import Sequence

from instance_images_reports.presentation import Presentation

TYPST, WEASYPRINT = "typst", "weasyprint"


def engine_of(presentation: Presentation, *, pages: Sequence[str], document: str) -> str:
    """Return the configured engine, or the one that the operator's own templates need.

    ``pages`` are patterns of the HTML templates that WeasyPrint would print, ``document`` is
    Typst's template. Where the operator has one of the pages and no document, that is WeasyPrint.
    """
    if presentation.pdf_engine:
        return presentation.pdf_engine
    if _has_one(presentation, [document]):
        return TYPST
    return WEASYPRINT if _has_one(presentation, pages) else TYPST


def _has_one(presentation: Presentation, patterns: Sequence[str]) -> bool:
    return any(
        path.is_file()
        for directory in presentation.template_directories
        for pattern in patterns
        for path in directory.glob(pattern)
    )
