"""Brings unfinished tasks forward: looks at the cloud, decides, acts, records.

Every command settles what its account has under way, the hourly run settles everything, and a
worker settles each task when its check is due. Two processes may settle the same task at once; the
record takes the first.
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import partial

from instance_images.db import images, readings, tasks
from instance_images.drivers.patience import is_time_over
from instance_images.errors import CloudUnavailable, Refused
from instance_images.locations.sharing import share_new
from instance_images.locations.site import Site
from instance_images.model.image_events import Source
from instance_images.model.outcomes import Available, Deleted, Deployed, Failed
from instance_images.model.records import Image, Task, TaskKind
from instance_images.model.volume_capture import Ask, Complete, Remove
from instance_images.tasks.acting import act
from instance_images.tasks.looking import look_at
from instance_images.tasks.postponing import is_for_later, postponed
from instance_images.tasks.recording import Observation, record

LOG = logging.getLogger(__name__)

ALL_KINDS = tuple(TaskKind)
# After these there may be more to do at once.
_GOES_ON = (Ask, Complete, Remove, Failed)
# Each of them takes a step; a capture has fewer. What goes wrong in the last is done next time.
MOST_ROUNDS = 8
# So many ended captures a command cleans up after; there may be thousands that cannot be.
_LEFTOVERS_PER_COMMAND = 10


def settle(
    site: Site,
    account_id: str | None,
    kinds: Sequence[TaskKind] = ALL_KINDS,
    source: Source = Source.COMMAND,
    only: Collection[str] | None = None,
    rounds: int = MOST_ROUNDS,
) -> list[Observation]:
    """Bring the unfinished tasks of one account, or of all, as far as the cloud is with them.

    ``only``: the ids of the tasks to look at, due or not. ``rounds``: how often each is looked at,
    at most, as long as there is more to do at once and time is left. What ended captures left in
    the cloud is removed as well, of a few that are due; a run does that with ``tasks.leftovers``
    when hours are closed. What is wrong with one task or project postpones that task. Raises
    CloudUnavailable where a service fails that an unfinished task waits for; but an hour is closed
    without the block storage, which knows of nothing that is billed.
    """
    settled: list[Observation] = []
    pairs = (
        _due(site, account_id, kinds, source) if only is None else _named(site, account_id, only)
    )
    for _ in range(rounds):
        last_read_at = _last_read_at(site)
        observations = [
            act(
                site,
                _observe(
                    site=site,
                    task=task,
                    image=image,
                    last_read_at=last_read_at,
                    source=source,
                    account_id=account_id,
                ),
                source,
                account_id,
            )
            for task, image in pairs
        ]
        if observations:
            work = partial(record, observations=observations, source=source)
            site.database.write(work)
            _log_ends(site, observations)
        settled += observations
        going_on = [s.task.id for s in observations if isinstance(s.decision, _GOES_ON)]
        if not going_on or is_time_over():
            break
        pairs = _named(site, account_id, going_on)
    if source is not Source.RUN:
        share_new(site, account_id)
    return settled


def _log_ends(site: Site, observations: Iterable[Observation]) -> None:
    for seen in observations:
        if isinstance(seen.decision, Available | Deleted | Deployed | Failed):
            LOG.info(
                "%s: %s task %s of image %s ended: %s",
                site.name,
                seen.task.kind,
                seen.task.id,
                seen.image.id,
                type(seen.decision).__name__.lower(),
            )


def observe(
    site: Site, account_id: str | None, kinds: Sequence[TaskKind] = ALL_KINDS
) -> list[Observation]:
    """Look at every unfinished task of one account, or of all, as a run does; change nothing."""
    last_read_at = _last_read_at(site)
    return [
        _observe(
            site=site,
            task=task,
            image=image,
            last_read_at=last_read_at,
            source=Source.RUN,
            account_id=account_id,
        )
        for task, image in _due(site, account_id, kinds, Source.RUN)
    ]


def _due(
    site: Site, account_id: str | None, kinds: Sequence[TaskKind], source: Source
) -> list[tuple[Task, Image]]:
    with site.database.reading() as connection:
        found = tasks.unfinished_tasks(connection, site.name, account_id)
        if source is not Source.RUN:
            due = tasks.due_leftovers(
                connection, site.name, account_id, site.clock(), _LEFTOVERS_PER_COMMAND
            )
            due_ids = [task_id for task_id, _ in due]
            found += tasks.open_tasks(connection, site.name, account_id, due_ids)
        return [
            (task, images.get_image(connection, task.image_id))
            for task in found
            if task.kind in kinds
        ]


def _named(
    site: Site, account_id: str | None, task_ids: Collection[str]
) -> list[tuple[Task, Image]]:
    with site.database.looking() as connection:
        return [
            (task, images.get_image(connection, task.image_id))
            for task in tasks.open_tasks(connection, site.name, account_id, task_ids)
        ]


def _last_read_at(site: Site) -> datetime | None:
    with site.database.looking() as connection:
        return readings.last_read_at(connection, site.name)


def _observe(
    site: Site,
    task: Task,
    image: Image,
    last_read_at: datetime | None,
    source: Source,
    account_id: str | None,
) -> Observation:
    """Look at the task and decide; what is wrong with it alone, or its project, is an outcome."""
    seen_at = site.clock()
    try:
        return look_at(site, task, image, last_read_at, seen_at)
    except Refused as error:
        return postponed(site, task, image, seen_at, error)
    except CloudUnavailable as error:
        is_answered = error.status is not None
        if not is_for_later(task, source, account_id, is_answered=is_answered):
            raise
        return postponed(site, task, image, seen_at, error)
