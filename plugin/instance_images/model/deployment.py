"""What a deployment's next step is, decided from the instances that the cloud has. Pure."""

from collections.abc import Sequence
from datetime import datetime

from instance_images.model.cloud import Server, ServerStatus
from instance_images.model.deadlines import DEFAULT_DEADLINES, Deadlines, fault_of_slow_deployment
from instance_images.model.outcomes import (
    GRACE,
    Continues,
    Deployed,
    Failed,
)
from instance_images.model.records import Task
from instance_images.names import printable

DEPLOY_PROGRESS = {
    "requested": 0,
    "building": 10,
    "scheduling": 10,
    "networking": 30,
    "block_device_mapping": 40,
    "spawning": 60,
}


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
        return "The instance does not exist: it was deleted or never created."
    reasons = [late] if late else []
    if missing:
        reasons.append(
            f"{missing} of {count} instances do not exist: they were deleted or never created."
        )
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
        reasons.append(f"{left} for you to inspect and delete.")
    return " ".join(reasons)
