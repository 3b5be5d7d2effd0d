"""The checks of tasks: when each is due, and which worker is at it.

A claim saves other workers the work, no more: what is recorded of a task is guarded by the state
that it was decided from. Functions take a connection and never commit.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from instance_images.db.tables import accounts, images, tasks
from instance_images.db.tasks import task_of
from instance_images.model.records import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class DueCheck:
    """A task whose check is due, with what it works on. ``claimed_until`` is None if nobody is."""

    task_id: str
    image_id: str
    source_instance_id: str
    account_id: str
    location: str
    look_at: datetime
    claimed_until: datetime | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many checks of a location are due, and since when the oldest is."""

    location: str
    count: int
    oldest: datetime


def tasks_by_id(connection: sa.Connection, task_ids: Collection[str]) -> list[Task]:
    """Return the tasks of these ids as they are now."""
    query = sa.select(tasks).where(tasks.c.task_id.in_(task_ids))
    return [task_of(row) for row in connection.execute(query)]


def set_look_at(connection: sa.Connection, look_ats: Iterable[tuple[str, datetime]]) -> None:
    """Write down when tasks that were looked at are looked at next: the claims of that end.

    One with nothing left to do has no next look, and gets none.
    """
    rows = [{"id": task_id, "due": look_at} for task_id, look_at in look_ats]
    if rows:
        connection.execute(
            sa.update(tasks)
            .where(tasks.c.task_id == sa.bindparam("id"), tasks.c.look_at.is_not(None))
            .values(look_at=sa.bindparam("due"), claimed_until=None, claimed_by=None),
            rows,
        )


def put_off(connection: sa.Connection, task_id: str, look_at: datetime, holder: str) -> None:
    """Write down the next look of a task that could not be looked at, and end the holder's claim.

    What another process has recorded meanwhile stays.
    """
    connection.execute(
        sa.update(tasks)
        .where(
            tasks.c.task_id == task_id,
            tasks.c.look_at.is_not(None),
            tasks.c.claimed_by == holder,
        )
        .values(look_at=look_at, claimed_until=None, claimed_by=None)
    )


def due_checks(
    connection: sa.Connection, locations: Collection[str], now: datetime, count: int
) -> list[DueCheck]:
    """Return the checks that are due at these locations, claimed ones too, the oldest first."""
    query = (
        sa.select(
            tasks.c.task_id,
            tasks.c.image_id,
            images.c.source_instance_id,
            accounts.c.account_id,
            accounts.c.location,
            tasks.c.look_at,
            tasks.c.claimed_until,
        )
        .join_from(tasks, images, images.c.image_id == tasks.c.image_id)
        .join(accounts, accounts.c.account_key == images.c.account_key)
        .where(tasks.c.look_at <= now, accounts.c.location.in_(locations))
        .order_by(tasks.c.look_at)
        .limit(count)
    )
    return [DueCheck(**row._mapping) for row in connection.execute(query)]


def claim(
    connection: sa.Connection, task_id: str, holder: str, now: datetime, until: datetime
) -> bool:
    """Claim a check that is due; return False where it is not due any more, or another's."""
    result = connection.execute(
        sa.update(tasks)
        .where(
            tasks.c.task_id == task_id,
            tasks.c.look_at <= now,
            sa.or_(tasks.c.claimed_until.is_(None), tasks.c.claimed_until <= now),
        )
        .values(claimed_by=holder, claimed_until=until)
    )
    return result.rowcount == 1


def renew(
    connection: sa.Connection, task_ids: Collection[str], holder: str, until: datetime
) -> None:
    """Lengthen the holder's claims on these tasks, as far as it has them still."""
    connection.execute(
        sa.update(tasks)
        .where(tasks.c.task_id.in_(task_ids), tasks.c.claimed_by == holder)
        .values(claimed_until=until)
    )


def release(connection: sa.Connection, task_ids: Collection[str], holder: str) -> None:
    """Give up the holder's claims on these tasks: they are due for anybody at once."""
    connection.execute(
        sa.update(tasks)
        .where(tasks.c.task_id.in_(task_ids), tasks.c.claimed_by == holder)
        .values(claimed_until=None, claimed_by=None)
    )


def backlogs(connection: sa.Connection, now: datetime) -> list[Backlog]:
    """Return of each location with checks that are due how many they are, and the oldest."""
    oldest = sa.func.min(tasks.c.look_at, type_=tasks.c.look_at.type)
    query = (
        sa.select(accounts.c.location, sa.func.count().label("count"), oldest.label("oldest"))
        .join_from(tasks, images, images.c.image_id == tasks.c.image_id)
        .join(accounts, accounts.c.account_key == images.c.account_key)
        .where(tasks.c.look_at <= now)
        .group_by(accounts.c.location)
        .order_by(accounts.c.location)
    )
    return [Backlog(*row) for row in connection.execute(query)]
