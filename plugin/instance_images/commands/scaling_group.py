"""``instance-images scaling-group``: the images of scaling groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from instance_images.commands.options import (
    account_option,
    key_name_option,
    location_option,
    networks_option,
    pass_invocation,
    project_option,
    security_groups_option,
)
from instance_images.commands.output import format_option, show_list, show_one, tell_error
from instance_images.errors import UsageError

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images.locations.site import Site
    from instance_images.model.scaling import ScalingGroup

wait_option = click.option(
    "--wait", is_flag=True, help="Wait until the change of the group has succeeded or failed."
)
group_option = click.option(
    "--group", metavar="G", help="Name of the group, if the stack has several."
)


@click.group("scaling-group")
def scaling_group() -> None:
    """Manage the images of scaling groups."""


@scaling_group.command("list")
@account_option
@project_option
@location_option
@format_option
@pass_invocation
def list_of_groups(
    invocation: Invocation,
    account: str | None,
    project: str | None,
    location: str | None,
    output_format: str | None,
) -> None:
    """List the scaling groups of an account, by name.

    Example: instance-images scaling-group list --account demo
    """
    from instance_images.deployments.scaling_groups import list_groups
    from instance_images.views.records import SCALING_GROUP, SCALING_GROUP_OF_PROJECTS

    site = invocation.application.site(location)
    owner = site.account(account)
    projects = site.directory.projects_to_look_in(owner, project)
    view = SCALING_GROUP_OF_PROJECTS if len(projects) > 1 else SCALING_GROUP
    show_list(view, list_groups(site, projects), output_format)


@scaling_group.command()
@click.argument("stack")
@group_option
@account_option
@project_option
@location_option
@format_option
@pass_invocation
def show(
    invocation: Invocation,
    stack: str,
    group: str | None,
    account: str | None,
    project: str | None,
    location: str | None,
    output_format: str | None,
) -> None:
    """Show a scaling group, its instances and their images.

    Example: instance-images scaling-group show web
    """
    from instance_images.deployments.scaling_groups import find_group
    from instance_images.views.records import SCALING_GROUP

    site = invocation.application.site(location)
    found = find_group(site, site.account(account), stack, group, project)
    show_one(SCALING_GROUP, found, output_format)


@scaling_group.command()
@click.argument("name")
@click.option("--image", required=True, help="Id or name of an image of the account.")
@click.option("--flavor", required=True, help="Id or name of the flavor.")
@click.option(
    "--min",
    "min_size",
    type=click.IntRange(min=0),
    default=1,
    help="Minimum number of instances. [1]",
)
@click.option(
    "--max",
    "max_size",
    type=click.IntRange(min=1),
    default=3,
    help="Maximum number of instances. [3]",
)
@click.option(
    "--desired",
    type=click.IntRange(min=0),
    help="Initial number of instances. [default: the minimum]",
)
@click.option(
    "--cooldown",
    type=click.IntRange(min=0),
    default=60,
    help="Seconds between two scaling actions. [60]",
)
@networks_option
@key_name_option
@security_groups_option
@account_option
@project_option
@location_option
@wait_option
@format_option
@pass_invocation
def create(
    invocation: Invocation,
    name: str,
    image: str,
    flavor: str,
    min_size: int,
    max_size: int,
    desired: int | None,
    cooldown: int,
    networks: tuple[str, ...],
    key_name: str | None,
    security_groups: tuple[str, ...],
    account: str | None,
    project: str | None,
    location: str | None,
    wait: bool,
    output_format: str | None,
) -> None:
    """Create a scaling group from an image of the account.

    The group is a Heat stack with the policies scale_up and scale_down.

    Example: instance-images scaling-group create web --image golden --flavor m1.small --max 5
    """
    from instance_images.deployments.instances import Order
    from instance_images.deployments.scaling_groups import create_group
    from instance_images.model.scaling import group_request

    site = invocation.application.site(location)
    owner = site.account(account)
    request = group_request(name, min_size, max_size, desired, cooldown)
    order = Order(
        name=name,
        flavor=flavor,
        networks=networks,
        key_name=key_name,
        security_groups=security_groups,
    )
    made = create_group(
        site=site, account=owner, reference=image, group=request, order=order, project=project
    )
    _show_changed(invocation, site, made, wait, output_format)


@scaling_group.command("set-image")
@click.argument("stack")
@click.argument("image")
@click.option("--replace", is_flag=True, help="Replace the current instances, in batches.")
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    help="With --replace: number of instances per batch. [default: 1]",
)
@click.option(
    "--pause",
    type=click.IntRange(0, 3600),
    metavar="SECONDS",
    help="With --replace: seconds to wait after each batch. [default: 0]",
)
@group_option
@account_option
@project_option
@location_option
@wait_option
@format_option
@pass_invocation
def set_image(
    invocation: Invocation,
    stack: str,
    image: str,
    replace: bool,
    batch_size: int | None,
    pause: int | None,
    group: str | None,
    account: str | None,
    project: str | None,
    location: str | None,
    wait: bool,
    output_format: str | None,
) -> None:
    """Set the image of a scaling group.

    New instances use the image. Current instances stay, unless --replace is given.

    Example: instance-images scaling-group set-image web golden-v2 --replace --batch-size 2 --wait
    """
    from instance_images.deployments.scaling_groups import set_image as set_group_image
    from instance_images.model.scaling import rollout_of

    if not replace and (batch_size is not None or pause is not None):
        raise UsageError("--batch-size and --pause say how to replace instances: add --replace.")
    site = invocation.application.site(location)
    owner = site.account(account)
    rollout = rollout_of(replace=replace, batch_size=batch_size, pause_seconds=pause)
    changed = set_group_image(
        site=site,
        account=owner,
        reference=stack,
        image_reference=image,
        rollout=rollout,
        group_name=group,
        project=project,
    )
    _show_changed(invocation, site, changed, wait, output_format)


def _show_changed(
    invocation: Invocation, site: Site, group: ScalingGroup, wait: bool, output_format: str | None
) -> None:
    """Show the group, with ``--wait`` after the change has ended; a failure sets the exit code."""
    from instance_images.deployments.scaling_groups import wait_for_group
    from instance_images.model.scaling import GroupStatus
    from instance_images.views.records import SCALING_GROUP

    if wait:
        shown = ""

        def report(found: ScalingGroup) -> None:
            nonlocal shown
            line = f"{found.name}: {found.status}, {found.size} instances: {found.reason}"
            if line != shown:
                click.echo(line, err=True)
            shown = line

        group = wait_for_group(site, group, report)
    if group.status is GroupStatus.FAILED:
        invocation.exit_code = 1
        tell_error(f"Scaling group {group.name} failed: {group.reason}")
    show_one(SCALING_GROUP, group, output_format)
