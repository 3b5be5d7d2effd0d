"""``instance-images image sync``: read the cloud, and correct our record by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from instance_images.commands.options import locations_of, locations_option, pass_invocation
from instance_images.commands.output import format_option, show_list
from instance_images.errors import InstanceImagesError

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images.locations.site import Site
    from instance_images.sync.updates import Learned


@click.command()
@locations_option
@click.option("--dry-run", is_flag=True, help="Show what would be learned; change nothing.")
@format_option
@pass_invocation
def sync(
    invocation: Invocation, location: str | None, dry_run: bool, output_format: str | None
) -> None:
    """Read all images of the locations, and correct what is on record; show what was learned.

    Images that were deleted, renamed or given to another project behind our back, and those that
    [reconcile] adopt makes images of their owner's account. The hourly run does the same before it
    closes hours. Locations are read at the same time; one that cannot be read completely stays as
    it is, and the exit code is 1.

    Example: instance-images image sync --dry-run
    """
    from instance_images.parallel import in_parallel
    from instance_images.sync.reconcile import synchronize
    from instance_images.views.records import LEARNED

    names = locations_of(invocation, location)
    sites = [invocation.application.site(name) for name in names]

    def read(site: Site) -> list[Learned] | InstanceImagesError:
        try:
            return synchronize(site, dry_run=dry_run)
        except InstanceImagesError as error:
            return error

    learned: list[Learned] = []
    failures: list[InstanceImagesError] = []
    for name, outcome in zip(names, in_parallel(read, sites), strict=True):
        if isinstance(outcome, InstanceImagesError):
            failures.append(outcome)
            if len(names) > 1:
                click.echo(f"Error: {name} was not read: {outcome}", err=True)
        else:
            learned += outcome
    if len(failures) == len(names):
        raise failures[0]
    show_list(LEARNED, learned, output_format)
    invocation.exit_code = 1 if failures else 0
