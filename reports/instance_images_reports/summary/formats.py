"""The formats of the summary over all accounts: what each is called, and what renders it."""

from instance_images_reports.presentation import DEFAULT_PRESENTATION, Presentation
from instance_images_reports.summary.json import Paths, render_summary_json
from instance_images_reports.summary.summary import Summary

# Their suffixes, by name.
SUMMARY_FORMATS = {"html": ".html", "text": ".txt", "csv": ".csv", "json": ".json"}


def summary_path(name: str) -> str:
    """Return what the summary in the format of that name is called in a folder of reports."""
    return f"summary{SUMMARY_FORMATS[name]}"


def render_summary(
    name: str,
    summary: Summary,
    paths: Paths,
    presentation: Presentation = DEFAULT_PRESENTATION,
) -> bytes:
    """Return the summary in the format of that name, as the bytes of a file.

    ``paths`` are those of the accounts' files beside it, where there are any.
    """
    match name:
        case "json":
            content = render_summary_json(summary, paths)
        case "csv":
            from instance_images_reports.summary.csv import render_summary_csv

            content = render_summary_csv(summary, paths, presentation)
        case "text":
            from instance_images_reports.summary.text import render_summary_text

            content = render_summary_text(summary, presentation)
        case _:
            from instance_images_reports.summary.html import render_summary_html

            content = render_summary_html(summary, presentation, paths)
    return content.encode()
