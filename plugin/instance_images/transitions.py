"""What a task's next step is, decided from what the cloud says of it. Pure.

The stages are the cloud's own words. Progress is the share of the stages that have been passed:
neither Nova nor Glance tells how many bytes of a capture have arrived.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from instance_images.cloud_objects import CloudImage, CloudImageStatus, Server, ServerStatus
from instance_images.deadlines import DEFAULT_DEADLINES, Deadlines, fault_of_slow_deployment
from instance_images.domain import Consistency, Image, Task
from instance_images.names import printable

# A request whose answer never came may still be on its way, or held by another process.
GRACE = timedelta(minutes=2)

CAPTURE_PROGRESS = {
    "requested": 0,
    "queued": 10,
    "image_snapshot_pending": 10,
    "image_snapshot": 20,
    "image_pending_upload": 40,
    "image_uploading": 60,
    "saving": 60,
}
DEPLOY_PROGRESS = {
    "requested": 0,
    "building": 10,
    "scheduling": 10,
    "networking": 30,
    "block_device_mapping": 40,
    "spawning": 60,
}

CAPTURABLE = (
    ServerStatus.RUNNING,
    ServerStatus.STOPPED,
    ServerStatus.PAUSED,
    ServerStatus.SUSPENDED,
)


@dataclass(frozen=True, slots=True)
class Continues:
    """The work goes on, in this stage, with this percentage of the stages passed."""

    stage: str
    progress: int


@dataclass(frozen=True, slots=True)
class Available:
    """All bytes of the image are in the image service since ``available_at``."""

    size_bytes: int
    virtual_size_bytes: int | None
    available_at: datetime


@dataclass(frozen=True, slots=True)
class Deployed:
    """The instance runs."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """The image is gone; its deletion was accepted at ``deleted_at``."""

    deleted_at: datetime


@dataclass(frozen=True, slots=True)
class DeleteAgain:
    """The image is still there, and nobody can be waiting for the answer any more."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The work has come to nothing, for this reason.

    ``is_unexplained`` where the cloud made away with an image and tells nobody why.
    """

    reason: str
    is_unexplained: bool = False


def fault_of_source(server: Server) -> str | None:
    """Return why the instance cannot be captured now, or None if it can.

    Nova captures no shelved instance, and Cinder takes no snapshot of what it has reserved for one.
    """
    if server.status is ServerStatus.SHELVED:
        return "It is shelved: unshelve it first."
    if server.status not in CAPTURABLE:
        return (
            f"It is {server.status}: only a running, stopped, paused or suspended instance can be"
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
    if not found.size_bytes:
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


def next_of_deletion(
    task: Task, is_gone: bool, last_read_at: datetime | None, now: datetime
) -> Continues | Deleted | DeleteAgain:
    """Decide about a deletion whose answer was not received.

    If the image is gone, its deletion was accepted when it was asked for; but not before the
    location was last read completely, for then the image was still there.
    """
    if is_gone:
        return Deleted(min(max(task.started_at, last_read_at or task.started_at), now))
    if now - task.started_at < GRACE:
        return Continues(task.stage, task.progress)
    return DeleteAgain()


def next_of_deployment(
    task: Task,
    servers: Sequence[Server],
    now: datetime,
    deadlines: Deadlines = DEFAULT_DEADLINES,
) -> Continues | Deployed | Failed:
    """Decide about instances that are being made; ``servers`` are those that were found.

    Whatever becomes of the others, the task ends when none is being built any more, or when those
    that are make no progress.
    """
    there = [server for server in servers if server.status is not ServerStatus.DELETED]
    missing = task.count - len(there)
    if missing > 0 and len(task.server_ids) < task.count and now - task.started_at < GRACE:
        return Continues(task.stage, task.progress)
    building = [server for server in there if server.status is ServerStatus.BUILDING]
    failed = [server for server in there if server.status is ServerStatus.FAILED]
    if building:
        stages = [server.task_state or "building" for server in building]
        progress, stage = min((DEPLOY_PROGRESS.get(stage, 0), stage) for stage in stages)
        late = fault_of_slow_deployment(task, stage, deadlines, now)
        if late is None:
            return Continues(stage, max(task.progress, progress))
        return Failed(_reason_of_deployment(task.count, missing, failed, building, late))
    if any(server.fault is None for server in failed) and task.stage != "error":
        return Continues("error", task.progress)  # Nova writes the reason a moment later
    if missing > 0 or failed:
        return Failed(_reason_of_deployment(task.count, missing, failed))
    return Deployed()


def _reason_of_deployment(
    count: int,
    missing: int,
    failed: Sequence[Server],
    building: Sequence[Server] = (),
    late: str | None = None,
) -> str:
    """Return what became of the instances that do not run; ``late``: why nobody waits longer."""
    if count == 1 and missing:
        return "The instance is not there: it was deleted, or never made."
    reasons = [late] if late else []
    if missing:
        reasons.append(f"{missing} of {count} instances are not there: deleted, or never made.")
    elif failed and count > 1:
        reasons.append(f"{len(failed)} of {count} instances failed.")
    for server in failed:
        fault = server.fault or "Nova reports the instance in error, without a reason."
        fault = fault if fault.endswith(".") else f"{fault}."
        reasons.append(f"{fault} Instance {printable(server.name)} ({server.id}) is in error.")
    for server in building:
        reasons.append(f"Instance {printable(server.name)} ({server.id}) is still being built.")
    left = "It is left" if len(failed) + len(building) == 1 else "They are left"
    if failed or building:
        reasons.append(f"{left} for you to look at, and to delete.")
    return " ".join(reasons)


def reason_of_full_quota(task: Task, quota: str) -> str:
    """Return why an image disappeared before it was available where the quota is used up."""
    return (
        "The image disappeared from the image service before it was available, and the image"
        f" service's own quota of project {task.project_id} is used up ({quota}): it takes no more"
        " bytes then. Delete unused images, or ask your provider to raise the quota; then try"
        f" 'instance-images task retry {task.id}'."
    )


def vanished_at(image: Image, last_read_at: datetime | None) -> datetime:
    """Return when an available image that is gone was deleted, as far as anybody can know.

    That is the last time that it was seen: the last complete reading of the location, or, if
    there was none since, the instant at which it became available.
    """
    assert image.available_at is not None
    return max(image.available_at, last_read_at or image.available_at)
