"""``instance-images location``: where images are offered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from instance_images.commands.options import pass_invocation
from instance_images.commands.output import format_option, show_list

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation


@click.group()
def location() -> None:
    """Show the locations."""


@location.command("list")
@format_option
@pass_invocation
def list_locations(invocation: Invocation, output_format: str | None) -> None:
    """List the configured locations.

    Example: instance-images location list
    """
    from instance_images.views.records import LOCATION

    show_list(LOCATION, invocation.application.settings.locations, output_format)
