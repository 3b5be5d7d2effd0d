"""The formats of the Cloud Usage report: what each is called, and what renders it.

A format's module, and the libraries behind it, are imported when a report is rendered in it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from instance_images.errors import ConfigurationError

if TYPE_CHECKING:
    from instance_images_reports.statement import Statement


@dataclass(frozen=True, slots=True)
class Presentation:
    """How a report is shown to its reader; no number in it depends on this.

    ``locale`` is a language, with or without a territory, as in ``de`` or ``de_DE``.
    """

    locale: str = "en_GB"


DEFAULT_PRESENTATION = Presentation()


@dataclass(frozen=True, slots=True)
class Format:
    """A format that is one file. ``extra`` is what must be installed besides for it, if anything.

    ``renderer`` is ``module:function`` in this package. The function takes a Statement and a
    Presentation, and returns the whole report as text or bytes.
    """

    suffix: str
    renderer: str
    extra: str | None = None


FORMATS = {
    "html": Format(".html", "html_format:render_html"),
    "text": Format(".txt", "text_format:render_text"),
    "csv": Format(".csv", "csv_format:render_csv"),
    "json": Format(".json", "json_format:render_json"),
}


def render(
    name: str, statement: "Statement", presentation: Presentation = DEFAULT_PRESENTATION
) -> bytes:
    """Return the report in the format of that name, as the bytes of a file.

    Raises ConfigurationError where what the format needs is not installed.
    """
    chosen = FORMATS[name]
    module, function = chosen.renderer.split(":")
    try:
        renderer: Callable[[Statement, Presentation], str | bytes] = getattr(
            import_module(f"instance_images_reports.{module}"), function
        )
        content = renderer(statement, presentation)
    except ModuleNotFoundError as error:
        if chosen.extra is None:
            raise
        raise ConfigurationError(
            f"The format {name} needs {error.name}, which is not installed: install"
            f" instance-images[{chosen.extra}]."
        ) from error
    return content.encode() if isinstance(content, str) else content
