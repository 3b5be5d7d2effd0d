"""Rows of images, looked up by the cloud's ids and by the marks of our requests.

For the hourly run and notifications. Commands of customers use ``images``, where every lookup names
the account. Functions take a connection and never commit.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from sys import intern

import sqlalchemy as sa

from instance_images.db.bulk import insert_rows, is_one_of
from instance_images.db.images import image_of, image_rows
from instance_images.db.tables import accounts, images, tasks
from instance_images.db.tasks import task_of
from instance_images.model.adoption import Expectation, expectation_of
from instance_images.model.records import HOLDING, UNFINISHED, Image, ImageStatus, TaskKind

ENDED = (ImageStatus.ERROR, ImageStatus.DELETED)
_UNDER_WAY = (ImageStatus.CREATING, ImageStatus.ERROR, ImageStatus.DELETING)

# Project id, size, virtual size and name of an available image: a million are in memory at once.
AvailableState = tuple[str, int, int | None, str]

_ADOPTED = (
    "image_id",
    "account_key",
    "name",
    "source_instance_id",
    "source_instance_name",
    "size_bytes",
    "virtual_size_bytes",
    "status",
    "consistency",
    "created_at",
    "available_at",
    "task_id",
    "cloud_image_id",
    "image_service",
    "living_key",
    "project_id",
    "origin",
)
_IDS_PER_QUERY = 500
_MANY_IDS = 5_000
_ROWS_AT_A_TIME = 10_000


@dataclass(frozen=True, slots=True)
class Service:
    """An image service: the scope of the cloud's ids. Several locations may share one.

    ``former``: earlier identities that records of this location still have. Records of other
    locations that share the service may have them too, until those are read.
    """

    location: str
    identity: str
    former: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """A deleted or failed record with this id of the cloud."""

    cloud_image_id: str
    image: Image
    has_leftovers: bool


def known_cloud_ids(
    connection: sa.Connection, service: Service, cloud_ids: Sequence[str], *, living: bool = False
) -> set[str]:
    """Return the recorded ones of these ids: of living images, or at the location itself.

    ``living``: only those of images that are neither deleted nor failed.
    """
    is_own = accounts.c.location == service.location
    which = sa.or_(_is_living_at(service), is_own)
    if living:
        ended = images.c.status.in_(ENDED)
        which = sa.and_(_is_living_at(service), sa.not_(sa.and_(ended, is_own)))
    return _ids_on_record(connection, cloud_ids, which)


def ended_of_cloud_ids(
    connection: sa.Connection, location: str, cloud_ids: Sequence[str]
) -> list[Ended]:
    """Return the latest ended record of the location for each of these ids."""
    has_leftovers = sa.exists().where(tasks.c.image_id == images.c.image_id, tasks.c.has_leftovers)
    found: dict[str, Ended] = {}
    for first in range(0, len(cloud_ids), _IDS_PER_QUERY):
        query = (
            image_rows()
            .add_columns(has_leftovers.label("has_leftovers"))
            .where(
                accounts.c.location == location,
                images.c.status.in_(ENDED),
                is_one_of(
                    connection, images.c.cloud_image_id, cloud_ids[first : first + _IDS_PER_QUERY]
                ),
            )
            .order_by(images.c.created_at, images.c.image_id)
        )
        for row in connection.execute(query):
            found[row.cloud_image_id] = Ended(
                row.cloud_image_id, image_of(row), bool(row.has_leftovers)
            )
    return list(found.values())


def living_cloud_ids(
    connection: sa.Connection, service: Service, cloud_ids: Sequence[str]
) -> set[str]:
    """Return which of these ids are those of images that hold a slot."""
    holds = images.c.status.in_(HOLDING)
    return _ids_on_record(connection, cloud_ids, sa.and_(_is_living_at(service), holds))


def _is_living_at(service: Service) -> sa.ColumnElement[bool]:
    """Select living records of the service; older records without a service match, too."""
    return sa.and_(
        images.c.living_key.is_not(None),
        sa.or_(
            images.c.image_service.in_([service.identity, *service.former]),
            images.c.image_service.is_(None),
            accounts.c.location == service.location,
        ),
    )


def _ids_on_record(
    connection: sa.Connection, cloud_ids: Sequence[str], which: sa.ColumnElement[bool]
) -> set[str]:
    found: set[str] = set()
    query = sa.select(images.c.cloud_image_id).join_from(images, accounts).where(which)
    if len(cloud_ids) > _MANY_IDS and _count_records(connection) < len(cloud_ids):
        # As in the first reading of a location: fewer are on record than are asked for.
        every = connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME))
        return set(cloud_ids).intersection(every.scalars())
    for first in range(0, len(cloud_ids), _IDS_PER_QUERY):
        some = cloud_ids[first : first + _IDS_PER_QUERY]
        which_ids = is_one_of(connection, images.c.cloud_image_id, some)
        found.update(connection.execute(query.where(which_ids)).scalars())
    return found


def _count_records(connection: sa.Connection) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(images)).scalar_one()


def with_former(
    connection: sa.Connection, service: Service, of_available: Collection[str | None]
) -> Service:
    """Return the service, with ``former`` filled from the location's living records.

    ``of_available``: the services of those that are available; they are not read again.
    """
    query = (
        sa.select(images.c.image_service)
        .distinct()
        .join_from(images, accounts)
        .where(
            accounts.c.location == service.location,
            images.c.living_key.is_not(None),
            images.c.status.in_(_UNDER_WAY),
        )
    )
    found = {*of_available, *connection.execute(query).scalars()} - {None, service.identity}
    return replace(service, former=tuple(sorted(one for one in found if one)))


def keep_service(
    connection: sa.Connection, service: Service, of_available: Collection[str | None]
) -> None:
    """Record the image service of the location's images, where it differs.

    ``of_available``: the services of those that were available when they were read; where all of
    them are this one, there is nothing to record of them. An image that another location already
    has on record there is not changed: it is the same image.
    """
    query = (
        sa.select(images.c.image_id, images.c.cloud_image_id)
        .join_from(images, accounts)
        .where(
            accounts.c.location == service.location,
            images.c.living_key.is_not(None),
            images.c.image_service.is_distinct_from(service.identity),
        )
    )
    if {service.identity}.issuperset(of_available):
        query = query.where(images.c.status.in_(_UNDER_WAY))
    rows = list(connection.execute(query))
    for first in range(0, len(rows), _IDS_PER_QUERY):
        some = rows[first : first + _IDS_PER_QUERY]
        keys = {image_id: f"{service.identity} {cloud_id}" for image_id, cloud_id in some}
        taken = sa.select(images.c.living_key).where(images.c.living_key.in_(keys.values()))
        known = set(connection.execute(taken).scalars())
        free = [image_id for image_id, key in keys.items() if key not in known]
        connection.execute(
            sa.update(images)
            .where(images.c.image_id.in_(free))
            .values(
                image_service=service.identity,
                living_key=sa.literal(f"{service.identity} ").concat(images.c.cloud_image_id),
            )
        )


def captures_without_image(
    connection: sa.Connection, service: Service, now: datetime
) -> dict[str, list[Expectation]]:
    """Return the captures whose image is unknown and may still appear, by project.

    This includes abandoned captures: an image that appears late is removed.
    """
    is_near = sa.or_(
        accounts.c.location == service.location, images.c.image_service == service.identity
    )
    is_open = sa.or_(tasks.c.state.in_(UNFINISHED), tasks.c.has_leftovers.is_(True))
    query = (
        sa.select(tasks)
        .join_from(tasks, images, images.c.image_id == tasks.c.image_id)
        .join(accounts, accounts.c.account_key == images.c.account_key)
        .where(is_near, is_open, tasks.c.kind == TaskKind.CREATE, images.c.cloud_image_id.is_(None))
    )
    found: dict[str, list[Expectation]] = {}
    for row in connection.execute(query):
        one = expectation_of(task_of(row))
        if one is not None and now < one.until:
            found.setdefault(row.project_id, []).append(one)
    return found


def projects_of_requests(connection: sa.Connection, image_ids: Sequence[str]) -> dict[str, str]:
    """Return the recorded ones of these image ids, with their projects."""
    found: dict[str, str] = {}
    for first in range(0, len(image_ids), _IDS_PER_QUERY):
        some = image_ids[first : first + _IDS_PER_QUERY]
        query = sa.select(images.c.image_id, images.c.project_id)
        rows = connection.execute(query.where(is_one_of(connection, images.c.image_id, some)))
        found.update(rows.all())
    return found


def insert_adopted(
    connection: sa.Connection, service: Service, rows: Sequence[tuple[int, Image]]
) -> None:
    """Add the records of adopted images, each with its account's key."""
    insert_rows(
        connection,
        images,
        _ADOPTED,
        [
            (
                image.id,
                account_key,
                image.name,
                image.source_instance_id,
                image.source_instance_name,
                image.size_bytes,
                image.virtual_size_bytes,
                image.status,
                image.consistency,
                image.created_at,
                image.available_at,
                image.task_id,
                image.cloud_image_id,
                service.identity,
                f"{service.identity} {image.cloud_image_id}",
                image.project_id,
                image.origin,
            )
            for account_key, image in rows
        ],
    )


