"""What the client adds to ``openstack``: names, help, columns, and values as they are shown."""

import argparse
import io
import re
import sys
from importlib.metadata import EntryPoint, entry_points
from types import SimpleNamespace
from typing import Any

import pytest
from cliff.formatters.commaseparated import CSVLister
from openstackclient.shell import OpenStackShell

from instance_images.views.fields import duration_text, size_text
from instance_images.views.records import CHOICE, IMAGE, LIMIT, TASK
from instance_images_client.commands import text
from instance_images_client.commands.base import Cell, Column, Lister, cells_of
from instance_images_client.commands.choice import ListChoices
from instance_images_client.commands.image import ListImages
from instance_images_client.commands.limit import ListLimits
from instance_images_client.commands.progress import Progress
from instance_images_client.commands.task import ListTasks

from support.processes.openstack_client import complete

GROUP = "openstack.instance_images.v1"
HOSTILE = "a\x1b[31mred\x07\u202eb\u2028c"


def commands() -> list[EntryPoint]:
    return sorted(entry_points(group=GROUP), key=lambda one: one.name)


def words_of(one: EntryPoint) -> str:
    return one.name.replace("_", " ")


def parser_of(one: EntryPoint) -> argparse.ArgumentParser:
    command = one.load()(OpenStackShell(), None, cmd_name=words_of(one))
    parser: argparse.ArgumentParser = command.get_parser(f"openstack {words_of(one)}")
    return parser


def test_all_of_the_commands_are_there() -> None:
    assert [words_of(one).removeprefix("custom image ") for one in commands()] == [
        *("choice list", "create", "delete", "deploy", "estimate"),
        *("group create", "group list", "group set", "group show"),
        *("limit list", "limit set", "limit show", "limit unset", "list", "location list"),
        *("rate list", "rate set", "show", "task list", "task retry", "task show"),
        *("usage list", "usage save", "usage show"),
    ]


def test_no_other_plug_in_has_a_command_of_these_names() -> None:
    installed = entry_points()
    groups = {name for name in installed.groups if name.startswith("openstack.")}
    others = {
        words_of(one): group
        for group in groups - {GROUP}
        for one in installed.select(group=group)
        if not group.startswith("openstack.cli.")
    }

    assert len(others) > 500
    for own in map(words_of, commands()):
        taken = [
            name for name in others if f"{own} ".startswith(f"{name} ") or name.startswith(own)
        ]
        assert taken == []


@pytest.mark.parametrize("one", commands(), ids=words_of)
def test_command_has_help_with_an_example_that_its_parser_takes(one: EntryPoint) -> None:
    parser = parser_of(one)

    shown = parser.format_help()

    example = one.load().example
    assert f"Example: {example}" in re.sub(r"\s+", " ", shown)
    prefix = f"openstack {words_of(one)}"
    assert example.startswith(prefix)
    parser.parse_args(example.removeprefix(prefix).split())
    assert parser.description
    assert parser.description.splitlines()[0].endswith(".")
    for action in parser._actions:
        assert action.help, f"{one.name}: {action.dest} has no help"


def test_shell_completion_knows_the_commands_and_their_options() -> None:
    script = complete()

    assert "custom_image='choice create delete deploy estimate group limit list" in script
    (options,) = re.findall(r"^  cmds_custom_image_create='(.*)'$", script, re.MULTILINE)
    assert {"--name", "--wait", "--require-quiesce"} <= set(options.split())


@pytest.mark.parametrize(
    ("command", "view"),
    [(ListImages, IMAGE), (ListTasks, TASK), (ListChoices, CHOICE), (ListLimits, LIMIT)],
)
def test_columns_have_the_names_that_the_command_line_has(command: type[Lister], view: Any) -> None:
    titles = [one.title for one in command.columns]
    known = {title for title, _ in view.columns}

    assert titles[0] == view.columns[0][0]
    assert len(known & set(titles)) >= len(known) - 1
    if view is IMAGE:
        assert [one.title for one in command.columns if not one.is_long and not one.is_of_all] == [
            title for title, _ in view.columns
        ]


def test_sizes_and_durations_read_as_on_the_command_line() -> None:
    for number in (0, 1, 999, 1000, 1023, 65_536, 10**9, 1_073_741_824, 12 * 10**15):
        assert text.size(number) == size_text(number)
    for seconds in (0, 59, 60, 185, 3_599, 3_600, 7_620):
        assert text.duration(seconds) == duration_text(seconds)


@pytest.mark.parametrize(
    ("formatter", "shown", "raw"),
    [
        ("table", "a[31mredbc", HOSTILE),
        ("json", "a[31mredbc", HOSTILE),
        ("value", "a[31mredbc", "a[31mredbc"),
        ("csv", "a[31mredbc", "a[31mredbc"),
    ],
)
def test_hostile_text_steers_no_terminal(formatter: str, shown: str, raw: str) -> None:
    record = argparse.Namespace(name=HOSTILE, error=None)
    columns = (Column("Name", "name"), Column("Error", "error"))

    name, error = cells_of(record, columns, argparse.Namespace(formatter=formatter))

    assert name.human_readable() == shown
    assert name.machine_readable() == raw
    assert (error.human_readable(), error.machine_readable()) == ("-", None)


def test_spreadsheets_find_no_formula() -> None:
    record = argparse.Namespace(name="=cmd|'/c calc'!A1")
    arguments = argparse.Namespace(formatter="csv", quote_mode="all")
    row = cells_of(record, (Column("Name", "name"),), arguments)
    out = io.StringIO()

    CSVLister().emit_list(("Name",), [row], out, arguments)

    assert out.getvalue().splitlines()[1] == "\"'=cmd|'/c calc'!A1\""


def test_nothing_is_sorted_before_anything() -> None:
    cells = [Cell(2), Cell(None), Cell(10)]

    assert [one.machine_readable() for one in sorted(cells)] == [None, 2, 10]


def test_progress_keeps_within_a_terminal_of_60_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys, "stderr", Terminal())
    task = SimpleNamespace(kind="create", state="running", stage="uploading " * 9, progress=40)

    Progress()(task)

    shown = sys.stderr.getvalue().removeprefix("\r\x1b[K")
    assert shown.startswith("create [########            ]  40 % running: uploading")
    assert len(shown) == 59
