"""Rows of tasks. Functions take a connection and never commit."""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from instance_images.db.tables import accounts, images, tasks
from instance_images.model.capture_journal import is_of_volume
from instance_images.model.deadlines import first_look_at
from instance_images.model.estimates import PastCapture
from instance_images.model.records import UNFINISHED, Task, TaskKind, TaskState
from instance_images.model.requests import request_ids

# Nothing is left to do, and nobody is at it.
_NO_CHECK = {"look_at": None, "claimed_until": None, "claimed_by": None}
# The tasks started by this process, newest last: printed when it is interrupted.
_begun: deque[str] = deque(maxlen=100)


def begun_here(connection: sa.Connection) -> list[Task]:
    """Return the recorded unfinished tasks that this process started."""
    wanted = _rows().where(tasks.c.task_id.in_(_begun), tasks.c.state.in_(UNFINISHED))
    return [task_of(row) for row in connection.execute(wanted)]


def has_begun() -> bool:
    """Return whether this process started any task."""
    return bool(_begun)


def insert_task(
    connection: sa.Connection,
    task_id: str,
    image_id: str,
    kind: TaskKind,
    now: datetime,
    *,
    project_id: str,
    journal: Mapping[str, Any] | None = None,
    user_id: str | None = None,
) -> None:
    """Add a task whose request is about to be sent; ``user_id`` is None for the command line."""
    _begun.append(task_id)
    owner = sa.select(images.c.account_key).where(images.c.image_id == image_id)
    connection.execute(
        sa.insert(tasks).values(
            task_id=task_id,
            image_id=image_id,
            account_key=owner.scalar_subquery(),
            kind=kind,
            state=TaskState.PENDING,
            stage="requested",
            progress=0,
            attempts=1,
            created_at=now,
            started_at=now,
            updated_at=now,
            project_id=project_id,
            stage_began_at=now,
            journal=dict(journal or {}),
            request_id=request_ids.current(),
            user_id=user_id,
            # Once it is requested, there may be leftovers.
            has_leftovers=kind is TaskKind.CREATE,
            look_at=first_look_at(now),
        )
    )


def remove_task(connection: sa.Connection, task_id: str) -> None:
    """Remove the task of a request that the cloud refused to begin."""
    connection.execute(sa.delete(tasks).where(tasks.c.task_id == task_id))


def write_journal(
    connection: sa.Connection,
    task: Task,
    journal: Mapping[str, Any],
    now: datetime,
    **values: Any,
) -> bool:
    """Change an unfinished task with its journal; return False if another process has changed it.

    Of several processes that are about to take one step, the one that gets True takes it.
    """
    result = connection.execute(
        sa.update(tasks)
        .where(
            tasks.c.task_id == task.id,
            tasks.c.state.in_(UNFINISHED),
            tasks.c.journal == sa.literal(dict(task.journal), tasks.c.journal.type),
        )
        .values(updated_at=now, journal=dict(journal), **values)
    )
    return result.rowcount == 1


def clear_leftovers(connection: sa.Connection, task_id: str) -> None:
    """Record that an ended task has no leftovers in the cloud."""
    connection.execute(
        sa.update(tasks)
        .where(tasks.c.task_id == task_id, tasks.c.state.not_in(UNFINISHED))
        .values(has_leftovers=False, **_NO_CHECK)
    )


def restart_task(
    connection: sa.Connection,
    task: Task,
    now: datetime,
    journal: Mapping[str, Any],
    user_id: str | None = None,
) -> bool:
    """Restart a failed task as its next attempt; return False if it was already restarted."""
    _begun.append(task.id)
    result = connection.execute(
        sa.update(tasks)
        .where(
            tasks.c.task_id == task.id,
            tasks.c.state == TaskState.FAILED,
            tasks.c.attempts == task.attempts,
            tasks.c.has_leftovers.is_(False),
        )
        .values(
            has_leftovers=True,
            **{**_NO_CHECK, "look_at": first_look_at(now)},
            abandoned_at=None,
            state=TaskState.PENDING,
            stage="requested",
            progress=0,
            attempts=task.attempts + 1,
            request_id=request_ids.current(),
            user_id=user_id,
            error=None,
            started_at=now,
            updated_at=now,
            stage_began_at=now,
            journal=dict(journal),
        )
    )
    return result.rowcount == 1


def update_task(connection: sa.Connection, task_id: str, now: datetime, **values: Any) -> bool:
    """Change an unfinished task; return False, and change nothing, if it has finished."""
    result = connection.execute(
        sa.update(tasks)
        .where(tasks.c.task_id == task_id, tasks.c.state.in_(UNFINISHED))
        .values(updated_at=now, **values)
    )
    return result.rowcount == 1


