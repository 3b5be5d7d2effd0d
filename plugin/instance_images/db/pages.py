"""Pages of images and tasks, of one account at some locations, or of all accounts there.

Keyset pagination: each statement reads along an index from the marker, so that every page costs the
same. The index is read once per account key and status, and the rows are merged. Functions take a
connection and never commit.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from instance_images.db.images import SHOWN, image_of, image_rows
from instance_images.db.tables import accounts, images, tasks
from instance_images.db.tasks import task_of
from instance_images.model.records import Image, Task
from instance_images.model.requests.paging import ImageFilter, Page, TaskFilter

_ESCAPE = "/"


def page_of_images(
    connection: sa.Connection,
    locations: Sequence[str],
    account_id: str | None,
    page: Page,
    only: ImageFilter,
) -> list[Image] | None:
    """Return the images of the page that are not deleted; None for a foreign marker."""
    after = None
    if page.marker is not None:
        owned = image_rows().where(images.c.image_id == page.marker)
        after = _created_at(connection, owned, images.c.created_at, locations, account_id)
        if after is None:
            return None
    conditions = _equal(images.c.source_instance_id, only.source_instance_id)
    if only.name is not None:
        # MariaDB ignores trailing spaces with ``=``, but not with LIKE.
        conditions += [images.c.name == only.name, images.c.name.like(*_pattern(only.name))]
    statuses = (
        SHOWN if only.status is None else [status for status in SHOWN if status is only.status]
    )
    parts = []
    for key in _keys(connection, locations, account_id):
        for status in statuses:
            part = sa.select(images.c.image_id)
            part = part.where(images.c.account_key == key, images.c.status == status, *conditions)
            parts.append(_cut(part, images.c.created_at, images.c.image_id, page, after))
    query = image_rows()
    if account_id is None:
        query = query.where(accounts.c.location.in_(locations), images.c.status.in_(statuses))
        query = query.where(*conditions)
    elif parts:
        query = query.where(images.c.image_id.in_(_ids(parts)))
    else:
        return []
    query = _cut(query, images.c.created_at, images.c.image_id, page, after)
    return [image_of(row) for row in connection.execute(query)]


def page_of_tasks(
    connection: sa.Connection,
    locations: Sequence[str],
    account_id: str | None,
    page: Page,
    only: TaskFilter,
) -> list[Task] | None:
    """Return the tasks of the page; None if the marker is not a task of the account."""
    after = None
    # A task belongs to the account of its image.
    owned = sa.select(tasks).join(
        images,
        sa.and_(images.c.image_id == tasks.c.image_id, images.c.account_key == tasks.c.account_key),
    )
    owned = owned.join(accounts, accounts.c.account_key == tasks.c.account_key)
    if page.marker is not None:
        marked = owned.where(tasks.c.task_id == page.marker)
        after = _created_at(connection, marked, tasks.c.created_at, locations, account_id)
        if after is None:
            return None
    conditions = [
        *_equal(tasks.c.image_id, only.image_id),
        *_equal(tasks.c.state, only.state),
        *_equal(tasks.c.kind, only.kind),
    ]
    parts = []
    for key in _keys(connection, locations, account_id):
        part = sa.select(tasks.c.task_id).where(tasks.c.account_key == key, *conditions)
        parts.append(_cut(part, tasks.c.created_at, tasks.c.task_id, page, after))
    query = owned
    if account_id is None:
        query = query.where(accounts.c.location.in_(locations), *conditions)
    elif parts:
        query = query.where(tasks.c.task_id.in_(_ids(parts)))
    else:
        return []
    query = _cut(query, tasks.c.created_at, tasks.c.task_id, page, after)
    return [task_of(row) for row in connection.execute(query)]


def _keys(connection: sa.Connection, locations: Sequence[str], account_id: str | None) -> list[int]:
    """Return the account's keys at the locations; empty for all accounts."""
    if account_id is None:
        return []
    query = sa.select(accounts.c.account_key).where(
        accounts.c.location.in_(locations), accounts.c.account_id == account_id
    )
    return list(connection.execute(query).scalars())


def _created_at(
    connection: sa.Connection,
    marked: sa.Select[Any],
    column: sa.Column[Any],
    locations: Sequence[str],
    account_id: str | None,
) -> datetime | None:
    """Return when the marker was created, None if it is unknown or of another account."""
    marked = marked.with_only_columns(column).where(accounts.c.location.in_(locations))
    if account_id is not None:
        marked = marked.where(accounts.c.account_id == account_id)
    found: datetime | None = connection.execute(marked).scalar_one_or_none()
    return found


def _equal(column: sa.Column[Any], value: str | None) -> list[sa.ColumnElement[bool]]:
    return [] if value is None else [column == value]


def _pattern(text: str) -> tuple[str, str]:
    for special in (_ESCAPE, "%", "_"):
        text = text.replace(special, _ESCAPE + special)
    return text, _ESCAPE


def _cut(
    query: sa.Select[Any],
    created_at: sa.Column[Any],
    id: sa.Column[Any],
    page: Page,
    after: datetime | None,
) -> sa.Select[Any]:
    """Return the query of the page's rows, in its order."""
    if page.is_ascending:
        if after is not None:  # the first condition is what every database finds the index by
            query = query.where(created_at >= after, sa.or_(created_at > after, id > page.marker))
        query = query.order_by(created_at, id)
    else:
        if after is not None:
            query = query.where(created_at <= after, sa.or_(created_at < after, id < page.marker))
        query = query.order_by(created_at.desc(), id.desc())
    return query.limit(page.limit)


def _ids(parts: Sequence[sa.Select[Any]]) -> Any:
    """Return the ids that the parts find. MariaDB takes a limit only two selects deep."""
    found = [sa.select(part.subquery().c[0]) for part in parts]
    return sa.select(sa.union_all(*found).subquery().c[0])
