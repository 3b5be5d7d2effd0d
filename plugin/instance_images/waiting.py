"""Waits for a task to end, looking at the cloud at growing distances."""

import time
from collections.abc import Callable

from instance_images import tasks
from instance_images.domain import UNFINISHED, Account, Task
from instance_images.settling import settle
from instance_images.site import Site

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 5.0


def wait_for_task(
    site: Site,
    account: Account,
    task_id: str,
    report: Callable[[Task], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Task:
    """Return the task when it has ended; ``report`` is called with it after every look.

    To stop waiting changes nothing: the work goes on, and the next command settles it.
    """
    pause_seconds = FIRST_PAUSE_SECONDS
    while True:
        settle(site, account.id)
        with site.database.reading() as connection:
            task = tasks.get_task(connection, task_id)
        report(task)
        if task.state not in UNFINISHED:
            return task
        sleep(pause_seconds)
        pause_seconds = min(pause_seconds * 1.25, LONGEST_PAUSE_SECONDS)
