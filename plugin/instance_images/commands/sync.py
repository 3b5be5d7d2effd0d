"""``instance-images image sync``: read the cloud, and correct our record by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from instance_images.commands.options import location_option, locations_of, pass_invocation
from instance_images.commands.output import format_option, show_list
from instance_images.errors import InstanceImagesError

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images.learned import Learned


@click.command()
@location_option
@click.option("--dry-run", is_flag=True, help="Show what would be learned; change nothing.")
@format_option
@pass_invocation
def sync(
    invocation: Invocation, location: str | None, dry_run: bool, output_format: str | None
) -> None:
    """Read all images of the locations, and correct what is on record; show what was learned.

    Images that were deleted, renamed or given to another project behind our back, and those that
    [reconcile] adopt makes images of their owner's account. The hourly run does the same before it
    closes hours. A location that cannot be read completely stays as it is.

    Example: instance-images image sync --dry-run
    """
    from instance_images.commands.views import LEARNED
    from instance_images.reconcile import synchronize

    names = locations_of(invocation, location)
    learned: list[Learned] = []
    failures: list[InstanceImagesError] = []
    for name in names:
        try:
            learned += synchronize(invocation.application.site(name), dry_run=dry_run)
        except InstanceImagesError as error:
            failures.append(error)
            if len(names) > 1:
                click.echo(f"Error: {name} was not read: {error}", err=True)
    if len(failures) == len(names):
        raise failures[0]
    show_list(LEARNED, learned, output_format)
    invocation.exit_code = 1 if failures else 0
