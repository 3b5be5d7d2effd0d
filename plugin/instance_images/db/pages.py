"""Pages of images and tasks, of one account at some locations, or of all accounts there.

Keyset pagination: each statement reads along an index from the marker, so that every page costs the
same. The index is read once per account key and status, and the rows are merged. Functions take a
connection and never commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from instance_images.db.images import SHOWN, image_rows
from instance_images.db.tables import accounts, images, tasks
from instance_images.db.tasks import task_of
from instance_images.model.records import ImageStatus, Task
from instance_images.model.requests.paging import ImageFilter, Page, TaskFilter

_ESCAPE = "/"


def page_of_images(
    connection: sa.Connection,
    locations: Sequence[str],
    account_id: str | None,
    page: Page,
    only: ImageFilter,
) -> Sequence[sa.Row[Any]] | None:
    """Return the rows of the page's images that are not deleted; None for a foreign marker.

    ``image_of`` takes them, and they have the attributes of an image.
    """
    after = None
    if page.marker is not None:
        owned = image_rows().where(images.c.image_id == page.marker)
        after = _created_at(connection, owned, images.c.created_at, locations, account_id)
        if after is None:
            return None
    shape = _Shape(
        places=len(locations),
        is_of_all=account_id is None,
        statuses=SHOWN if only.status is None else tuple(s for s in SHOWN if s is only.status),
        is_named=only.name is not None,
        has_source=only.source_instance_id is not None,
        is_ascending=page.is_ascending,
        has_marker=after is not None,
    )
    if not (shape.statuses and shape.places):
        return []
    values: dict[str, Any] = {f"location_{n}": name for n, name in enumerate(locations)}
    values |= {"account_id": account_id, "source": only.source_instance_id, "count": page.limit}
    values |= {"after": after, "marker": page.marker}
    values |= {"name": only.name, "pattern": only.name and _pattern(only.name)}
    return connection.execute(_images_query(shape), values).all()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """What a query of images is made from; the values come when it is executed."""

    places: int
    is_of_all: bool
    statuses: tuple[ImageStatus, ...]
    is_named: bool
    has_source: bool
    is_ascending: bool
    has_marker: bool


@cache
def _images_query(shape: _Shape) -> sa.Select[Any]:
    """Return the query of a page: making it takes longer than its execution."""
    conditions: list[sa.ColumnElement[bool]] = []
    if shape.has_source:
        conditions.append(images.c.source_instance_id == sa.bindparam("source"))
    if shape.is_named:
        # MariaDB ignores trailing spaces with ``=``, but not with LIKE.
        conditions.append(images.c.name == sa.bindparam("name"))
        conditions.append(images.c.name.like(sa.bindparam("pattern"), _ESCAPE))
    locations = [sa.bindparam(f"location_{n}", type_=sa.String) for n in range(shape.places)]
    if shape.is_of_all:
        query = image_rows().add_columns(images.c.image_id.label("id"))
        query = query.where(accounts.c.location.in_(locations))
        query = query.where(images.c.status.in_(shape.statuses), *conditions)
        return _cut_images(query, images, shape)
    account_id = sa.bindparam("account_id", type_=sa.String)
    parts = []
    for location in locations:
        key = sa.select(accounts.c.account_key).where(
            accounts.c.location == location, accounts.c.account_id == account_id
        )
        of_account = sa.select(
            images,
            images.c.image_id.label("id"),
            sa.cast(account_id, accounts.c.account_id.type).label("account_id"),
            sa.cast(location, accounts.c.location.type).label("location"),
        ).where(images.c.account_key == key.scalar_subquery(), *conditions)
        for status in shape.statuses:
            part = of_account.where(images.c.status == status)
            parts.append(_cut_images(part, images, shape).subquery())
    if len(parts) == 1:
        found = parts[0]
    else:  # MariaDB takes a limit only two selects deep
        found = sa.union_all(*(sa.select(part) for part in parts)).subquery()
    return _cut_images(sa.select(found), found, shape)


def _cut_images(query: sa.Select[Any], rows: sa.FromClause, shape: _Shape) -> sa.Select[Any]:
    """Return the query of so many rows after the marker, in the order of the page."""
    created_at, image_id = rows.c.created_at, rows.c.image_id
    after = sa.bindparam("after", type_=images.c.created_at.type)
    marker = sa.bindparam("marker", type_=sa.String)
    if shape.is_ascending:
        if shape.has_marker:  # the first condition is what every database finds the index by
            later = sa.or_(created_at > after, image_id > marker)
            query = query.where(created_at >= after, later)
        query = query.order_by(created_at, image_id)
    else:
        if shape.has_marker:
            earlier = sa.or_(created_at < after, image_id < marker)
            query = query.where(created_at <= after, earlier)
        query = query.order_by(created_at.desc(), image_id.desc())
    return query.limit(sa.bindparam("count", type_=sa.Integer))


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


def _pattern(text: str) -> str:
    for special in (_ESCAPE, "%", "_"):
        text = text.replace(special, _ESCAPE + special)
    return text


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