def finish_task(
    connection: sa.Connection, task_id: str, now: datetime, error: str | None = None
) -> bool:
    """End an unfinished task: as failed where there is an error, else as succeeded."""
    values: dict[str, Any] = {"state": TaskState.FAILED, "error": error}
    if error is None:
        values = {"state": TaskState.SUCCEEDED, "stage": "done", "progress": 100}
    leftovers_at = sa.literal(first_look_at(now), tasks.c.look_at.type)
    look_at = sa.case((tasks.c.has_leftovers.is_(True), leftovers_at), else_=sa.null())
    values.update(_NO_CHECK, look_at=look_at)
    return update_task(connection, task_id, now, **values)


def get_task(connection: sa.Connection, task_id: str) -> Task:
    """Return the task of that id; for callers that have it from a row of their own."""
    return task_of(connection.execute(_rows().where(tasks.c.task_id == task_id)).one())


def location_of_task(connection: sa.Connection, task_id: str) -> str | None:
    """Return the location of the task, of any account; None if there is none."""
    query = (
        sa.select(accounts.c.location)
        .join_from(tasks, images, images.c.image_id == tasks.c.image_id)
        .join(accounts, accounts.c.account_key == images.c.account_key)
        .where(tasks.c.task_id == task_id)
    )
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else str(found)


