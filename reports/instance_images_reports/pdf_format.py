"""The Cloud Usage report as a PDF: the HTML report on paper, by WeasyPrint.

Owns what pages have and a screen has not: their size, numbers and running heads. The rest is in
the HTML and its style sheet for print. Nothing is fetched: what the page does not hold is not
there.
The same report gives the same file on a machine whose fonts stay the same.
"""

import contextlib
import io
import re
import warnings
from typing import TYPE_CHECKING

from instance_images.errors import ConfigurationError
from instance_images.names import printable
from instance_images_reports.formats import DEFAULT_PRESENTATION, Presentation
from instance_images_reports.html_format import render_html
from instance_images_reports.text_format import month_text

if TYPE_CHECKING:
    import weasyprint

    from instance_images_reports.statement import Statement

_PAPER_SIZES = {"a4": "A4", "letter": "letter"}
# WeasyPrint draws charts, but does not look up a page's variables in them.
_CHART_COLOUR = re.compile(r"var\(--chart-[a-z]+, (#[0-9a-f]{6})\)")


def render_pdf(statement: "Statement", presentation: Presentation = DEFAULT_PRESENTATION) -> bytes:
    """Return the report as a PDF that can be read aloud, with all fonts in it.

    Raises ConfigurationError where libraries or fonts are missing.
    """
    html = render_html(statement, presentation)
    head = f"{statement.account.name}, {month_text(statement)}"
    engine = _engine()
    from weasyprint.urls import URLFetcher

    page = engine.HTML(
        string=_with_plain_colours(html), url_fetcher=URLFetcher(allowed_protocols=("data",))
    )
    style = engine.CSS(string=_page_style(printable(head), presentation))
    content: bytes = page.write_pdf(stylesheets=[style], pdf_tags=True)
    return content


def _engine() -> "weasyprint":
    """Return WeasyPrint, which prints advice and goes on without fonts until it crashes."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.filterwarnings("error", "(No fonts|FontConfig cannot)", UserWarning)
            import weasyprint
    except OSError as error:
        raise ConfigurationError(
            "The format pdf needs the library Pango, which is not installed or incomplete (Debian:"
            f" apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0): {error}"
        ) from error
    except UserWarning as error:
        raise ConfigurationError(
            "The format pdf needs fonts, and there are none (Debian: apt install"
            " fonts-dejavu-core)."
        ) from error
    return weasyprint


def _with_plain_colours(html: str) -> str:
    """Return the page with the colours of its charts in place of their variables; texts stay."""
    return re.sub(r"<[^<>]+>", lambda tag: _CHART_COLOUR.sub(r"\1", tag[0]), html)


def _page_style(head: str, presentation: Presentation) -> str:
    return f"""
    @page {{
      size: {_PAPER_SIZES[presentation.paper]};
      @top-left {{ content: {_css_string(head)}; }}
      @bottom-right {{ content: "Page " counter(page) " of " counter(pages); }}
    }}
    @page :first {{ @top-left {{ content: none; }} }}
    """


def _css_string(text: str) -> str:
    """Return the text as CSS writes it, without a character that could end it."""
    escaped = re.sub(r"[^\w ,.-]", lambda found: f"\\{ord(found[0]):x} ", text)
    return f'"{escaped}"'
