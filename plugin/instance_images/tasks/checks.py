"""Checks one task that is due: claims it, looks at it once, records what was seen.

A worker does it in the background, a request where no worker has. A claim keeps two of them from
looking at one task at once; where it fails to, nothing is wrong but a few requests too many.
"""

import contextlib
from datetime import timedelta

from instance_images.db import checks, tasks
from instance_images.errors import InstanceImagesError
from instance_images.locations.site import Site
from instance_images.model.deadlines import next_look_at
from instance_images.model.image_events import Source
from instance_images.tasks.settling import settle

# A claim of a process that was killed ends with it; one that is at work renews it.
CLAIM = timedelta(seconds=60)


def check(
    site: Site, account_id: str, task_id: str, holder: str, source: Source = Source.WORKER
) -> bool:
    """Look at the account's task once, and act; return False if it is not due, or claimed.

    ``holder`` names who claims it. Raises what looking at it raises; the task is put off then, as
    one at which nothing has changed.
    """
    now = site.clock()
    if not site.database.write(
        lambda connection: checks.claim(connection, task_id, holder, now, now + CLAIM)
    ):
        return False
    try:
        settle(site, account_id, source=source, only=[task_id], rounds=1)
    except Exception:
        with contextlib.suppress(InstanceImagesError):  # without a database the claim runs out
            _put_off(site, task_id, holder)
        raise
    return True


def _put_off(site: Site, task_id: str, holder: str) -> None:
    now = site.clock()
    with site.database.reading() as connection:
        task = tasks.get_task(connection, task_id)
    look_at = next_look_at(task, now)
    if look_at is not None:
        site.database.write(lambda connection: checks.put_off(connection, task_id, look_at, holder))