def find_by_cloud_id(connection: sa.Connection, location: str, cloud_image_id: str) -> Image | None:
    """Return the location's image that has this id in the cloud, the last one if it is deleted."""
    query = (
        image_rows()
        .where(accounts.c.location == location, images.c.cloud_image_id == cloud_image_id)
        .order_by(images.c.living_key.is_(None), images.c.created_at.desc(), images.c.image_id)
    )
    row = connection.execute(query.limit(1)).one_or_none()
    return None if row is None else image_of(row)


def find_requested(
    connection: sa.Connection, location: str, image_id: str, project_id: str
) -> Image | None:
    """Return the project's image that is being captured, if its id in the cloud is unknown."""
    query = image_rows().where(
        accounts.c.location == location,
        images.c.image_id == image_id,
        images.c.project_id == project_id,
        images.c.status == ImageStatus.CREATING,
        images.c.cloud_image_id.is_(None),
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else image_of(row)


def available_in_cloud(
    connection: sa.Connection, location: str
) -> Iterator[tuple[str, AvailableState, str | None]]:
    """Yield the cloud's id of every available image of the location, its record and service."""
    query = sa.select(
        images.c.cloud_image_id,
        images.c.project_id,
        images.c.size_bytes,
        images.c.virtual_size_bytes,
        images.c.name,
        images.c.image_service,
    )
    if connection.dialect.name == "sqlite":
        # First what the index finds, then the rows as they lie in the file: twice as fast.
        listed = images.alias("listed")
        rowids: sa.Select[tuple[int]] = sa.select(sa.literal_column("listed.rowid")).where(
            _is_available(listed, location)
        )
        query = query.where(sa.literal_column("images.rowid").in_(rowids))
    else:
        query = query.where(_is_available(images, location))
    query = query.execution_options(yield_per=_ROWS_AT_A_TIME)
    for rows in connection.execute(query).partitions():
        for cloud_id, project_id, size_bytes, virtual_bytes, name, service in rows:
            yield cloud_id, (intern(project_id), size_bytes, virtual_bytes, name), service


def _is_available(table: sa.FromClause, location: str) -> sa.ColumnElement[bool]:
    own = sa.select(accounts.c.account_key).where(accounts.c.location == location)
    return sa.and_(table.c.account_key.in_(own), table.c.status == ImageStatus.AVAILABLE)


def available_of_cloud_ids(
    connection: sa.Connection, location: str, cloud_ids: Sequence[str]
) -> list[Image]:
    """Return the location's available images that have one of these ids in the cloud."""
    found: list[Image] = []
    for first in range(0, len(cloud_ids), _IDS_PER_QUERY):
        query = image_rows().where(
            accounts.c.location == location,
            images.c.status == ImageStatus.AVAILABLE,
            is_one_of(
                connection, images.c.cloud_image_id, cloud_ids[first : first + _IDS_PER_QUERY]
            ),
        )
        found += [image_of(row) for row in connection.execute(query)]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOfImage:
    """A record of an image, at the location itself or at one that shares its image service."""

    location: str
    status: ImageStatus
    is_living: bool
    available_at: datetime | None
    deleted_at: datetime | None
    has_leftovers: bool


def records_by_cloud_id(
    connection: sa.Connection, service: Service, cloud_ids: Sequence[str]
) -> dict[str, list[RecordOfImage]]:
    """Return the records of these ids, for each id that has any."""
    has_leftovers = sa.exists().where(tasks.c.image_id == images.c.image_id, tasks.c.has_leftovers)
    found: dict[str, list[RecordOfImage]] = {}
    for first in range(0, len(cloud_ids), _IDS_PER_QUERY):
        query = (
            sa.select(
                images.c.cloud_image_id,
                accounts.c.location,
                images.c.status,
                images.c.living_key.is_not(None),
                images.c.available_at,
                images.c.deleted_at,
                has_leftovers,
            )
            .join_from(images, accounts)
            .where(
                images.c.cloud_image_id.in_(cloud_ids[first : first + _IDS_PER_QUERY]),
                sa.or_(
                    accounts.c.location == service.location,
                    images.c.image_service == service.identity,
                ),
            )
        )
        for cloud_id, location, status, is_living, begun_at, ended_at, left in connection.execute(
            query
        ):
            one = RecordOfImage(
                location=location,
                status=ImageStatus(status),
                is_living=bool(is_living),
                available_at=begun_at,
                deleted_at=ended_at,
                has_leftovers=bool(left),
            )
            found.setdefault(cloud_id, []).append(one)
    return found