def find_task(
    connection: sa.Connection, location: str, account_id: str, task_id: str
) -> Task | None:
    """Return the account's task of that id."""
    query = _of(location, account_id).where(tasks.c.task_id == task_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else task_of(row)


def find_own_task(
    connection: sa.Connection, locations: Sequence[str], account_id: str, task_id: str
) -> tuple[Task, str] | None:
    """Return the account's task of that id at one of the locations, and the location."""
    values = {"locations": list(locations), "account_id": account_id, "task_id": task_id}
    row = connection.execute(_own_task_query(), values).one_or_none()
    return None if row is None else (task_of(row), row.location)


@cache
def _own_task_query() -> sa.Select[Any]:
    """Return the query of one task: making it takes longer than its execution."""
    query = sa.select(tasks, accounts.c.location)
    query = query.join(images, images.c.image_id == tasks.c.image_id)
    query = query.join(accounts, accounts.c.account_key == images.c.account_key)
    return query.where(
        accounts.c.location.in_(sa.bindparam("locations", expanding=True)),
        accounts.c.account_id == sa.bindparam("account_id"),
        tasks.c.task_id == sa.bindparam("task_id"),
    )


def list_tasks(connection: sa.Connection, location: str, account_id: str | None) -> list[Task]:
    """Return the tasks, oldest first, of one account or of all."""
    query = _of(location, account_id).order_by(tasks.c.created_at, tasks.c.task_id)
    return [task_of(row) for row in connection.execute(query)]


def unfinished_tasks(
    connection: sa.Connection, location: str, account_id: str | None
) -> list[Task]:
    """Return the tasks that may still change, oldest first, of one account or of all."""
    query = _of(location, account_id).where(tasks.c.state.in_(UNFINISHED))
    query = query.order_by(tasks.c.created_at, tasks.c.task_id)
    return [task_of(row) for row in connection.execute(query)]


def open_tasks(
    connection: sa.Connection,
    location: str,
    account_id: str | None,
    task_ids: Collection[str] | None = None,
    image_id: str | None = None,
) -> list[Task]:
    """Return the tasks that may still change, and those with leftovers in the cloud.

    ``task_ids``: those among these. ``image_id``: those of that image.
    """
    query = _of(location, account_id).where(
        sa.or_(tasks.c.state.in_(UNFINISHED), tasks.c.has_leftovers.is_(True))
    )
    if task_ids is not None:
        query = query.where(tasks.c.task_id.in_(task_ids))
    if image_id is not None:
        query = query.where(tasks.c.image_id == image_id)
    query = query.order_by(tasks.c.created_at, tasks.c.task_id)
    return [task_of(row) for row in connection.execute(query)]


def due_leftovers(
    connection: sa.Connection, location: str, account_id: str | None, now: datetime, count: int
) -> list[tuple[str, str]]:
    """Return the ended captures whose leftovers are to be looked at: task and account ids.

    Those that have waited longest come first.
    """
    query = (
        _of(location, account_id)
        .with_only_columns(tasks.c.task_id, accounts.c.account_id)
        .where(
            tasks.c.has_leftovers.is_(True),
            tasks.c.state.not_in(UNFINISHED),
            tasks.c.look_at <= now,
        )
        .order_by(tasks.c.look_at, tasks.c.created_at, tasks.c.task_id)
        .limit(count)
    )
    return [(row.task_id, row.account_id) for row in connection.execute(query)]


def abandon_leftovers(connection: sa.Connection, task_id: str, now: datetime) -> None:
    """Record that the leftovers of the capture are abandoned."""
    connection.execute(
        sa.update(tasks)
        .where(
            tasks.c.task_id == task_id,
            tasks.c.state.not_in(UNFINISHED),
            tasks.c.has_leftovers.is_(True),
        )
        .values(has_leftovers=False, abandoned_at=now, **_NO_CHECK)
    )


def leftovers_by_account(
    connection: sa.Connection, location: str, before: datetime
) -> list[tuple[str, int, datetime]]:
    """Return accounts with ended captures that left something: id, how many, and the first end.

    ``before``: those that ended before it.
    """
    first_end = sa.func.min(tasks.c.updated_at, type_=tasks.c.updated_at.type)
    query = (
        _of(location, None)
        .with_only_columns(accounts.c.account_id, sa.func.count(), first_end)
        .where(
            tasks.c.has_leftovers.is_(True),
            tasks.c.state.not_in(UNFINISHED),
            tasks.c.updated_at < before,
        )
        .group_by(accounts.c.account_id)
        .order_by(accounts.c.account_id)
    )
    return [(account_id, count, end) for account_id, count, end in connection.execute(query)]


def abandoned_tasks(connection: sa.Connection, location: str, count: int) -> list[Task]:
    """Return the captures with abandoned leftovers, latest first."""
    query = _of(location, None).where(tasks.c.abandoned_at.is_not(None))
    query = query.order_by(tasks.c.abandoned_at.desc(), tasks.c.task_id).limit(count)
    return [task_of(row) for row in connection.execute(query)]


def started_captures(
    connection: sa.Connection, account_key: int, after: datetime, count: int
) -> list[datetime]:
    """Return when the account's captures began or were retried after the instant, latest first.

    ``count``: so many at most.
    """
    query = (
        sa.select(tasks.c.started_at)
        .where(
            tasks.c.account_key == account_key,
            tasks.c.started_at > after,
            tasks.c.kind == TaskKind.CREATE,
        )
        .order_by(tasks.c.started_at.desc())
        .limit(count)
    )
    return list(connection.execute(query).scalars())


def past_captures(
    connection: sa.Connection, location: str, count: int, account_id: str | None = None
) -> list[PastCapture]:
    """Return the last successful captures, of one account or of all, latest first."""
    query = (
        _of(location, account_id)
        .with_only_columns(
            images.c.source_instance_id,
            images.c.size_bytes,
            images.c.available_at,
            tasks.c.started_at,
            tasks.c.journal,
        )
        .where(
            tasks.c.kind == TaskKind.CREATE,
            tasks.c.state == TaskState.SUCCEEDED,
            images.c.size_bytes.is_not(None),
            images.c.available_at.is_not(None),
        )
        .order_by(tasks.c.updated_at.desc())
        .limit(count)
    )
    return [
        PastCapture(
            row.source_instance_id,
            is_of_volume(row.journal),
            row.size_bytes,
            int((row.available_at - row.started_at).total_seconds()),
        )
        for row in connection.execute(query)
    ]


def _rows() -> sa.Select[Any]:
    return sa.select(tasks)


def _of(location: str, account_id: str | None) -> sa.Select[Any]:
    query = _rows().join(images, images.c.image_id == tasks.c.image_id)
    query = query.join(accounts, accounts.c.account_key == images.c.account_key)
    query = query.where(accounts.c.location == location)
    return query if account_id is None else query.where(accounts.c.account_id == account_id)


def task_of(row: Any) -> Task:
    """Return the task that is in a row."""
    return Task(
        id=row.task_id,
        kind=TaskKind(row.kind),
        image_id=row.image_id,
        state=TaskState(row.state),
        stage=row.stage,
        progress=row.progress,
        attempts=row.attempts,
        error=row.error,
        created_at=row.created_at,
        updated_at=row.updated_at,
        started_at=row.started_at,
        server_id=row.server_id,
        project_id=row.project_id,
        stage_began_at=row.stage_began_at,
        journal=row.journal,
        has_leftovers=row.has_leftovers,
        request_id=row.request_id,
        user_id=row.user_id,
        look_at=row.look_at,
    )
