"""Writes down what was seen of tasks and decided; knows no cloud.

Whatever is recorded is guarded by the state that it was decided from: what another process wrote
meanwhile stays. Functions take a connection and never commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from instance_images.db import checks, images, readings, tasks
from instance_images.db.billing_queue import tell
from instance_images.instants import format_instant
from instance_images.model import capture_journal
from instance_images.model.cloud import CloudImage
from instance_images.model.deadlines import next_look_at
from instance_images.model.image_events import Event, Learning, Source
from instance_images.model.outcomes import (
    Available,
    Continues,
    DeleteAgain,
    Deleted,
    Deployed,
    Failed,
    Postponed,
)
from instance_images.model.records import (
    UNFINISHED,
    Image,
    ImageStatus,
    Task,
    TaskKind,
    TaskState,
)
from instance_images.model.volume_capture import (
    Abandon,
    Ask,
    Clean,
    Complete,
    Remove,
    Watch,
)

NOT_BY_US = "The image was deleted in the image service, not through this product."

Outcome = Continues | Available | Deployed | Deleted | Failed
Decision = Outcome | DeleteAgain | Ask | Complete | Remove | Watch | Clean | Abandon | Postponed


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What was seen of a task and decided. ``seen_at`` is the instant before the cloud was asked.

    The ids of what the request made in the cloud are None where nothing was found.
    """

    task: Task
    image: Image
    decision: Decision
    seen_at: datetime
    cloud_image_id: str | None = None
    server_ids: Sequence[str] = ()
    found: CloudImage | None = None


def record(
    connection: sa.Connection, observations: Sequence[Observation], source: Source = Source.COMMAND
) -> None:
    """Write down what was decided; whatever another process wrote meanwhile stays."""
    for observed in observations:
        seen = _with_free_id(connection, observed)
        learning = Learning(seen.seen_at, source)
        match seen.decision:
            case Continues(stage, progress):
                _record_progress(connection, seen, stage, progress)
            case Available():
                _record_available(connection, seen, seen.decision, learning)
            case Deleted(deleted_at):
                record_deleted(connection, seen.image.id, seen.task.id, deleted_at, learning)
            case Deployed():
                _record_servers(connection, seen)
                tasks.finish_task(connection, seen.task.id, seen.seen_at)
            case Failed(reason):
                _record_failed(connection, seen, reason)
            case Clean():
                tasks.clear_leftovers(connection, seen.task.id)
            case Abandon():
                tasks.abandon_leftovers(connection, seen.task.id, seen.seen_at)
            case Postponed(was_seen=was_seen) if seen.task.kind is TaskKind.DELETE:
                _record_last_sight(connection, seen, was_seen)
            case DeleteAgain() | Ask() | Complete() | Remove() | Watch() | Postponed():
                pass  # what was done is on record, or is seen the next time
    if observations:
        _record_next_checks(connection, observations)


def _with_free_id(connection: sa.Connection, seen: Observation) -> Observation:
    """Return that the capture failed where its image is another living one by now."""
    new_id = seen.cloud_image_id
    is_of_capture = seen.task.kind is TaskKind.CREATE and seen.task.state in UNFINISHED
    if new_id is None or new_id == seen.image.cloud_image_id or not is_of_capture:
        return seen
    holder_id = images.holder_of_id(connection, seen.image.id, new_id)
    if holder_id is None:
        return seen
    failed = Failed(images.fault_of_id(new_id, holder_id))
    return replace(seen, decision=failed, cloud_image_id=None)


def _record_last_sight(connection: sa.Connection, seen: Observation, was_seen: bool) -> None:
    """Keep when an image that is being deleted was last there: the reading to come did not see it.

    Without it, a deletion that was accepted long ago would be dated by that reading.
    """
    written = seen.task.journal
    read_at = readings.last_read_at(connection, seen.image.location) or seen.task.started_at
    if was_seen or "seen_at" not in written:
        kept = {**written, "seen_at": format_instant(seen.seen_at if was_seen else read_at)}
        tasks.write_journal(connection, seen.task, kept, seen.task.updated_at)


def _record_next_checks(connection: sa.Connection, observations: Sequence[Observation]) -> None:
    """Write down when each task is looked at next; of those that are being removed, rarely."""
    seen_of = {seen.task.id: seen for seen in observations}
    look_ats = [
        (task.id, look_at)
        for task in checks.tasks_by_id(connection, list(seen_of))
        if (look_at := _next_check(task, seen_of[task.id])) is not None
    ]
    checks.set_look_at(connection, look_ats)


