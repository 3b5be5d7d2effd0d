"""What a task's next step is, decided from what the cloud says of it. Pure.

The stages are the cloud's own words. Progress is the share of the stages that have been passed:
neither Nova nor Glance tells how many bytes of a capture have arrived.
"""

from collections.abc import Iterable
from datetime import datetime

from instance_images.model.cloud import CloudImage, CloudImageStatus, Server, ServerStatus
from instance_images.model.outcomes import GRACE, Available, Continues, Failed
from instance_images.model.records import Consistency, Task
from instance_images.names import printable

CAPTURE_PROGRESS = {
    "requested": 0,
    "queued": 10,
    "image_snapshot_pending": 10,
    "image_snapshot": 20,
    "image_pending_upload": 40,
    "image_uploading": 60,
    "saving": 60,
}

CAPTURABLE = (
    ServerStatus.RUNNING,
    ServerStatus.STOPPED,
    ServerStatus.PAUSED,
    ServerStatus.SUSPENDED,
)


def fault_of_source(server: Server) -> str | None:
    """Return why the instance cannot be captured now, or None if it can.

    Nova captures no shelved instance, and Cinder takes no snapshot of what it has reserved for one.
    """
    if server.status is ServerStatus.SHELVED:
        return "It is shelved: unshelve it first."
    if server.status is ServerStatus.RESCUED:
        return "It is in rescue mode: end the rescue first."
    if server.status not in CAPTURABLE:
        is_other = server.status is ServerStatus.OTHER and server.cloud_status
        status = f"in status {printable(server.cloud_status)}" if is_other else server.status
        return (
            f"It is {status}: only a running, stopped, paused or suspended instance can be"
            " captured."
        )
    if server.task_state is not None:
        return f"The cloud is busy with it ({server.task_state}): try again when that has ended."
    return None


def consistency_of(server: Server, freezes: bool) -> Consistency:
    """Return what the captured disk will be like inside; ``freezes``: its file systems, running.

    A paused or suspended instance has not written everything, and no agent in it can be asked.
    """
    if server.status is ServerStatus.STOPPED:
        return Consistency.OFFLINE
    if server.status is ServerStatus.RUNNING and freezes:
        return Consistency.FILESYSTEM
    return Consistency.CRASH


def next_of_capture(
    task: Task, found: CloudImage | None, server: Server | None, is_known: bool, now: datetime
) -> Continues | Available | Failed:
    """Decide about a capture. ``is_known``: the cloud's id of the image is on record.

    Nova uploads no disk of an instance that is gone; but an upload that has just been asked for is
    seen a moment later. An image becomes available when the image service last changed it on its
    way to active, but not before it was last seen inactive (``task.updated_at``), nor after
    ``now``.
    """
    if found is None and not is_known:
        if now - task.started_at < GRACE:
            return Continues(task.stage, task.progress)
        return Failed("The request to capture the instance did not reach the cloud.")
    if found is None or found.status is CloudImageStatus.LOST:
        return Failed(
            "The image disappeared from the image service before it was available: either the"
            " capture failed on the compute host (a common cause is too little space for the"
            " images), or the image was deleted there.",
            is_unexplained=True,
        )
    if found.status is not CloudImageStatus.ACTIVE:
        stage = _capture_stage(found, server)
        has_no_source = server is None and found.status is CloudImageStatus.QUEUED
        if has_no_source and task.stage == stage and now - task.stage_began_at >= GRACE:
            return Failed("The instance was deleted before its disk was uploaded.")
        return Continues(stage, max(task.progress, CAPTURE_PROGRESS.get(stage, 0)))
    if found.size_bytes is None or found.size_bytes <= 0:
        return Failed(
            "The image service holds 0 bytes of the image: it cannot be used. Delete it and"
            " capture the instance again."
        )
    return Available(
        size_bytes=found.size_bytes,
        virtual_size_bytes=found.virtual_size_bytes,
        available_at=min(max(found.changed_at, task.updated_at), now),
    )


def _capture_stage(found: CloudImage, server: Server | None) -> str:
    if server and server.task_state and server.task_state.startswith("image_"):
        return server.task_state
    return str(found.status)


def images_of_request(
    marked: Iterable[CloudImage], since: datetime, until: datetime | None = None
) -> list[CloudImage]:
    """Return those of the marked images that a request can have made, the oldest first.

    ``since``: when it was sent, by our clock; ``until``: when nothing new came of it any more. The
    owner can write the mark on any image of his own, but not when an image was made.
    """
    found = [
        one
        for one in marked
        if (one.created_at or one.changed_at) >= since - GRACE
        and (until is None or one.created_at is None or one.created_at <= until)
    ]
    return sorted(found, key=lambda one: (one.created_at or one.changed_at, one.id))


def reason_of_full_quota(task: Task, quota: str) -> str:
    """Return why an image disappeared before it was available where the quota is used up."""
    return (
        "The image disappeared from the image service before it was available, and the image"
        f" service's own quota of project {task.project_id} is used up ({quota}). Delete unused"
        " images, or ask your provider to raise the quota; then retry the task."
    )
