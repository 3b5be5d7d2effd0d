"""The HTML report on paper, by WeasyPrint: for an operator's own HTML templates.

Owns what pages have and a screen has not: their size, numbers and running heads. The rest is in
the HTML and its style sheet for print. Nothing is fetched: what the page does not hold is not
there. On a machine whose fonts stay the same, the same report gives the same file.
"""

import contextlib
import io
import os
import re
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING

from instance_images.errors import ConfigurationError
from instance_images.names import printable
from instance_images_reports.formats.html import render_page
from instance_images_reports.formats.paper import FONTS, table_size
from instance_images_reports.formats.pdf.values import shortened
from instance_images_reports.presentation import Presentation
from instance_images_reports.statement.statement import Statement
from instance_images_reports.wording.words import Words, words_for

if TYPE_CHECKING:
    from markupsafe import Markup

PAGE = "cloud-usage.pdf.j2"
PAPER_SIZES = {"a4": "A4", "letter": "letter"}


def print_report(statement: Statement, presentation: Presentation) -> bytes:
    """Return the report as a PDF that can be read aloud, with all fonts in it.

    Raises ConfigurationError where libraries or fonts are missing.
    """
    words = words_for(statement, presentation)
    head = f"{shortened(printable(statement.account.name))}, {words.month_of(statement.period)}"
    table = table_size(statement.sections, words, presentation.paper)
    html = render_page(
        PAGE,
        statement,
        presentation,
        lines_points=table.points,
        numbers_may_break=table.numbers_may_break,
        **page_settings(words, presentation, head),
    )
    return printed(html)


def page_settings(words: Words, presentation: Presentation, head: str) -> dict[str, object]:
    """Return what templates of paper are told: its size, fonts, running head and page numbers.

    Raises ConfigurationError where libraries or fonts are missing.
    """
    require_engine()
    from markupsafe import Markup

    return {
        "paper": PAPER_SIZES[presentation.paper],
        "fonts": Markup(FONTS),  # noqa: S704 - our own
        "running_head": css_text(head),
        "page_number": page_number(words),
    }


def require_engine() -> None:
    """Raise ConfigurationError where libraries or fonts are missing."""
    _engine()


def printed(html: str) -> bytes:
    """Return the page as a PDF that can be read aloud, with all fonts in it; nothing is fetched.

    Raises ConfigurationError where libraries or fonts are missing.
    """
    engine = _engine()
    from weasyprint.urls import URLFetcher

    page = engine.HTML(
        string=html.replace("<wbr>", "\u200b"), url_fetcher=URLFetcher(allowed_protocols=("data",))
    )
    with _no_time_in_fonts():
        content: bytes = page.write_pdf(pdf_tags=True)
    return content


@contextlib.contextmanager
def _no_time_in_fonts() -> Iterator[None]:
    """Have fonts that are cut without HarfBuzz-Subset bear no time, or no two files are the same.

    What fontTools reads: https://reproducible-builds.org/specs/source-date-epoch/
    """
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = before or "0"
    try:
        yield
    finally:
        del os.environ["SOURCE_DATE_EPOCH"]
        if before is not None:
            os.environ["SOURCE_DATE_EPOCH"] = before


def _engine() -> ModuleType:
    """Return WeasyPrint, which prints advice, and goes on without fonts until it crashes."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.filterwarnings("error", "No fonts|FontConfig cannot", UserWarning)
            import weasyprint
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "HTML templates need weasyprint to become a PDF, and it is not installed: install"
            " instance-images[pdf-html], or set [report] pdf_engine = typst to leave them aside."
        ) from error
    except OSError as error:
        raise ConfigurationError(
            "The format pdf needs the library Pango, which is missing or incomplete: install it"
            " (Debian: apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0)."
        ) from error
    except UserWarning as error:
        raise ConfigurationError(
            "The format pdf needs fonts, and there are none: install some (Debian: apt install"
            " fonts-dejavu-core)."
        ) from error
    engine: ModuleType = weasyprint
    return engine


def page_number(words: Words) -> "Markup":
    """Return ``Page 2 of 5`` in the reader's language, as CSS counts it."""
    text = words.gettext("Page %(page)s of %(pages)s", page="\x01page\x01", pages="\x01pages\x01")
    from markupsafe import Markup

    parts = text.split("\x01")
    return Markup(" ").join(
        Markup(f"counter({part})") if part in ("page", "pages") else css_text(part)  # noqa: S704 - our own
        for part in parts
        if part
    )


def css_text(text: str) -> "Markup":
    """Return the text as CSS writes it, without a character that could end it."""
    from markupsafe import Markup

    escaped = re.sub(r"[^\w ,.-]", lambda found: f"\\{ord(found[0]):x} ", text)
    return Markup(f'"{escaped}"')  # noqa: S704 - escaped for CSS
