"""``instance-images image sync``: compare the records with the cloud and correct them."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from instance_images.commands.everywhere import at_each
from instance_images.commands.options import (
    accept_missing_option,
    locations_of,
    locations_option,
    pass_invocation,
)
from instance_images.commands.output import format_option, show_list, tell_warning

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images.locations.site import Site
    from instance_images.sync.updates import Learned


@click.command()
@locations_option
@click.option("--dry-run", is_flag=True, help="Show what would change; write nothing.")
@accept_missing_option
@format_option
@pass_invocation
def sync(
    invocation: Invocation,
    location: str | None,
    dry_run: bool,
    accept_missing: bool,
    output_format: str | None,
) -> None:
    """Compare the records with the cloud and correct them; show the changes.

    Images that were deleted, renamed or given to another project outside this product are updated.
    Images that are back are restored. Images that [reconcile] adopt selects become images of their
    owner's account. The hourly run
    does the same before it closes hours. If a location cannot be read completely, its records do
    not change and the exit code is 1.

    Example: instance-images image sync --dry-run
    """
    from instance_images.sync.reconcile import synchronize
    from instance_images.views.records import LEARNED

    problems: list[str] = []

    def read(site: Site) -> list[Learned]:
        def report(problem: str) -> None:
            problems.append(f"{site.name}: {problem}")

        return synchronize(site, dry_run=dry_run, accept_missing=accept_missing, report=report)

    names = locations_of(invocation, location)
    with nullcontext() if dry_run else invocation.announced("image sync"):
        learned = at_each(invocation, names, read)
    show_list(LEARNED, [one for found in learned for one in found], output_format)
    for problem in problems:
        tell_warning(problem)
    if problems:
        invocation.exit_code = 1
