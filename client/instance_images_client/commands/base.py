"""What all commands share: columns, and errors in one sentence.

Tables show sizes and states for people. Machine formats get the values as the service sent them.
"""

import argparse
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cliff import _argparse
from cliff.columns import FormattableColumn
from osc_lib.command import command

from instance_images_client.commands import text
from instance_images_client.commands.errors import as_command_errors

NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, the attribute of a record, and the value's text for people.

    ``is_of_all``: shown where records of all projects are listed, to tell whose they are.
    """

    title: str
    attribute: str
    show: Callable[[Any], str] = str
    is_long: bool = False
    is_of_all: bool = False


class Cell(FormattableColumn[Any]):
    """A value that tables show by a function; nothing is shown as ``-`` and sorted first."""

    def __init__(self, value: Any, show: Callable[[Any], str] = str) -> None:
        super().__init__(value)
        self._show = show

    def human_readable(self) -> str:
        """Return the value's text, without what would steer a terminal."""
        if self._value is None or self._value == "" or self._value == []:
            return NOTHING
        return text.printable(self._show(self._value))

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Cell):
            return NotImplemented
        if self._value is None or other._value is None:
            return self._value is None and other._value is not None
        return bool(self._value < other._value)

    __hash__ = None  # type: ignore[assignment]


def cells_of(
    record: Any, columns: Iterable[Column], parsed_args: argparse.Namespace
) -> tuple[Cell, ...]:
    """Return the record's cells; texts are made harmless in the formats that do not quote them."""
    safe = _HARMLESS.get(parsed_args.formatter, lambda value: value)
    return tuple(Cell(safe(getattr(record, one.attribute)), one.show) for one in columns)


def _in_texts(change: Callable[[str], str]) -> Callable[[Any], Any]:
    return lambda value: change(value) if isinstance(value, str) else value


_HARMLESS: Mapping[str, Callable[[Any], Any]] = {
    "csv": _in_texts(text.formula_safe),
    "value": _in_texts(text.printable),
    "shell": _in_texts(text.printable),
}


class _HelpFormatter(_argparse.SmartHelpFormatter):
    """Keeps paragraphs apart."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = re.split(r"\n\s*\n", text)
        return "\n\n".join(
            super(_HelpFormatter, self)._fill_text(one, width, indent) for one in paragraphs
        )


class Command(command.Command):
    """A command that prints no record."""

    example = ""

    @property
    def images(self) -> Any:
        """The service."""
        manager: Any = self.app.client_manager  # the plug-in adds the attribute
        return manager.instance_images

    @property
    def connection(self) -> Any:
        """The connection to the cloud."""
        return self.app.client_manager.sdk_connection

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser, whose help has paragraphs."""
        parser = super().get_parser(prog_name)
        parser.formatter_class = _HelpFormatter
        return parser

    def get_epilog(self) -> str:
        """Return what ends the help: an example."""
        return f"Example: {self.example}\n\n{super().get_epilog()}"

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Carry out the command."""
        with as_command_errors(self.app):
            return super().run(parsed_args)


class Lister(Command, command.Lister):
    """A command that prints a list."""

    columns: Sequence[Column] = ()

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser; ``--long`` where there are further columns."""
        parser = super().get_parser(prog_name)
        if any(one.is_long for one in self.columns):
            parser.add_argument("--long", action="store_true", help="List additional fields")
        return parser

    def listed(
        self, records: Iterable[Any], parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        """Return titles and rows."""
        is_long = getattr(parsed_args, "long", False)
        is_of_all = getattr(parsed_args, "all_projects", False)
        columns = [
            one
            for one in self.columns
            if (is_long or not one.is_long) and (is_of_all or not one.is_of_all)
        ]
        rows = [cells_of(record, columns, parsed_args) for record in records]
        return [one.title for one in columns], rows


class ShowOne(Command, command.ShowOne):
    """A command that prints one record."""

    fields: Sequence[Column] = ()

    def shown(
        self, record: Any, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        """Return the fields and their values."""
        titles = [one.title for one in self.fields]
        return titles, cells_of(record, self.fields, parsed_args)


def field(name: str, show: Callable[[Any], str] = str) -> Column:
    """Return the field of a shown record: it has the service's own name."""
    return Column(name, name, show)


def plain(*names: str) -> tuple[Column, ...]:
    """Return fields that are shown as they are."""
    return tuple(field(name) for name in names)
