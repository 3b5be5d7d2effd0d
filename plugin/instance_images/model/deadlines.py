"""When a task is looked at next, and how long it may stay in one stage. Pure.

Whoever records a change of a task, or that nothing has changed, records the instant of its next
check with it. What has just begun changes soon; what has taken long takes longer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from instance_images.model.records import UNFINISHED, Task, TaskKind
from instance_images.model.volume_capture import LATE, LONGEST_PAUSE

SHORTEST = timedelta(seconds=1)
LONGEST_UNDER_WAY = timedelta(seconds=15)
LONGEST_OF_LEFTOVERS = timedelta(seconds=60)
_PART_OF_AGE = 10
_WAITING = ("requested", "queued", "image_snapshot_pending", "image queued")
_UPLOADING = ("image_uploading", "saving", "image saving", "upload requested")


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The longest time without progress: waiting to begin, reading the disk, uploading it.

    And that of instances that are being built.
    """

    queue_minutes: int = 240
    snapshot_minutes: int = 720
    upload_minutes: int = 1440
    deploy_minutes: int = 120

    def minutes_of(self, stage: str) -> int:
        """Return the minutes for a stage; what is neither waiting nor uploading reads the disk."""
        if stage in _WAITING:
            return self.queue_minutes
        # A volume is read and sent off while it is "uploading", by Cinder's word.
        is_uploading = stage in _UPLOADING or stage.startswith("volume ")
        return self.upload_minutes if is_uploading else self.snapshot_minutes


DEFAULT_DEADLINES = Deadlines()


def fault_of_delay(task: Task, stage: str, deadlines: Deadlines, now: datetime) -> str | None:
    """Return why a capture that is in the stage now is given up, or None if it is not."""
    minutes = deadlines.minutes_of(stage)
    if not _is_late(task, stage, minutes, now):
        return None
    return (
        f"The capture made no progress for {minutes} minutes in stage {stage!r} and was given up;"
        " its leftovers in the cloud are removed. Retry the task, and ask your provider if it"
        " happens again."
    )


def fault_of_slow_deployment(
    task: Task, stage: str, deadlines: Deadlines, now: datetime
) -> str | None:
    """Return why a deployment that is in the stage now is given up, or None if it is not."""
    minutes = deadlines.deploy_minutes
    if not _is_late(task, stage, minutes, now):
        return None
    return f"The deployment made no progress for {minutes} minutes in stage {stage!r}."


def fault_of_postponement(
    task: Task, reason: str, deadlines: Deadlines, now: datetime
) -> str | None:
    """Return why a task that cannot be looked at is given up, or None if it is not yet."""
    if task.kind is TaskKind.CREATE:
        minutes = deadlines.minutes_of(task.stage)
    elif task.kind is TaskKind.DEPLOY:
        minutes = deadlines.deploy_minutes
    else:
        minutes = deadlines.upload_minutes
    if not _is_late(task, task.stage, minutes, now):
        return None
    return (
        f"The {task.kind} task was given up after {minutes} minutes in stage {task.stage!r}:"
        f" {reason}"
    )


def _is_late(task: Task, stage: str, minutes: int, now: datetime) -> bool:
    return stage == task.stage and now - task.stage_began_at >= timedelta(minutes=minutes)


def first_look_at(now: datetime) -> datetime:
    """Return when to look at a task whose request is about to be sent, or that has just ended."""
    return now + SHORTEST


def next_look_at(task: Task, now: datetime, *, is_refused: bool = False) -> datetime | None:
    """Return when to look again at a task that was looked at now; None where nothing is left to do.

    The pause is a tenth of the age of the stage, at least 1 s, at most 15 s for work in progress
    and 60 s for leftovers. Leftovers that cannot be deleted (``is_refused``, or they are still
    there after 10 minutes) are looked at less and less often: the time since the end of the
    capture doubles from look to look, up to a day between two of them.
    """
    if task.state in UNFINISHED:
        return now + _pause(now - task.stage_began_at, LONGEST_UNDER_WAY)
    if not task.has_leftovers:
        return None
    age = max(now - task.updated_at, timedelta(0))
    if is_refused or age >= LATE:
        return now + min(max(age, SHORTEST), LONGEST_PAUSE)
    return now + _pause(age, LONGEST_OF_LEFTOVERS)


def _pause(age: timedelta, longest: timedelta) -> timedelta:
    return min(max(age / _PART_OF_AGE, SHORTEST), longest)
