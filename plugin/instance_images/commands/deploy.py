"""``instance-images image deploy`` and ``choices``: new instances, and what to make them from."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import click

from instance_images.commands.options import (
    account_option,
    key_name_option,
    location_option,
    networks_option,
    pass_invocation,
    project_option,
    security_groups_option,
    wait_option,
)
from instance_images.commands.output import format_option, show_document, show_one
from instance_images.names import printable
from instance_images.views.fields import as_json

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images.locations.site import Site
    from instance_images.model.records import Task


@click.command()
@click.argument("reference", metavar="IMAGE")
@click.option("--name", required=True, help="Name of the instance.")
@click.option("--flavor", required=True, help="Id or name of the flavor.")
@networks_option
@key_name_option
@security_groups_option
@click.option(
    "--user-data",
    type=click.File("rb"),
    metavar="FILE",
    help="File with user data for cloud-init, at most 49149 bytes; - reads standard input.",
)
@click.option(
    "--count",
    type=click.IntRange(1, 50),
    default=1,
    help="Number of instances, all or none: NAME-1, NAME-2 and so on. [default: 1]",
)
@click.option(
    "--volume-gib",
    type=click.IntRange(min=1),
    metavar="G",
    help="Boot from a new volume of G GiB, deleted with the instance.",
)
@click.option("--volume-gb", type=click.IntRange(min=1), hidden=True)  # its name until 0.2
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
    volume_gib: int | None,
    volume_gb: int | None,
    **asked: Any,
) -> None:
    """Deploy new instances from an image of the account.

    Example: instance-images image deploy production-web-server-v2 --name web-2 --flavor m1.small
    """
    from instance_images.commands.progress import follow
    from instance_images.db import tasks
    from instance_images.deployments.instances import Order
    from instance_images.deployments.instances import deploy as deploy_image
    from instance_images.tasks.reports import report_tasks
    from instance_images.views.records import TASK

    site = invocation.application.site(location)
    owner = site.account(account)
    order = Order(
        **asked,
        user_data=user_data.read() if user_data else None,
        volume_gib=volume_gib or volume_gb,
    )
    task_id = deploy_image(site, owner, reference, order, project)
    if wait:
        _tell_addresses(site, follow(invocation, site, owner, task_id))
    with site.database.reading() as connection:
        task = tasks.get_task(connection, task_id)
    show_one(TASK, report_tasks(site, [task])[0], output_format)


@click.command()
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
    """List the images that an account can deploy: OS Images and My Images.

    As JSON it is {"groups": [{"name": "OS Images", "images": [...]}, {"name": "My Images", ...}]}.

    Example: instance-images image choices --account demo -f json
    """
    from instance_images.deployments.choices import choices as choices_of
    from instance_images.views.records import CHOICE

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
    """Print the addresses of each running instance."""
    from instance_images.model.cloud import ServerStatus

    for server_id in ended.server_ids:
        server = site.provider.get_server(ended.project_id, server_id)
        if server and server.status is ServerStatus.RUNNING:
            addresses = ", ".join(server.addresses) or "no address"
            click.echo(f"Instance {printable(server.name)} ({server.id}): {addresses}", err=True)
