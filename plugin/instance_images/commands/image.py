"""``instance-images image``: capture, list, show and delete images."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from instance_images.commands.deploy import choices, deploy
from instance_images.commands.everywhere import at_each, told
from instance_images.commands.options import (
    account_option,
    all_accounts_option,
    location_option,
    locations_of,
    locations_option,
    pass_invocation,
    project_option,
    wait_option,
)
from instance_images.commands.output import format_option, show_list, show_one, tell_error
from instance_images.commands.sync import sync
from instance_images.errors import InstanceImagesError, UsageError
from instance_images.names import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from instance_images.commands.main import Invocation
    from instance_images.locations.site import Site
    from instance_images.model.records import Account, Image


@click.group()
def image() -> None:
    """Capture, list, deploy and delete images."""


image.add_command(choices)
image.add_command(deploy)
image.add_command(sync)


@image.command()
@click.argument("server")
@click.option("--name", required=True, help="Name of the image, 1 to 255 characters.")
@click.option(
    "--require-quiesce",
    "requires_quiesce",
    is_flag=True,
    help="Require consistent file systems: the instance is stopped, or its guest agent freezes "
    "them.",
)
@account_option
@project_option
@location_option
@wait_option
@format_option
@pass_invocation
def create(
    invocation: Invocation,
    server: str,
    name: str,
    requires_quiesce: bool,
    account: str | None,
    project: str | None,
    location: str | None,
    wait: bool,
    output_format: str | None,
) -> None:
    """Capture the primary disk of an instance, running or stopped, as an image.

    The consistency of the image is one of: offline (the instance was stopped), filesystem (the
    guest agent froze the file systems), crash (as after a power cut).

    Example: instance-images image create web-1 --name production-web-server-v2 --wait
    """
    from instance_images.commands.progress import follow
    from instance_images.db import images
    from instance_images.images.capture import capture
    from instance_images.views.records import IMAGE

    site = invocation.application.site(location)
    owner = site.account(account)
    request = capture(site, owner, server, name, requires_quiesce=requires_quiesce, project=project)
    if wait:
        follow(invocation, site, owner, request.task_id)
    with site.database.reading() as connection:
        show_one(IMAGE, images.get_image(connection, request.image_id), output_format)


@image.command("list")
@account_option
@all_accounts_option
@locations_option
@format_option
@pass_invocation
def list_images(
    invocation: Invocation,
    account: str | None,
    all_accounts: bool,
    location: str | None,
    output_format: str | None,
) -> None:
    """List the images of an account (My Images), oldest first.

    Example: instance-images image list --account demo
    """
    from instance_images.images.find import list_images
    from instance_images.views.records import IMAGE, IMAGE_OF_LOCATIONS

    def look(site: Site) -> Sequence[Image]:
        return list_images(site, account, all_accounts=all_accounts)

    names = locations_of(invocation, location)
    found = at_each(invocation, names, look)
    view = IMAGE_OF_LOCATIONS if len(names) > 1 else IMAGE
    show_list(view, [image for listed in found for image in listed], output_format)


@image.command()
@click.argument("reference", metavar="IMAGE")
@account_option
@locations_option
@format_option
@pass_invocation
def show(
    invocation: Invocation,
    reference: str,
    account: str | None,
    location: str | None,
    output_format: str | None,
) -> None:
    """Show one image of an account, by id or name.

    Example: instance-images image show production-web-server-v2
    """
    from instance_images.images.find import find_image_at
    from instance_images.views.records import IMAGE

    names = locations_of(invocation, location)
    found = told(invocation, find_image_at(invocation.application, names, account, reference))
    show_one(IMAGE, found[0], output_format)


@image.command()
@click.argument("references", metavar="IMAGE...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Skip the confirmation prompt.")
@click.option("--force", is_flag=True, help="Delete even if a Heat stack uses the image.")
@account_option
@location_option
@pass_invocation
def delete(
    invocation: Invocation,
    references: tuple[str, ...],
    yes: bool,
    force: bool,
    account: str | None,
    location: str | None,
) -> None:
    """Delete images of an account. Deletion is final; instances made from them stay.

    If some images cannot be deleted, the others are deleted and the errors are reported.

    Example: instance-images image delete production-web-server-v1 --yes
    """
    from instance_images.commands.main import EXIT_INTERRUPTED
    from instance_images.images.delete import delete_each

    site = invocation.application.site(location)
    owner = site.account(account)
    if not yes and not _confirmed(site, owner, references):
        click.echo("Nothing was deleted.", err=True)
        invocation.exit_code = EXIT_INTERRUPTED
        return
    failures: list[InstanceImagesError] = []
    for outcome in delete_each(site, owner, references, force=force):
        if isinstance(outcome, InstanceImagesError):
            failures.append(outcome)
            if len(references) > 1:
                tell_error(outcome)
            continue
        image, end = outcome.image, "is deleted"
        if outcome.was_gone:
            end = "was already gone from the image service and is now recorded as deleted"
        click.echo(f"Image {printable(image.name)} ({image.id}) {end}.")
    if len(references) == 1 and failures:
        raise failures[0]
    if failures:
        nothing_was_done = len(failures) == len(references)
        invocation.exit_code = failures[0].exit_code if nothing_was_done else 1


def _confirmed(site: Site, owner: Account, references: tuple[str, ...]) -> bool:
    """Ask for confirmation; show the names of the images, whatever they were referred to by."""
    from instance_images.images.delete import find
    from instance_images.views.fields import size_text

    if not sys.stdin.isatty():
        raise UsageError("Deletion is permanent: add --yes to skip the prompt.")
    for one in find(site, owner, references):
        click.echo(f"{printable(one.name)} ({one.id}), {size_text(one.size_bytes)}", err=True)
    what = "this image" if len(references) == 1 else f"these {len(references)} images"
    return click.confirm(f"Delete {what}? This is permanent and cannot be undone.", err=True)
