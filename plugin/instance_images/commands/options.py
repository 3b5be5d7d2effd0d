"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from instance_images.errors import UsageError

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation

Value = TypeVar("Value")

pass_invocation: Callable[[Callable[..., Any]], Callable[..., Any]] = click.pass_obj

location_option = click.option(
    "--location", metavar="L", help="The location. Required if several are configured."
)
# For commands that use 'locations_of'.
locations_option = click.option("--location", metavar="L", help="The location. [default: all]")
account_option = click.option(
    "--account",
    metavar="A",
    help="Id or name of the account. [default: the account of the credentials]",
)
project_option = click.option(
    "--project",
    metavar="P",
    help="Id or name of a project of the account, if accounts are domains.",
)
wait_option = click.option(
    "--wait", is_flag=True, help="Wait for the task to finish and show its progress."
)
networks_option = click.option(
    "--network",
    "networks",
    multiple=True,
    help="Id or name of a network, or none. Repeatable. [default: chosen by the cloud]",
)
key_name_option = click.option("--key-name", help="Name of a key pair of the credentials' user.")
security_groups_option = click.option(
    "--security-group",
    "security_groups",
    multiple=True,
    help="Id or name of a security group. Repeatable. [default: the project's default group]",
)
all_accounts_option = click.option(
    "--all-accounts", is_flag=True, help="Include all accounts (operators only)."
)
accept_missing_option = click.option(
    "--accept-missing",
    is_flag=True,
    help="Accept a listing that lacks most images of a location, and record them as deleted.",
)


def parsed(parse: Callable[[str], Value], text: str) -> Value:
    """Return ``parse(argument)``; raise UsageError if it raises ValueError."""
    try:
        return parse(text)
    except ValueError as error:
        raise UsageError(str(error)) from error


def locations_of(invocation: Invocation, location: str | None) -> list[str]:
    """Return the named location, or all configured ones."""
    settings = invocation.application.settings
    if location is not None:
        return [settings.location(location).name]
    return [configured.name for configured in settings.locations]
