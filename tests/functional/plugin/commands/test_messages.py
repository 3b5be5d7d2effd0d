"""What the command line says to somebody who mistypes, declines or has nothing to show."""

import io
import sys
from pathlib import Path

import pytest

from instance_images.commands.main import run

from support.clouds import installed_memory_cloud
from support.processes.command_line import CommandLine
from support.worlds.operations_world import Deployment

ACCOUNT = ("--account", "a")


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line of an account with the image ``image``."""
    monkeypatch.syspath_prepend(str(installed_memory_cloud.install(tmp_path / "site")))
    monkeypatch.setattr(installed_memory_cloud, "CLOUDS", {})
    made = Deployment(tmp_path)
    made.prepare()
    made.capture("2T12:30")
    return CommandLine(made.config, made.clock)


class Terminal(io.StringIO):
    """Somebody at a terminal who has typed this."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("command", [("image",), ("scaling-group",)])
def test_without_a_command_the_help_is_shown_as_it_is(
    command: tuple[str, ...], cli: CommandLine
) -> None:
    result = cli(*command)

    assert result.exit_code == 2
    assert result.err.startswith("Usage: instance-images")
    assert "\nCommands:\n" in result.err


def test_without_anything_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2

    shown = capsys.readouterr().err
    assert shown.startswith("Usage: instance-images")
    assert "\nCommands:\n" in shown


def test_nearest_command_is_told(cli: CommandLine) -> None:
    cli.refused(2, "No such command 'imge'. Did you mean 'image'? See", "imge", "list")
    cli.refused(2, "No such command 'zzz'. See 'instance-images --help'.", "zzz")


def test_two_sentences_are_two_sentences(cli: CommandLine) -> None:
    deploy = ("image", "deploy", "image", "--name", "n", "--flavor", "f", *ACCOUNT)

    cli.refused(2, "No such file or directory. See", *deploy, "--user-data", "/no/such/file")


def test_name_that_is_empty_is_told_for_whatever_is_named(cli: CommandLine) -> None:
    told = "The name is empty: give one of 1 to 255 characters."

    cli.refused(2, told, "image", "create", "vm", "--name", "", *ACCOUNT)
    cli.refused(2, told, "image", "deploy", "image", "--name", "", "--flavor", "f", *ACCOUNT)


def test_deletion_of_which_nothing_was_done_is_refused(cli: CommandLine) -> None:
    result = cli.refused(3, "'other' was not found", "image", "delete", "no", "other", "--yes",
                         *ACCOUNT)  # fmt: skip

    assert result.err.count("Error: ") == 2


def test_who_declines_is_told_that_nothing_was_deleted(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))

    result = cli("image", "delete", "image", *ACCOUNT)

    assert result.exit_code == 130
    assert result.err.endswith("Nothing was deleted.\n")
    assert cli.ok("image", "show", "image", *ACCOUNT).json["status"] == "available"


def test_list_without_items_is_a_dash_in_a_table(cli: CommandLine) -> None:
    [task] = cli.ok("task", "list", *ACCOUNT).json

    table = cli.ok("task", "show", task["id"], *ACCOUNT, "-f", "table").out

    [row] = [line.split() for line in table.splitlines() if "server_ids" in line]
    assert row == ["server_ids", "-"]


def test_configuration_file_that_is_none_is_told(cli: CommandLine, tmp_path: Path) -> None:
    CommandLine(tmp_path).refused(
        2, f"{tmp_path} is a directory: name it with --config-dir", "image", "list"
    )
    missing = CommandLine(tmp_path / "\x07missing").refused(2, "does not exist", "image", "list")
    assert "\x07" not in missing.err
