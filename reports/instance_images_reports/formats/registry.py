"""The formats of the Cloud Usage report: what each is called, and what renders it.

A format's module, and the libraries behind it, are imported when a report is rendered in it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from instance_images.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from instance_images_reports.statement.statement import Statement
from instance_images_reports.presentation import DEFAULT_PRESENTATION, Presentation


@dataclass(frozen=True, slots=True)
class Format:
    """A format that is one file. ``extra`` is what must be installed besides for it, if anything.

    ``renderer`` is ``module:function`` in this package. The function takes a Statement and a
    Presentation, and returns the whole report as text or bytes. ``section_renderer`` does so for
    one section, whose name it takes between the two; None where the format has none.
    ``content_type`` is the type in an e-mail; what is no text is kept off terminals.
    """

    suffix: str
    renderer: str
    content_type: str
    extra: str | None = None
    section_renderer: str | None = None

    @property
    def is_text(self) -> bool:
        """Whether people can read it as it is."""
        return self.content_type.startswith("text/") or self.content_type == "application/json"


FORMATS = {
    "html": Format(
        ".html",
        "formats.html:render_html",
        "text/html",
        section_renderer="formats.html:render_section",
    ),
    "pdf": Format(".pdf", "formats.pdf.report:render_pdf", "application/pdf", extra="pdf"),
    "xlsx": Format(
        ".xlsx",
        "formats.xlsx.report:render_xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    "text": Format(".txt", "formats.text:render_text", "text/plain"),
    "csv": Format(".csv", "formats.csv:render_csv", "text/csv"),
    "json": Format(
        ".json",
        "formats.json:render_json",
        "application/json",
        section_renderer="formats.json:render_section",
    ),
}


def render(
    name: str, statement: "Statement", presentation: Presentation = DEFAULT_PRESENTATION
) -> bytes:
    """Return the report in the format of that name, as the bytes of a file.

    Raises ConfigurationError where what the format needs is not installed.
    """
    return _rendered(name, FORMATS[name].renderer, statement, presentation)


def render_section(
    name: str,
    statement: "Statement",
    section_name: str,
    presentation: Presentation = DEFAULT_PRESENTATION,
) -> bytes:
    """Return one section in the format of that name, to be put into a report of somebody else's.

    Raises UsageError where the format has no sections, NotFound where there is no such section.
    """
    renderer = FORMATS[name].section_renderer
    if renderer is None:
        with_sections = " or ".join(key for key, one in FORMATS.items() if one.section_renderer)
        raise UsageError(f"A section alone is written as {with_sections}, not as {name}.")
    return _rendered(name, renderer, statement, section_name, presentation)


def _rendered(name: str, renderer: str, *arguments: object) -> bytes:
    module, function = renderer.split(":")
    extra = FORMATS[name].extra
    try:
        call: Callable[..., str | bytes] = getattr(
            import_module(f"instance_images_reports.{module}"), function
        )
        content = call(*arguments)
    except ModuleNotFoundError as error:
        if extra is None:
            raise
        raise missing_extra(name, extra, error) from error
    return content.encode() if isinstance(content, str) else content


def missing_extra(name: str, extra: str, error: ModuleNotFoundError) -> ConfigurationError:
    """Return the error that names what to install for a format."""
    package = (error.name or "").partition(".")[0]
    return ConfigurationError(
        f"The format {name} needs {package}, which is not installed: install"
        f" instance-images[{extra}]."
    )
