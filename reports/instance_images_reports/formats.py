"""The formats of the Cloud Usage report: what each is called, and what renders it.

A renderer is a function from a statement to the whole report as text. Its module, and the
libraries behind it, are imported when it is called.
"""

from collections.abc import Callable

from instance_images_reports.statement import Statement

Renderer = Callable[[Statement], str]


def _html(statement: Statement) -> str:
    from instance_images_reports.html_format import render_html

    return render_html(statement)


def _text(statement: Statement) -> str:
    from instance_images_reports.text_format import render_text

    return render_text(statement)


def _json(statement: Statement) -> str:
    from instance_images_reports.json_format import render_json

    return render_json(statement)


def _csv(statement: Statement) -> str:
    from instance_images_reports.csv_format import render_csv

    return render_csv(statement)


RENDERERS: dict[str, Renderer] = {"html": _html, "text": _text, "json": _json, "csv": _csv}
