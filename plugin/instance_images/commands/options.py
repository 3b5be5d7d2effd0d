"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation

pass_invocation: Callable[[Callable[..., Any]], Callable[..., Any]] = click.pass_obj

location_option = click.option(
    "--location", metavar="L", help="The location; may be left out where there is only one."
)
account_option = click.option(
    "--account",
    metavar="A",
    help="Id or name of the account. [default: that of the credentials]",
)
project_option = click.option(
    "--project",
    metavar="P",
    help="Id or name of one of the account's projects, where an account is a domain.",
)
wait_option = click.option(
    "--wait", is_flag=True, help="Show the progress, and return when the work has ended."
)
all_accounts_option = click.option(
    "--all-accounts", is_flag=True, help="Those of every account, for the operator."
)


def locations_of(invocation: Invocation, location: str | None) -> list[str]:
    """Return the one location that was named, or all that are configured."""
    settings = invocation.application.settings
    if location is not None:
        return [settings.location(location).name]
    return [configured.name for configured in settings.locations]
