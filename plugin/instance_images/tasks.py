"""Rows of tasks. Functions take a connection and never commit."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from instance_images.domain import UNFINISHED, Task, TaskKind, TaskState
from instance_images.tables import accounts, images, tasks


def insert_task(
    connection: sa.Connection,
    task_id: str,
    image_id: str,
    kind: TaskKind,
    now: datetime,
    *,
    project_id: str,
    journal: dict[str, Any] | None = None,
) -> None:
    """Add a task whose request is about to be sent."""
    connection.execute(
        sa.insert(tasks).values(
            task_id=task_id,
            image_id=image_id,
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
            journal=journal or {},
        )
    )


def remove_task(connection: sa.Connection, task_id: str) -> None:
    """Remove the task of a request that the cloud refused to begin."""
    connection.execute(sa.delete(tasks).where(tasks.c.task_id == task_id))


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
    if error is not None:
        return update_task(connection, task_id, now, state=TaskState.FAILED, error=error)
    return update_task(
        connection, task_id, now, state=TaskState.SUCCEEDED, stage="done", progress=100
    )


def get_task(connection: sa.Connection, task_id: str) -> Task:
    """Return the task of that id; for callers that have it from a row of their own."""
    return _task(connection.execute(_rows().where(tasks.c.task_id == task_id)).one())


def find_task(
    connection: sa.Connection, location: str, account_id: str, task_id: str
) -> Task | None:
    """Return the account's task of that id."""
    query = _of(location, account_id).where(tasks.c.task_id == task_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _task(row)


def list_tasks(connection: sa.Connection, location: str, account_id: str | None) -> list[Task]:
    """Return the tasks, oldest first, of one account or of all."""
    query = _of(location, account_id).order_by(tasks.c.created_at, tasks.c.task_id)
    return [_task(row) for row in connection.execute(query)]


def unfinished_tasks(
    connection: sa.Connection, location: str, account_id: str | None
) -> list[Task]:
    """Return the tasks that may still change, oldest first, of one account or of all."""
    query = _of(location, account_id).where(tasks.c.state.in_(UNFINISHED))
    query = query.order_by(tasks.c.created_at, tasks.c.task_id)
    return [_task(row) for row in connection.execute(query)]


def _rows() -> sa.Select[Any]:
    return sa.select(tasks)


def _of(location: str, account_id: str | None) -> sa.Select[Any]:
    query = _rows().join(images, images.c.image_id == tasks.c.image_id)
    query = query.join(accounts, accounts.c.account_key == images.c.account_key)
    query = query.where(accounts.c.location == location)
    return query if account_id is None else query.where(accounts.c.account_id == account_id)


def _task(row: Any) -> Task:
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
    )