def _next_check(task: Task, seen: Observation) -> datetime | None:
    is_of_leftovers = seen.task.state not in UNFINISHED
    is_refused = isinstance(seen.decision, Postponed) or (
        isinstance(seen.decision, Watch) and seen.decision != Watch()
    )
    return next_look_at(task, seen.seen_at, is_refused=is_of_leftovers and is_refused)


def _record_progress(
    connection: sa.Connection, seen: Observation, stage: str, progress: int
) -> None:
    values: dict[str, object] = {"stage": stage, "progress": progress}
    if stage != seen.task.stage:
        values["stage_began_at"] = seen.seen_at
    if seen.cloud_image_id or seen.server_ids:
        values["state"] = TaskState.RUNNING
    _record_servers(connection, seen)
    tasks.update_task(connection, seen.task.id, seen.seen_at, **values)
    is_known = seen.cloud_image_id in (None, seen.image.cloud_image_id)
    if seen.task.kind is TaskKind.CREATE and not is_known:
        images.update_image(
            connection,
            seen.image.id,
            expected=[ImageStatus.CREATING],
            cloud_image_id=seen.cloud_image_id,
        )


def _record_servers(connection: sa.Connection, seen: Observation) -> None:
    """Write down the instances that a deploy has made; what was once seen stays on record."""
    if len(seen.server_ids) > len(seen.task.server_ids):
        journal = {**seen.task.journal, "server_ids": list(seen.server_ids)}
        tasks.update_task(
            connection, seen.task.id, seen.seen_at, server_id=seen.server_ids[0], journal=journal
        )


def _record_available(
    connection: sa.Connection, seen: Observation, outcome: Available, learning: Learning
) -> None:
    if not tasks.finish_task(connection, seen.task.id, seen.seen_at):
        return
    if not capture_journal.is_of_volume(seen.task.journal):
        tasks.clear_leftovers(connection, seen.task.id)
    if images.update_image(
        connection,
        seen.image.id,
        expected=[ImageStatus.CREATING],
        status=ImageStatus.AVAILABLE,
        size_bytes=outcome.size_bytes,
        virtual_size_bytes=outcome.virtual_size_bytes,
        available_at=outcome.available_at,
        cloud_image_id=seen.cloud_image_id,
    ):
        tell(connection, seen.image.id, Event.AVAILABLE, outcome.available_at, learning)


def record_vanished(
    connection: sa.Connection, image: Image, deleted_at: datetime, learning: Learning
) -> bool:
    """Write down that an available image was deleted without us; return False if it was known."""
    is_new = images.update_image(
        connection,
        image.id,
        expected=[ImageStatus.AVAILABLE],
        status=ImageStatus.DELETED,
        deleted_at=deleted_at,
        missed_at=learning.learned_at,
        error=NOT_BY_US,
    )
    if is_new:
        tell(connection, image.id, Event.DELETED, deleted_at, learning)
    return is_new


def record_deleted(
    connection: sa.Connection,
    image_id: str,
    task_id: str,
    deleted_at: datetime,
    learning: Learning,
) -> None:
    """Write down that the image is deleted, and that its task has succeeded."""
    if images.update_image(
        connection,
        image_id,
        expected=[ImageStatus.DELETING],
        status=ImageStatus.DELETED,
        deleted_at=deleted_at,
    ):
        tell(connection, image_id, Event.DELETED, deleted_at, learning)
    tasks.finish_task(connection, task_id, deleted_at)


def _record_failed(connection: sa.Connection, seen: Observation, reason: str) -> None:
    _record_servers(connection, seen)
    if not tasks.finish_task(connection, seen.task.id, seen.seen_at, error=reason):
        return  # another process has ended it
    if seen.task.kind is TaskKind.CREATE:
        images.update_image(
            connection,
            seen.image.id,
            expected=[ImageStatus.CREATING],
            status=ImageStatus.ERROR,
            error=reason,
            cloud_image_id=seen.cloud_image_id,
        )
    elif seen.task.kind is TaskKind.DELETE:
        record_not_deleted(connection, seen.image, seen.task.id, reason, seen.seen_at)


def record_not_deleted(
    connection: sa.Connection, image: Image, task_id: str, reason: str, now: datetime
) -> None:
    """Write down that the cloud refused the deletion: the image is what it was before."""
    before: dict[str, object] = {"status": ImageStatus.AVAILABLE}
    if image.available_at is None:  # its capture was ended by the deletion
        before = {"status": ImageStatus.ERROR, "error": image.error or reason}
    images.update_image(connection, image.id, expected=[ImageStatus.DELETING], **before)
    tasks.finish_task(connection, task_id, now, error=reason)
