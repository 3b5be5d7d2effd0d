"""``instance-images image``: capture, list, deploy and delete images."""

from __future__ import annotations

import sys
from typing import IO, TYPE_CHECKING, Any

import click

from instance_images.commands.options import (
    account_option,
    all_accounts_option,
    location_option,
    locations_of,
    pass_invocation,
    project_option,
)
from instance_images.commands.output import (
    as_json,
    format_option,
    show_document,
    show_list,
    show_one,
)
from instance_images.commands.sync import sync
from instance_images.errors import InstanceImagesError, NotFound, UsageError
from instance_images.names import printable

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images.domain import Account, Task
    from instance_images.site import Site

wait_option = click.option(
    "--wait", is_flag=True, help="Show the progress, and return when the work has ended."
)


@click.group()
def image() -> None:
    """Capture, list, deploy and delete images."""


image.add_command(sync)


@image.command()
@click.argument("server")
@click.option("--name", required=True, help="Name of the image, 1 to 255 characters.")
@click.option(
    "--require-quiesce",
    "requires_quiesce",
    is_flag=True,
    help="Refuse where the file systems would not be consistent inside: the instance must be"
    " stopped, or its guest agent must freeze them.",
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

    The image tells how consistent the disk is inside: offline (the instance was stopped),
    filesystem (its guest agent froze the file systems), or crash (as after a power cut).

    Example: instance-images image create web-1 --name production-web-server-v2 --wait
    """
    from instance_images import images
    from instance_images.capture import capture
    from instance_images.commands.progress import follow
    from instance_images.commands.views import IMAGE

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
@location_option
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
    from instance_images import images
    from instance_images.commands.views import IMAGE
    from instance_images.settling import settle

    found = []
    for name in locations_of(invocation, location):
        site = invocation.application.site(name)
        account_id = None if all_accounts else site.account(account).id
        settle(site, account_id)
        with site.database.reading() as connection:
            found += images.list_images(connection, name, account_id)
    show_list(IMAGE, found, output_format)


@image.command()
@click.argument("reference", metavar="IMAGE")
@account_option
@location_option
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
    from instance_images.commands.views import IMAGE
    from instance_images.settling import settle
    from instance_images.site import resolve_image

    missing: NotFound | None = None
    for name in locations_of(invocation, location):
        site = invocation.application.site(name)
        owner = site.account(account)
        settle(site, owner.id)
        try:
            with site.database.reading() as connection:
                return show_one(
                    IMAGE, resolve_image(connection, site, owner, reference), output_format
                )
        except NotFound as error:
            missing = error
    assert missing is not None
    raise missing


@image.command()
@click.argument("references", metavar="IMAGE...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask whether they shall be deleted.")
@click.option("--force", is_flag=True, help="Even if a stack makes instances from them.")
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
    """Delete images of an account. They cannot be recovered; instances made from them stay.

    Of several images, those that cannot be deleted are told, and the others are deleted.

    Example: instance-images image delete production-web-server-v1 --yes
    """
    from instance_images.deletion import delete as delete_image

    site = invocation.application.site(location)
    owner = site.account(account)
    if not yes:
        _confirm(site, owner, references)
    failures: list[InstanceImagesError] = []
    for reference in references:
        try:
            deleted = delete_image(site, owner, reference, force=force)
        except InstanceImagesError as error:
            failures.append(error)
            if len(references) > 1:
                click.echo(f"Error: {error}", err=True)
            continue
        image, told = deleted.image, "is deleted"
        if deleted.was_gone:
            told = "was gone from the image service already; it is recorded as deleted"
        click.echo(f"Image {printable(image.name)} ({image.id}) {told}.")
    if len(references) == 1 and failures:
        raise failures[0]
    invocation.exit_code = 1 if failures else 0


def _confirm(site: Site, owner: Account, references: tuple[str, ...]) -> None:
    """Ask, with the images' own names, whatever they were asked for by."""
    from instance_images.commands.output import size_text
    from instance_images.deletion import find

    if not sys.stdin.isatty():
        raise UsageError("Deletion is permanent: add --yes where nobody can be asked.")
    for one in find(site, owner, references):
        click.echo(f"{printable(one.name)} ({one.id}), {size_text(one.size_bytes)}", err=True)
    what = "this image" if len(references) == 1 else f"these {len(references)} images"
    click.confirm(f"Delete {what}? This is permanent and cannot be undone.", abort=True, err=True)


@image.command()
@click.argument("reference", metavar="IMAGE")
@click.option("--name", required=True, help="Name of the instance.")
@click.option("--flavor", required=True, help="Id or name of the flavor.")
@click.option(
    "--network",
    "networks",
    multiple=True,
    help="Id or name of a network, may be repeated; or none. [default: the cloud's choice]",
)
@click.option("--key-name", help="Name of a key pair of the user of the credentials.")
@click.option(
    "--security-group",
    "security_groups",
    multiple=True,
    help="Id or name of a security group, may be repeated. [default: the project's default]",
)
@click.option(
    "--user-data",
    type=click.File("rb"),
    metavar="FILE",
    help="What cloud-init shall do, at most 49149 bytes; - reads standard input.",
)
@click.option(
    "--count",
    type=click.IntRange(1, 50),
    default=1,
    help="How many instances, all or none: NAME-1, NAME-2 and so on. [default: 1]",
)
@click.option(
    "--volume-gb",
    "volume_gib",
    type=click.IntRange(min=1),
    metavar="G",
    help="Boot from a new volume of so many GiB (2^30 bytes), deleted with the instance.",
)
@click.option("--server-group", help="Id or name of a server group.")
@click.option("--availability-zone", help="Name of an availability zone.")
@account_option
@project_option
@location_option
@wait_option
@format_option
@pass_invocation
def deploy(
    invocation: Invocation,
    reference: str,
    user_data: IO[bytes] | None,
    account: str | None,
    project: str | None,
    location: str | None,
    wait: bool,
    output_format: str | None,
    **asked: Any,
) -> None:
    """Deploy new instances from an image of the account.

    Example: instance-images image deploy production-web-server-v2 --name web-2 --flavor m1.small
    """
    from instance_images import tasks
    from instance_images.commands.progress import follow
    from instance_images.commands.views import TASK
    from instance_images.deployment import Order
    from instance_images.deployment import deploy as deploy_image
    from instance_images.task_reports import report_tasks

    site = invocation.application.site(location)
    owner = site.account(account)
    order = Order(**asked, user_data=user_data.read() if user_data else None)
    task_id = deploy_image(site, owner, reference, order, project)
    if wait:
        _tell_addresses(site, follow(invocation, site, owner, task_id))
    with site.database.reading() as connection:
        task = tasks.get_task(connection, task_id)
    show_one(TASK, report_tasks(site, [task])[0], output_format)


@image.command()
@account_option
@project_option
@location_option
@format_option
@pass_invocation
def choices(
    invocation: Invocation,
    account: str | None,
    project: str | None,
    location: str | None,
    output_format: str | None,
) -> None:
    """List what an account can deploy from: OS Images, and My Images.

    As JSON it is {"groups": [{"name": "OS Images", "images": [...]}, {"name": "My Images", ...}]}.

    Example: instance-images image choices --account demo -f json
    """
    from instance_images.choices import choices as choices_of
    from instance_images.commands.views import CHOICE

    site = invocation.application.site(location)
    groups = choices_of(site, site.account(account), project)
    document = {
        "groups": [
            {"name": group.name, "images": [as_json(CHOICE, choice) for choice in group.images]}
            for group in groups
        ]
    }
    records = [choice for group in groups for choice in group.images]
    show_document(CHOICE, records, document, output_format)


def _tell_addresses(site: Site, ended: Task) -> None:
    """Tell of each instance that runs which addresses it has."""
    from instance_images.cloud_objects import ServerStatus

    for server_id in ended.server_ids:
        server = site.provider.get_server(ended.project_id, server_id)
        if server and server.status is ServerStatus.RUNNING:
            addresses = ", ".join(server.addresses) or "no address"
            click.echo(f"Instance {printable(server.name)} ({server.id}): {addresses}", err=True)
