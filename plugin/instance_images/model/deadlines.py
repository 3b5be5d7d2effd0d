"""How long a capture or a deployment may stay in one stage before it is given up. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from instance_images.model.records import Task, TaskKind

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
        f"The capture has made no progress for {minutes} minutes in its stage {stage!r} and was"
        " given up; what it had made in the cloud is removed. Retry the task, and ask your"
        " provider if it happens again."
    )


def fault_of_slow_deployment(
    task: Task, stage: str, deadlines: Deadlines, now: datetime
) -> str | None:
    """Return why a deployment that is in the stage now is given up, or None if it is not."""
    minutes = deadlines.deploy_minutes
    if not _is_late(task, stage, minutes, now):
        return None
    return f"The deployment has made no progress for {minutes} minutes in its stage {stage!r}."


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
