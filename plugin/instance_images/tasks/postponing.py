"""Decides which tasks wait when a service fails or refuses, and which are given up."""

import logging
from datetime import datetime

from instance_images.errors import CloudUnavailable, InstanceImagesError
from instance_images.locations.site import Site
from instance_images.model import capture_journal
from instance_images.model.deadlines import fault_of_postponement
from instance_images.model.image_events import Source
from instance_images.model.outcomes import Failed, Postponed
from instance_images.model.records import UNFINISHED, Image, Task, TaskKind
from instance_images.model.volume_capture import Watch
from instance_images.tasks.recording import Observation

LOG = logging.getLogger(__name__)


def is_for_later(task: Task, source: Source, account_id: str | None, *, is_answered: bool) -> bool:
    """Return whether a service that failed for one task leaves the others as they are.

    A command of one account tells its caller, and a check of one task its worker. Whatever looks at
    all accounts goes on where the service has answered; a run reads all images after that, and
    closes no hour if that fails. It goes on without the block storage, which knows of nothing that
    is billed.
    """
    if task.state not in UNFINISHED:
        return True
    if source in (Source.COMMAND, Source.WORKER) and account_id is not None:
        return False
    if _is_unfinished_of_volume(task):
        return True
    return source is not Source.NOTICE and is_answered


def _is_unfinished_of_volume(task: Task) -> bool:
    is_of_volume = task.kind is TaskKind.CREATE and capture_journal.is_of_volume(task.journal)
    return is_of_volume and task.state in UNFINISHED


def postponed(
    site: Site,
    task: Task,
    image: Image,
    seen_at: datetime,
    error: InstanceImagesError,
    *,
    was_seen: bool = False,
) -> Observation:
    """Return that the task stays as it is for now; one that has stayed so for too long is ended."""
    LOG.warning("Postponed the %s task %s of image %s: %s", task.kind, task.id, image.id, error)
    is_deploy = task.kind is TaskKind.DEPLOY
    if isinstance(error, CloudUnavailable) and (is_deploy or _is_unfinished_of_volume(task)):
        return Observation(
            task=task, image=image, decision=Watch(), seen_at=seen_at
        )  # no account's trouble, and no bill's
    fault = None
    if task.state in UNFINISHED:
        fault = fault_of_postponement(task, str(error), site.deadlines, site.clock())
    decision = Failed(fault) if fault else Postponed(str(error), was_seen)
    return Observation(task=task, image=image, decision=decision, seen_at=seen_at)
