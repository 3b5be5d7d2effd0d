"""Waits for tasks to end, looking at the cloud at distances that grow until something happens."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from instance_images.db import tasks
from instance_images.errors import CloudUnavailable
from instance_images.locations.site import Site
from instance_images.model.records import UNFINISHED, Account, Task, TaskState
from instance_images.tasks.settling import settle

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 5.0
# So long a service may fail without a break, and so long what a capture used is seen to its end.
PATIENCE_SECONDS = 120.0

Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Watched:
    """Tasks of one account at one location."""

    site: Site
    account_id: str
    task_ids: Sequence[str]


def wait_for_task(
    site: Site,
    account: Account,
    task_id: str,
    report: Callable[[Task], None],
    sleep: Sleep = time.sleep,
) -> Task:
    """Return the task when it has ended; ``report`` is called with it after every look.

    To stop waiting changes nothing: the work goes on, and the next command settles it.
    """
    watched = [Watched(site, account.id, [task_id])]
    [task] = wait_for_tasks(watched, lambda seen: report(seen[0]), sleep)
    return task


def wait_for_tasks(
    watched: Sequence[Watched], report: Callable[[Sequence[Task]], None], sleep: Sleep = time.sleep
) -> list[Task]:
    """Return the tasks when all have ended; ``report`` is called with all after every look.

    A service that fails is asked again, not before the time that it tells; CloudUnavailable is
    raised where it goes on failing.
    """
    pause_seconds = FIRST_PAUSE_SECONDS
    failing_seconds = tidying_seconds = 0.0
    stages: list[str] = []
    untidy_ids: set[str] = set()
    while True:
        error = _settled(watched, untidy_ids)
        failing_seconds = failing_seconds if error else 0.0
        asked_seconds = (error.retry_after_seconds or 0) if error else 0
        if error and failing_seconds + asked_seconds > PATIENCE_SECONDS:
            raise error
        seen = [task for one in watched for task in _read(one)]
        report(seen)
        has_ended = all(task.state not in UNFINISHED for task in seen)
        untidy_ids = {task.id for task in seen if _is_untidy(task)}
        if has_ended and (not untidy_ids or tidying_seconds > PATIENCE_SECONDS):
            return seen
        before, stages = stages, [task.stage for task in seen]
        grown_seconds = min(pause_seconds * 1.25, LONGEST_PAUSE_SECONDS)
        pause_seconds = grown_seconds if stages == before else FIRST_PAUSE_SECONDS
        this_pause_seconds = max(pause_seconds, asked_seconds)
        sleep(this_pause_seconds)
        failing_seconds += this_pause_seconds
        tidying_seconds += this_pause_seconds if has_ended else 0.0


def _settled(watched: Sequence[Watched], untidy_ids: Collection[str]) -> CloudUnavailable | None:
    """Bring all tasks forward that can be; return the last error of a service that failed.

    What those tasks used that have ended, ``untidy_ids``, is looked at as well, due or not.
    """
    failed: CloudUnavailable | None = None
    for one in watched:
        try:
            settle(one.site, one.account_id)
            if untidy := [task_id for task_id in one.task_ids if task_id in untidy_ids]:
                settle(one.site, one.account_id, only=untidy)
        except CloudUnavailable as error:
            failed = error
    return failed


def _read(watched: Watched) -> list[Task]:
    with watched.site.database.reading() as connection:
        return [tasks.get_task(connection, task_id) for task_id in watched.task_ids]


def _is_untidy(task: Task) -> bool:
    """Return whether a capture that went well still has what it used; of others time will tell."""
    return task.state is TaskState.SUCCEEDED and task.has_leftovers
