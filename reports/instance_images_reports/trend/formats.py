"""The formats of a trend: what each is called, and what renders it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from instance_images.errors import UsageError
from instance_images_reports.presentation import DEFAULT_PRESENTATION, Presentation

if TYPE_CHECKING:
    from instance_images_reports.trend.trend import Trend

_MAX_ID_CHARACTERS = 64  # what Keystone's ids have at most
# Their suffixes, by name.
TREND_FORMATS = {
    "text": ".txt",
    "html": ".html",
    "pdf": ".pdf",
    "xlsx": ".xlsx",
    "json": ".json",
    "csv": ".csv",
}


def render_trend(
    name: str, trend: Trend, presentation: Presentation = DEFAULT_PRESENTATION
) -> bytes:
    """Return the trend in the format of that name, as the bytes of a file.

    Raises UsageError for an unknown locale, ConfigurationError for a fault in a template of the
    operator's or for missing libraries of pdf.
    """
    match name:
        case "json":
            from instance_images_reports.trend.json import render_trend_json

            content = render_trend_json(trend)
        case "csv":
            from instance_images_reports.trend.csv import render_trend_csv

            content = render_trend_csv(trend, presentation)
        case "text":
            from instance_images_reports.trend.text import render_trend_text

            content = render_trend_text(trend, presentation)
        case "pdf":
            from instance_images_reports.trend.pdf import render_trend_pdf

            return render_trend_pdf(trend, presentation)
        case "xlsx":
            from instance_images_reports.trend.xlsx import render_trend_xlsx

            return render_trend_xlsx(trend, presentation)
        case _:
            from instance_images_reports.trend.html import render_trend_html

            content = render_trend_html(trend, presentation)
    return content.encode()


def chosen_trend_format(wanted: str | None, output: Path | None) -> str:
    """Return the format that is wanted, else the one of the file's suffix, else text.

    Raises UsageError where the suffix stands for none.
    """
    if wanted is not None:
        return wanted
    if output is None or output.is_dir():
        return "text"
    for name, known in TREND_FORMATS.items():
        if output.suffix.lower() == known:
            return name
    raise UsageError(
        f"{output} has no suffix of a format: choose a format with -f, or a name that ends in one"
        f" of {', '.join(TREND_FORMATS.values())}."
    )


def require_trend_readable(format_name: str, output: Path | None) -> None:
    """Raise UsageError where the format is no text, and standard output a terminal."""
    if format_name in ("pdf", "xlsx") and output is None and sys.stdout.isatty():
        raise UsageError(
            f"A trend as {format_name} cannot be shown on a terminal: write it to a file with -o"
            " FILE, or into a pipe."
        )


def trend_name(trend: Trend, format_name: str) -> str:
    """Return a file's name for the trend: ``trend-5f0c6f1e-2026-11-EUR.html``."""
    account = re.sub(r"[^A-Za-z0-9._-]", "_", trend.account.id)[:_MAX_ID_CHARACTERS]
    suffix = TREND_FORMATS[format_name]
    return f"trend-{account}-{trend.periods[-1].period.name}-{trend.currency}{suffix}"
