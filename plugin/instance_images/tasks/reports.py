"""What is told of a task besides its record: its image's name, how long it took and takes."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from instance_images.db import images, tasks
from instance_images.locations.site import Site
from instance_images.model import capture_journal
from instance_images.model.estimates import PastCapture, seconds_left
from instance_images.model.records import UNFINISHED, Image, Task, TaskKind, TaskReport

# Enough to even out single ones, few enough to follow a change of the cloud.
_PAST_CAPTURES = 50


def report_tasks(site: Site, found: Sequence[Task]) -> list[TaskReport]:
    """Return the tasks with all that is shown of them, wherever they are."""
    past: dict[str, Sequence[PastCapture]] = {}
    with site.database.reading() as connection:
        image_of = images.get_images(connection, sorted({task.image_id for task in found}))
        for location in {image_of[one.image_id].location for one in found if _is_estimated(one)}:
            past[location] = tasks.past_captures(connection, location, _PAST_CAPTURES)
    return [_report(site.clock(), task, image_of[task.image_id], past) for task in found]


def _report(
    now: datetime, task: Task, image: Image, past: Mapping[str, Sequence[PastCapture]]
) -> TaskReport:
    until = now if task.state in UNFINISHED else task.updated_at
    elapsed_seconds = max(0, int((until - task.started_at).total_seconds()))
    left_seconds = None
    if _is_estimated(task):
        left_seconds = seconds_left(
            past[image.location],
            source_instance_id=image.source_instance_id,
            is_of_volume=capture_journal.is_of_volume(task.journal),
            elapsed_seconds=elapsed_seconds,
        )
    return TaskReport(task, image.name, image.location, elapsed_seconds, left_seconds)


def _is_estimated(task: Task) -> bool:
    return task.kind is TaskKind.CREATE and task.state in UNFINISHED
