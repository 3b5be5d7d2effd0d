"""``instance-images task``: the background work on images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from instance_images.commands.everywhere import at_each, told
from instance_images.commands.hints import hint_for_failed
from instance_images.commands.options import (
    account_option,
    all_accounts_option,
    locations_of,
    locations_option,
    pass_invocation,
    wait_option,
)
from instance_images.commands.output import format_option, show_list, show_one, tell_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from instance_images.commands.main import Invocation
    from instance_images.locations.site import Site
    from instance_images.model.records import Task, TaskReport


@click.group()
def task() -> None:
    """Show and retry tasks."""


@task.command("list")
@account_option
@all_accounts_option
@locations_option
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
    from instance_images.db import tasks
    from instance_images.tasks.reports import report_tasks
    from instance_images.tasks.settling import settle
    from instance_images.views.records import TASK, TASK_OF_LOCATIONS

    def look(site: Site) -> Sequence[TaskReport]:
        account_id = None if all_accounts else site.account(account).id
        settle(site, account_id)
        with site.database.reading() as connection:
            listed = tasks.list_tasks(connection, site.name, account_id)
        return report_tasks(site, listed)

    names = locations_of(invocation, location)
    found = at_each(invocation, names, look)
    view = TASK_OF_LOCATIONS if len(names) > 1 else TASK
    show_list(view, [report for listed in found for report in listed], output_format)


@task.command()
@click.argument("task_id", metavar="TASK")
@account_option
@locations_option
@format_option
@pass_invocation
def show(
    invocation: Invocation,
    task_id: str,
    account: str | None,
    location: str | None,
    output_format: str | None,
) -> None:
    """Show a task of an account with its current progress.

    Example: instance-images task show 5f6e2c1a-9c34-4c5e-9a53-0a4ad3c7f0a1
    """
    from instance_images.tasks.find import find_task, place_of_task
    from instance_images.tasks.reports import report_tasks
    from instance_images.tasks.settling import settle
    from instance_images.views.records import TASK

    names = locations_of(invocation, location)
    site, owner = place_of_task(invocation.application, names, account, task_id)
    settle(site, owner.id)
    show_one(TASK, report_tasks(site, [find_task(site, owner, task_id)])[0], output_format)


@task.command()
@click.argument("task_ids", metavar="[TASK]...", nargs=-1)
@account_option
@locations_option
@pass_invocation
def watch(
    invocation: Invocation, task_ids: tuple[str, ...], account: str | None, location: str | None
) -> None:
    """Follow tasks until they have finished: the given ones, or all unfinished ones.

    Ctrl-C stops watching and changes nothing. The exit code is 1 if a task failed.

    Example: instance-images task watch --account demo
    """
    from instance_images.commands.progress import Board
    from instance_images.model.records import TaskState
    from instance_images.tasks.find import places_of_tasks, unfinished_tasks
    from instance_images.tasks.reports import report_tasks
    from instance_images.tasks.waiting import wait_for_tasks

    application, names = invocation.application, locations_of(invocation, location)
    if task_ids:
        watched = places_of_tasks(application, names, account, task_ids)
    else:
        found = told(invocation, unfinished_tasks(application, names, account))
        watched = [one for one in found if one.task_ids]
    if not watched:
        click.echo("No task is unfinished.", err=True)
        return
    site_of = {task_id: one.site for one in watched for task_id in one.task_ids}
    with Board() as board:

        def report(seen: Sequence[Task]) -> None:
            board.show([r for one in seen for r in report_tasks(site_of[one.id], [one])])

        ended = wait_for_tasks(watched, report)
    failed = [one for one in ended if one.state is TaskState.FAILED]
    for one in failed:
        tell_error(f"The {one.kind} task {one.id} failed: {one.error}{hint_for_failed(one)}")
    if failed:
        invocation.exit_code = 1


@task.command()
@click.argument("task_id", metavar="TASK")
@account_option
@locations_option
@wait_option
@format_option
@pass_invocation
def retry(
    invocation: Invocation,
    task_id: str,
    account: str | None,
    location: str | None,
    wait: bool,
    output_format: str | None,
) -> None:
    """Retry a failed capture. The image keeps its id and counts against the limit again.

    Example: instance-images task retry 5f6e2c1a-9c34-4c5e-9a53-0a4ad3c7f0a1 --wait
    """
    from instance_images.commands.progress import follow
    from instance_images.images.retry import retry as retry_task
    from instance_images.tasks.find import find_task, place_of_task
    from instance_images.tasks.reports import report_tasks
    from instance_images.views.records import TASK

    names = locations_of(invocation, location)
    site, owner = place_of_task(invocation.application, names, account, task_id)
    retry_task(site, owner, task_id)
    if wait:
        follow(invocation, site, owner, task_id)
    show_one(TASK, report_tasks(site, [find_task(site, owner, task_id)])[0], output_format)
