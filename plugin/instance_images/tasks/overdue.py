"""Advances what somebody asks about, where no worker keeps up with it."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from instance_images.db import tasks
from instance_images.drivers import patience
from instance_images.errors import DatabaseUnavailable, InstanceImagesError
from instance_images.instants import format_instant
from instance_images.locations.site import Site
from instance_images.model.image_events import Source
from instance_images.model.records import Account
from instance_images.model.requests import request_ids
from instance_images.tasks.checks import check

LOG = logging.getLogger(__name__)

OVERDUE = timedelta(seconds=5)
SECONDS = 5.0

# Yields whether the cloud may be asked now: a front end limits how many requests ask it at once.
Turn = Callable[[], AbstractContextManager[bool]]


def is_overdue(look_at: datetime | None, now: datetime) -> bool:
    """Return whether a look is overdue, None: whether there is to be none."""
    return look_at is not None and look_at <= now - OVERDUE


def check_overdue(
    site: Site, account: Account, *, task_id: str | None = None, image_id: str | None = None
) -> bool:
    """Look at the account's task, or those of its image, if their checks are overdue by 5 s.

    Return whether any was looked at: otherwise records are as they were. Asks the cloud for 5 s at
    most. What cannot be looked at stays as it is on record. Raises DatabaseUnavailable.
    """
    only = None if task_id is None else [task_id]
    with site.database.reading() as connection:
        found = tasks.open_tasks(connection, site.name, account.id, only, image_id)
    now = site.clock()
    overdue = [task for task in found if is_overdue(task.look_at, now)]
    holder = request_ids.current() or f"request at {format_instant(site.clock())}"
    with patience.within(SECONDS):
        for task in overdue:
            try:
                check(site, account.id, task.id, holder, Source.COMMAND)
            except DatabaseUnavailable:
                raise
            except InstanceImagesError as error:
                LOG.warning("%s: Postponed task %s: %s", site.name, task.id, error)
                break
    return bool(overdue)
