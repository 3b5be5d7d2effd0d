"""Brings unfinished tasks forward: looks at the cloud, decides, records.

There is no daemon: every command settles what its account has under way, and the hourly run
settles everything. Two processes may settle the same task at once; the record takes the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from instance_images import images, readings, tasks
from instance_images.domain import Image, ImageStatus, Task, TaskKind, TaskState
from instance_images.errors import ConfigurationError, Refused
from instance_images.news import Event, Learning, Source, tell
from instance_images.provider import CloudImage, Server
from instance_images.site import Site
from instance_images.transitions import (
    Available,
    Continues,
    DeleteAgain,
    Deleted,
    Deployed,
    Failed,
    next_of_capture,
    next_of_deletion,
    next_of_deployment,
)

Decision = Continues | Available | Deployed | Deleted | DeleteAgain | Failed
ALL_KINDS = tuple(TaskKind)


@dataclass(frozen=True, slots=True)
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


def settle(
    site: Site,
    account_id: str | None,
    kinds: Sequence[TaskKind] = ALL_KINDS,
    source: Source = Source.COMMAND,
) -> list[Observation]:
    """Bring the unfinished tasks of one account, or of all, as far as the cloud is with them."""
    observations = [_deleted_again(site, seen) for seen in observe(site, account_id, kinds)]
    if observations:
        site.database.write(lambda connection: record(connection, observations, source))
    return observations


def observe(
    site: Site, account_id: str | None, kinds: Sequence[TaskKind] = ALL_KINDS
) -> list[Observation]:
    """Look at every unfinished task of one account, or of all; change nothing."""
    with site.database.reading() as connection:
        pairs = [
            (task, images.get_image(connection, task.image_id))
            for task in tasks.unfinished_tasks(connection, site.name, account_id)
            if task.kind in kinds
        ]
        last_read_at = readings.last_read_at(connection, site.name)
    return [_observe(site, task, image, last_read_at) for task, image in pairs]


def _observe(site: Site, task: Task, image: Image, last_read_at: datetime | None) -> Observation:
    seen_at = site.clock()
    if task.kind is TaskKind.DEPLOY:
        servers = _servers_of(site, task)
        made = next_of_deployment(task, servers, site.clock())
        return Observation(task, image, made, seen_at, server_ids=[s.id for s in servers])
    found = find_in_cloud(site, image)
    cloud_image_id = found.id if found else image.cloud_image_id
    decision: Decision
    if task.kind is TaskKind.DELETE:
        decision = next_of_deletion(task, found is None, last_read_at, site.clock())
    else:
        source = site.provider.get_server(image.project_id, image.source_instance_id)
        is_known = image.cloud_image_id is not None
        decision = next_of_capture(task, found, source, is_known, site.clock())
    return Observation(task, image, decision, seen_at, cloud_image_id)


def _servers_of(site: Site, task: Task) -> Sequence[Server]:
    """Return the instances of a deploy: the one by its id, several or unknown ones by the mark."""
    if task.count > 1 or task.server_id is None:
        return site.provider.find_requested_servers(task.project_id, task.id, task.started_at)
    server = site.provider.get_server(task.project_id, task.server_id)
    return [server] if server else []


def find_in_cloud(site: Site, image: Image) -> CloudImage | None:
    """Return what the image service has of our image: by its id, or else by our request's mark.

    Raises ConfigurationError rather than call an image gone that the credentials cannot see.
    """
    if image.cloud_image_id is not None:
        found = site.provider.get_image(image.cloud_image_id)
    else:
        found = site.provider.find_captured(image.project_id, image.id)
    if found is None:
        require_sight(site, {image.project_id})
    return found


def require_sight(site: Site, project_ids: set[str]) -> None:
    """Raise ConfigurationError unless the credentials see the images of all these projects."""
    if not project_ids or site.provider.sees_all_accounts():
        return
    own = site.provider.account(None).id
    unseen = project_ids - {own}
    if unseen:
        raise ConfigurationError(
            f"The credentials of {site.location.cloud!r} see only the images of project {own}, but"
            f" there are images of {len(unseen)} other projects on record: use credentials with"
            " the admin role."
        )


def _deleted_again(site: Site, seen: Observation) -> Observation:
    """Send once more a deletion that the cloud has not carried out."""
    if not isinstance(seen.decision, DeleteAgain) or seen.cloud_image_id is None:
        return seen
    decision: Decision
    try:
        site.provider.delete_image(seen.image.project_id, seen.cloud_image_id)
        decision = Deleted(site.clock())
    except Refused as error:
        decision = Failed(str(error))
    return Observation(seen.task, seen.image, decision, seen.seen_at, seen.cloud_image_id)


def record(
    connection: sa.Connection, observations: Sequence[Observation], source: Source = Source.COMMAND
) -> None:
    """Write down what was decided; whatever another process wrote meanwhile stays."""
    for seen in observations:
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
            case DeleteAgain():
                pass  # nothing was asked of the cloud yet, so there is nothing to tell


def _record_progress(
    connection: sa.Connection, seen: Observation, stage: str, progress: int
) -> None:
    values: dict[str, object] = {"stage": stage, "progress": progress}
    if seen.cloud_image_id or seen.server_ids:
        values["state"] = TaskState.RUNNING
    _record_servers(connection, seen)
    tasks.update_task(connection, seen.task.id, seen.seen_at, **values)
    if seen.task.kind is TaskKind.CREATE and seen.cloud_image_id:
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
    if tasks.finish_task(connection, seen.task.id, seen.seen_at) and images.update_image(
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
        return
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
