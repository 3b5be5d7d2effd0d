"""How commands show records: as a table to read, or as JSON or CSV for programs.

A record's JSON field names are a contract; its table is made for reading. Texts from users lose
their control characters in a table, and their formulas in CSV.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from instance_images.commands.hints import with_hint
from instance_images.config.redaction import redact_message
from instance_images.errors import InstanceImagesError
from instance_images.names import formula_safe, printable
from instance_images.views.fields import View, _plain, as_json

FORMATS = ("table", "json", "csv")
_MIN_WIDTH = 200  # where the output is no terminal, no column is folded


def format_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``-f``. The default is a table on a terminal, JSON elsewhere."""
    return click.option(
        "-f",
        "--format",
        "output_format",
        type=click.Choice(FORMATS),
        default=None,
        help="Output format. [default: table on a terminal, else json]",
    )(command)


def tell_error(message: object) -> None:
    """Print an error on stderr, without secrets and control characters.

    An InstanceImagesError is printed with its hint.
    """
    if isinstance(message, InstanceImagesError):
        message = with_hint(message)
    click.echo(f"Error: {printable(redact_message(str(message)))}", err=True)


def tell_warning(message: object) -> None:
    """Print a warning on stderr, without secrets and control characters."""
    click.echo(f"Warning: {printable(redact_message(str(message)))}", err=True)


def show_list(view: View, records: Sequence[Any], output_format: str | None) -> None:
    """Print records, one a row."""
    match chosen_format(output_format):
        case "json":
            _print_json([as_json(view, record) for record in records])
        case "csv":
            _print_csv(view, records)
        case _:
            _print_table(
                [title for title, _ in view.columns],
                [[text(record) for _, text in view.columns] for record in records],
            )


def show_one(view: View, record: Any, output_format: str | None) -> None:
    """Print one record, a field a line in the table."""
    match chosen_format(output_format):
        case "json":
            _print_json(as_json(view, record))
        case "csv":
            _print_csv(view, [record])
        case _:
            _print_table(
                ["Field", "Value"],
                [
                    [title, text]
                    for name, value in view.fields
                    for title, text in _rows(name, value(record))
                ],
            )


def show_document(
    view: View, records: Sequence[Any], document: Any, output_format: str | None
) -> None:
    """Print records, one a row; as JSON, the document that holds them."""
    if chosen_format(output_format) == "json":
        _print_json(document)
    else:
        show_list(view, records, output_format)


def chosen_format(output_format: str | None) -> str:
    """Return the requested format, or the default for the output."""
    return output_format or ("table" if sys.stdout.isatty() else "json")


def _text(value: Any) -> str:
    value = _cell(value)
    return "-" if value in (None, "") else str(value)


def _rows(name: str, value: Any) -> list[tuple[str, str]]:
    """Return the rows of a field: one, or one for each item of a list."""
    if not isinstance(value, (list, tuple)) or not value:
        return [(name, _text(value))]
    return [(name if n == 0 else "", _item(item)) for n, item in enumerate(value)]


def _cell(value: Any) -> Any:
    """Return a value for a table or CSV, where a list is one text."""
    if isinstance(value, (list, tuple)):
        records = any(isinstance(item, dict) for item in value)
        return ("; " if records else ", ").join(map(_item, value))
    return _plain(value)


def _item(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    return " ".join("-" if value is None else printable(str(value)) for value in item.values())


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=not _speaks_utf8()))


def _speaks_utf8() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def _print_csv(view: View, records: Sequence[Any]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([name for name, _ in view.fields])
    for record in records:
        values = (_cell(value(record)) for _, value in view.fields)
        writer.writerow([formula_safe(v) if isinstance(v, str) else v for v in values])


def _print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else _MIN_WIDTH, highlight=False)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, overflow="fold", no_wrap=title == "ID")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console.print(table)
