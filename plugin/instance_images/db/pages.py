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

from instance_images.db.connections.fixed_queries import Asking, FixedQuery, fetch
from instance_images.db.images import SHOWN, SHOWN_COLUMNS, written
from instance_images.db.tables import Instant, accounts, images, tasks
from instance_images.db.tasks import task_of
from instance_images.model.records import ImageStatus, Task
from instance_images.model.requests.paging import ImageFilter, Page, TaskFilter

_ESCAPE = "/"
_ACCOUNT_ID = sa.bindparam("account_id", type_=sa.String)
_LOCATION_TYPE = accounts.c.location.type
# Short names, and stars in the parts of a query: psycopg parses a text of more than 4096 characters
# each time.
_IMAGES, _ACCOUNTS = images.alias("i"), accounts.alias("a")
_IS_OWNER = _ACCOUNTS.c.account_key == _IMAGES.c.account_key
_ALL: Any = sa.literal_column("i.*")
_EACH: Any = sa.literal_column("*")


def _shown(column: sa.Column[Any], read: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return what a page reads of the column; of an instant, the seconds since 1970."""
    is_instant = isinstance(column.type, Instant)
    return (sa.type_coerce(read, sa.BigInteger) if is_instant else read).label(_attribute(column))


def _attribute(column: sa.Column[Any]) -> str:
    return "id" if column is images.c.image_id else column.name


def _found(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """Return the column of the rows that the parts of a query find."""
    if column is accounts.c.account_id:
        return sa.cast(_ACCOUNT_ID, column.type)
    return sa.column(column.name, column.type)


# What a row has, in this order, by the name of the image's attribute.
COLUMNS = {_attribute(column): column for column in SHOWN_COLUMNS}
_SHOWN_COLUMNS = [
    _shown(column, (_ACCOUNTS if column.table is accounts else _IMAGES).c[column.name])
    for column in SHOWN_COLUMNS
]
_FOUND_COLUMNS = [_shown(column, _found(column)) for column in SHOWN_COLUMNS]


def page_of_images(
    connection: Asking,
    locations: Sequence[str],
    account_id: str | None,
    page: Page,
    only: ImageFilter,
) -> Sequence[Any] | None:
    """Return the rows of the page's images that are not deleted; None for a foreign marker.

    Their columns are ``COLUMNS``, with instants as seconds. The query finds the marker too: whether
    there is such a marker is only asked where nothing follows it.
    """
    shape = _Shape(
        places=len(locations),
        is_of_all=account_id is None,
        statuses=SHOWN if only.status is None else tuple(s for s in SHOWN if s is only.status),
        is_named=only.name is not None,
        has_source=only.source_instance_id is not None,
        is_ascending=page.is_ascending,
        has_marker=page.marker is not None,
    )
    values: dict[str, Any] = {f"at_{n}": name for n, name in enumerate(locations)}
    values |= {"account_id": account_id, "source": only.source_instance_id, "count": page.limit}
    values |= {"marker": page.marker}
    values |= {"name": only.name, "pattern": only.name and _pattern(only.name)}
    found: Sequence[Any] = []
    if shape.statuses and shape.places:
        found = fetch(connection, _images_query(shape), values)
    if page.marker is None or found:
        return found
    return found if fetch(connection, _marker_query(shape), values) else None


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

    @property
    def locations(self) -> list[sa.BindParameter[str]]:
        """The names of the locations."""
        return [sa.bindparam(f"at_{n}", type_=sa.String) for n in range(self.places)]


@cache
def _images_query(shape: _Shape) -> FixedQuery:
    """Return the query of a page: making it takes longer than its execution."""
    return FixedQuery(_select_images(shape), is_named=False)


@cache
def _marker_query(shape: _Shape) -> FixedQuery:
    """Return the query of the marker alone."""
    return FixedQuery(_created_at_of_marker(shape))


def _select_images(shape: _Shape) -> sa.Select[Any]:
    conditions: list[sa.ColumnElement[bool]] = []
    if shape.has_source:
        conditions.append(_IMAGES.c.source_instance_id == sa.bindparam("source"))
    if shape.is_named:
        # MariaDB ignores trailing spaces with ``=``, but not with LIKE.
        conditions.append(_IMAGES.c.name == sa.bindparam("name"))
        conditions.append(_IMAGES.c.name.like(sa.bindparam("pattern"), _ESCAPE))
    if shape.is_of_all:
        query = sa.select(*_SHOWN_COLUMNS).join_from(_IMAGES, _ACCOUNTS, _IS_OWNER)
        query = query.where(_ACCOUNTS.c.location.in_(shape.locations))
        statuses = [written(status) for status in shape.statuses]
        query = query.where(_IMAGES.c.status.in_(statuses), *conditions)
        return _ordered(
            _after_marker(query, shape), _IMAGES.c.created_at, _IMAGES.c.image_id, shape
        )
    parts = []
    for location in shape.locations:
        key = sa.select(_ACCOUNTS.c.account_key).where(
            _ACCOUNTS.c.location == location, _ACCOUNTS.c.account_id == _ACCOUNT_ID
        )
        of_account: Any = sa.select(_ALL, sa.cast(location, _LOCATION_TYPE).label("location"))
        of_account = of_account.select_from(_IMAGES).where(
            _IMAGES.c.account_key == key.scalar_subquery(), *conditions
        )
        for status in shape.statuses:
            part = _after_marker(of_account.where(_IMAGES.c.status == written(status)), shape)
            part = _ordered(part, _IMAGES.c.created_at, _IMAGES.c.image_id, shape)
            parts.append(sa.select(_EACH).select_from(part.subquery()))
    # MariaDB takes a limit only two selects deep.
    query = sa.select(*_FOUND_COLUMNS).select_from(sa.union_all(*parts).subquery())
    return _ordered(query, sa.column("created_at"), sa.column("image_id"), shape)


def _created_at_of_marker(shape: _Shape) -> sa.Select[Any]:
    """Return the query of when the marker was created; nothing if it is of another account."""
    marked, owner = images.alias("m"), accounts.alias("o")
    query = (
        sa.select(marked.c.created_at)
        .join_from(marked, owner, owner.c.account_key == marked.c.account_key)
        .where(
            marked.c.image_id == sa.bindparam("marker", type_=sa.String),
            owner.c.location.in_(shape.locations),
        )
    )
    return query if shape.is_of_all else query.where(owner.c.account_id == _ACCOUNT_ID)


def _after_marker(query: sa.Select[Any], shape: _Shape) -> sa.Select[Any]:
    """Return the query of the rows after the marker, of all where there is none."""
    if not shape.has_marker:
        return query
    created_at, image_id = _IMAGES.c.created_at, _IMAGES.c.image_id
    after = _created_at_of_marker(shape).correlate(None).scalar_subquery()
    marker = sa.bindparam("marker", type_=sa.String)
    # The first condition is what every database finds the index by.
    if shape.is_ascending:
        return query.where(created_at >= after, sa.or_(created_at > after, image_id > marker))
    return query.where(created_at <= after, sa.or_(created_at < after, image_id < marker))


def _ordered(
    query: sa.Select[Any],
    created_at: sa.ColumnElement[Any],
    image_id: sa.ColumnElement[Any],
    shape: _Shape,
) -> sa.Select[Any]:
    """Return the query of so many rows, in the order of the page."""
    if shape.is_ascending:
        query = query.order_by(created_at, image_id)
    else:
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
