"""Compares the manual pages with the commands: 'check_man_pages.py DIRECTORY'."""

import argparse
import re
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import click
from openstackclient.shell import OpenStackShell

from instance_images.commands.main import cli

Command = tuple[str, set[str]]
_HELP = {"--help", "-h"}
_OTHER_HEADINGS = {"name", "instance-images", "author", "copyright"}


def commands_of_product(group: click.Group = cli) -> Iterator[Command]:
    """Yield the words of each command with its options, in the order of the page."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        options = {
            option
            for parameter in command.params
            if isinstance(parameter, click.Option) and not parameter.hidden
            for option in parameter.opts
        }
        yield name, options
        if isinstance(command, click.Group):
            yield from commands_of_product(command)


def commands_of_client() -> Iterator[Command]:
    """Yield the words of each command with its options, in the order of the page."""
    shell = OpenStackShell()
    found = entry_points(group="openstack.instance_images.v1")
    for one in sorted(found, key=lambda one: one.name):
        words = one.name.replace("_", " ")
        parser: argparse.ArgumentParser = one.load()(shell, None, cmd_name=words).get_parser(words)
        shown = [action for action in parser._actions if action.help != argparse.SUPPRESS]
        yield words, {text for action in shown for text in action.option_strings}


def sections_of(page: str) -> list[tuple[str, str]]:
    """Return the headings of a page with the text below each."""
    parts = re.split(r"^\.S[HS] (.*)$", page.replace("\\-", "-"), flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def differences(page: str, commands: list[Command]) -> list[str]:
    """Return what the page lacks, and what it has that is no command."""
    found = [(heading.lower(), text) for heading, text in sections_of(page)]
    sections = [one for one in found if one[0] not in _OTHER_HEADINGS]
    told, known = [name for name, _ in sections], [name for name, _ in commands]
    if told != known:
        return [f"the headings are {told}, the commands are {known}"]
    return [
        f"{name} {option} is missing"
        for (name, options), (_, text) in zip(commands, sections, strict=True)
        for option in options - _HELP
        if not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text)
    ]


def main(directory: Path) -> int:
    """Print the differences; return 1 if there are any."""
    failed = False
    for name, commands in (
        ("instance-images", list(commands_of_product())),
        ("openstack-custom-image", list(commands_of_client())),
    ):
        for one in differences((directory / f"{name}.1").read_text(), commands):
            sys.stderr.write(f"{name}.1: {one}\n")
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
