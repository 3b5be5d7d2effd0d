"""``instance-images task``: the background work on images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from instance_images.commands.options import (
    account_option,
    all_accounts_option,
    location_option,
    locations_of,
    pass_invocation,
)
from instance_images.commands.output import format_option, show_list, show_one
from instance_images.errors import NotFound

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation


@click.group()
def task() -> None:
    """Follow the background work on images."""


@task.command("list")
@account_option
@all_accounts_option
@location_option
@format_option
@pass_invocation
def list_tasks(
    invocation: Invocation,
    account: str | None,
    all_accounts: bool,
    location: str | None,
    output_format: str | None,
) -> None:
    """List the tasks of an account, oldest first.

    Example: instance-images task list --account demo
    """
    from instance_images import tasks
    from instance_images.commands.views import TASK
    from instance_images.settling import settle

    found = []
    for name in locations_of(invocation, location):
        site = invocation.application.site(name)
        account_id = None if all_accounts else site.account(account).id
        settle(site, account_id)
        with site.database.reading() as connection:
            found += tasks.list_tasks(connection, name, account_id)
    show_list(TASK, found, output_format)


@task.command()
@click.argument("task_id", metavar="TASK")
@account_option
@location_option
@format_option
@pass_invocation
def show(
    invocation: Invocation,
    task_id: str,
    account: str | None,
    location: str | None,
    output_format: str | None,
) -> None:
    """Show one task of an account, as the cloud is with it now.

    Example: instance-images task show 5f6e2c1a-9c34-4c5e-9a53-0a4ad3c7f0a1
    """
    from instance_images import tasks
    from instance_images.commands.views import TASK
    from instance_images.settling import settle

    for name in locations_of(invocation, location):
        site = invocation.application.site(name)
        account_id = site.account(account).id
        settle(site, account_id)
        with site.database.reading() as connection:
            found = tasks.find_task(connection, name, account_id, task_id)
        if found:
            return show_one(TASK, found, output_format)
    raise NotFound("Task", task_id, "The account has none of that id: see 'task list'.")
