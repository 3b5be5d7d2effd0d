"""Rows of images. Functions take a connection and never commit.

Every lookup for an account names the account in its condition: no id, name or guess reaches an
image of another one.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from instance_images.db.connections.fixed_queries import Asking, FixedQuery, fetch
from instance_images.db.tables import accounts, images, tasks
from instance_images.errors import WrongState
from instance_images.model.records import (
    UNFINISHED,
    Consistency,
    Image,
    ImageRequest,
    ImageStatus,
    Origin,
    TaskKind,
)

# The service of records that are older than the column, until the next reading.
UNKNOWN_SERVICE = "?"
_IDS_PER_QUERY = 500
SHOWN = tuple(status for status in ImageStatus if status is not ImageStatus.DELETED)
# What is shown of an image.
SHOWN_COLUMNS: tuple[sa.Column[Any], ...] = (
    images.c.image_id,
    images.c.name,
    accounts.c.account_id,
    accounts.c.location,
    images.c.source_instance_id,
    images.c.source_instance_name,
    images.c.size_bytes,
    images.c.status,
    images.c.consistency,
    images.c.created_at,
    images.c.available_at,
    images.c.deleted_at,
    images.c.error,
    images.c.task_id,
    images.c.cloud_image_id,
    images.c.virtual_size_bytes,
    images.c.project_id,
    images.c.origin,
)


def written(status: ImageStatus) -> sa.ColumnElement[str]:
    """Return the status as a part of a query's text: a prepared plan then knows how rare it is."""
    return sa.literal_column(f"'{status}'", images.c.status.type)


def insert_image(connection: sa.Connection, account_key: int, request: ImageRequest) -> None:
    """Add the record of a capture that is about to be requested."""
    connection.execute(
        sa.insert(images).values(
            image_id=request.image_id,
            account_key=account_key,
            name=request.name,
            source_instance_id=request.source_instance_id,
            source_instance_name=request.source_instance_name,
            status=ImageStatus.CREATING,
            consistency=request.consistency,
            created_at=request.requested_at,
            task_id=request.task_id,
            project_id=request.project_id,
            image_service=request.image_service or None,
        )
    )


def remove_image(connection: sa.Connection, image_id: str) -> None:
    """Remove the record of a capture that the cloud refused to begin."""
    connection.execute(sa.delete(images).where(images.c.image_id == image_id))


def update_image(
    connection: sa.Connection, image_id: str, *, expected: Sequence[ImageStatus], **values: Any
) -> bool:
    """Change the record if its status is one of ``expected``; return whether it was.

    Raises WrongState if another living record already has the id of the cloud.
    """
    cloud_image_id = values.get("cloud_image_id")
    service = values.get("image_service")
    if cloud_image_id is not None:
        _require_free_id(connection, image_id, cloud_image_id, service)
    if values.get("status") is ImageStatus.DELETED:
        values["living_key"] = None
    elif "cloud_image_id" in values:
        values["living_key"] = (
            None if cloud_image_id is None else living_key(cloud_image_id, service)
        )
    result = connection.execute(
        sa.update(images)
        .where(images.c.image_id == image_id, images.c.status.in_(expected))
        .values(**values)
    )
    return result.rowcount == 1


def living_key(cloud_image_id: str, service: str | None = None) -> sa.ColumnElement[str]:
    """Return the key that is unique among living records of this id at the image service.

    ``service``: the identity that the record is given, None for the one that it has.
    """
    own = sa.func.coalesce(images.c.image_service, UNKNOWN_SERVICE)
    return (own if service is None else sa.literal(service)).concat(f" {cloud_image_id}")


def holder_of_id(
    connection: sa.Connection, image_id: str, cloud_image_id: str, service: str | None = None
) -> str | None:
    """Return which other living record has this id at the image service of the image."""
    own = sa.select(living_key(cloud_image_id, service)).where(images.c.image_id == image_id)
    key = connection.execute(own).scalar_one_or_none()
    query = sa.select(images.c.image_id).where(
        images.c.living_key == key, images.c.image_id != image_id
    )
    return connection.execute(query).scalar_one_or_none()


def fault_of_id(cloud_image_id: str, holder_id: str) -> str:
    """Return the error of a capture whose image id already belongs to another living image."""
    return (
        f"The image service returned the id {cloud_image_id}, which is already recorded for image"
        f" {holder_id} and billed there. Delete that image, and capture the instance again."
    )


def _require_free_id(
    connection: sa.Connection, image_id: str, cloud_image_id: str, service: str | None
) -> None:
    holder_id = holder_of_id(connection, image_id, cloud_image_id, service)
    if holder_id is not None:
        raise WrongState(fault_of_id(cloud_image_id, holder_id))


def correct_image(connection: sa.Connection, before: Image, **instants: datetime) -> bool:
    """Change when an image began or ended, unless another process has done so since ``before``."""
    same = [images.c[name] == getattr(before, name) for name in instants]
    result = connection.execute(
        sa.update(images)
        .where(images.c.image_id == before.id, images.c.status == before.status, *same)
        .values(**instants)
    )
    return result.rowcount == 1


def update_state(
    connection: sa.Connection,
    before: Image,
    *,
    account_key: int,
    project_id: str,
    size_bytes: int | None,
    virtual_size_bytes: int | None,
) -> bool:
    """Change the owner and size of an available image; return False if they are unchanged."""
    values = {
        "account_key": account_key,
        "project_id": project_id,
        "size_bytes": size_bytes,
        "virtual_size_bytes": virtual_size_bytes,
    }
    same = [images.c[name].is_not_distinct_from(value) for name, value in values.items()]
    result = connection.execute(
        sa.update(images)
        .where(
            images.c.image_id == before.id,
            images.c.status == ImageStatus.AVAILABLE,
            ~sa.and_(*same),
        )
        .values(**values, shared_with=None)
    )
    if result.rowcount == 1:  # and its tasks with it
        connection.execute(
            sa.update(tasks)
            .where(tasks.c.image_id == before.id, tasks.c.account_key != account_key)
            .values(account_key=account_key)
        )
    return result.rowcount == 1


def rename_image(connection: sa.Connection, before: Image, name: str) -> bool:
    """Rename an available image, unless another process renamed it meanwhile."""
    result = connection.execute(
        sa.update(images)
        .where(
            images.c.image_id == before.id,
            images.c.status == ImageStatus.AVAILABLE,
            images.c.name == before.name,
        )
        .values(name=name)
    )
    return result.rowcount == 1


def project_ids(connection: sa.Connection, location: str) -> set[str]:
    """Return the projects that own images at the location which are not deleted."""
    query = (
        sa.select(images.c.project_id)
        .distinct()
        .join_from(images, accounts)
        .where(accounts.c.location == location, images.c.status.in_(SHOWN))
    )
    return set(connection.execute(query).scalars())


def available_without_size(connection: sa.Connection, location: str) -> list[tuple[str, str]]:
    """Return the ids and names of the available images that have no bytes on record."""
    query = (
        sa.select(images.c.image_id, images.c.name)
        .join_from(images, accounts)
        .where(
            accounts.c.location == location,
            images.c.status == ImageStatus.AVAILABLE,
            sa.func.coalesce(images.c.size_bytes, 0) <= 0,
        )
        .order_by(images.c.image_id)
    )
    return [(image_id, name) for image_id, name in connection.execute(query)]


def get_image(connection: sa.Connection, image_id: str) -> Image:
    """Return the image of that id; for callers that have it from a row of their own."""
    return image_of(connection.execute(image_rows().where(images.c.image_id == image_id)).one())


def get_images(connection: sa.Connection, image_ids: Sequence[str]) -> dict[str, Image]:
    """Return the images of these ids by id; for callers that have them from rows of their own."""
    found: dict[str, Image] = {}
    for first in range(0, len(image_ids), _IDS_PER_QUERY):
        query = image_rows().where(images.c.image_id.in_(image_ids[first : first + _IDS_PER_QUERY]))
        found |= {row.image_id: image_of(row) for row in connection.execute(query)}
    return found


def location_of_image(connection: sa.Connection, image_id: str) -> str | None:
    """Return the location of the image of that id, of any account; None if there is none."""
    query = (
        sa.select(accounts.c.location)
        .join_from(images, accounts, accounts.c.account_key == images.c.account_key)
        .where(images.c.image_id == image_id)
    )
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else str(found)


def find_images(
    connection: sa.Connection, location: str, account_id: str, reference: str
) -> list[Image]:
    """Return the account's images of that id, of the cloud's id, or else of that name."""
    own = image_rows().where(
        accounts.c.location == location,
        accounts.c.account_id == account_id,
        images.c.status.in_(SHOWN),
    )
    by_id = sa.or_(images.c.image_id == reference, images.c.cloud_image_id == reference)
    found = [image_of(row) for row in connection.execute(own.where(by_id))]
    if found:
        return found
    named = connection.execute(own.where(images.c.name == reference))
    # MariaDB and MySQL ignore trailing spaces in comparisons.
    return [image for image in map(image_of, named) if image.name == reference]


def find_own_image(
    connection: Asking, locations: Sequence[str], account_id: str, image_id: str
) -> tuple[Image, datetime | None] | None:
    """Return the account's image of that id that is not deleted, at one of the locations.

    With it, when the first of its tasks is to be looked at, None where there is nothing to do.
    """
    values = {f"location_{n}": name for n, name in enumerate(locations)}
    values |= {"account_id": account_id, "image_id": image_id}
    found = fetch(connection, _own_image_query(len(locations)), values)
    return (image_of(found[0]), found[0].first_look_at) if found else None


@cache
def _own_image_query(places: int) -> FixedQuery:
    """Return the query of one image: making it takes longer than its execution."""
    first_look_at = (
        sa.select(sa.func.min(tasks.c.look_at, type_=tasks.c.look_at.type))
        .where(tasks.c.image_id == images.c.image_id)
        .scalar_subquery()
    )
    return FixedQuery(
        image_rows()
        .add_columns(first_look_at.label("first_look_at"))
        .where(
            accounts.c.location.in_([sa.bindparam(f"location_{n}") for n in range(places)]),
            accounts.c.account_id == sa.bindparam("account_id"),
            images.c.image_id == sa.bindparam("image_id"),
            images.c.status != written(ImageStatus.DELETED),
        )
    )


def find_creating(connection: sa.Connection, source_instance_id: str) -> str | None:
    """Return the id of an image that is being captured from the instance, for any account."""
    query = (
        sa.select(images.c.image_id)
        .join_from(images, tasks)  # few of them are unfinished, and those are found by an index
        .where(
            tasks.c.state.in_(UNFINISHED),
            tasks.c.kind == TaskKind.CREATE,
            images.c.source_instance_id == source_instance_id,
        )
    )
    return connection.execute(query.limit(1)).scalar_one_or_none()


def list_images(connection: sa.Connection, location: str, account_id: str | None) -> list[Image]:
    """Return the images that are not deleted, oldest first, of one account or of all."""
    query = image_rows().where(accounts.c.location == location, images.c.status.in_(SHOWN))
    if account_id is not None:
        query = query.where(accounts.c.account_id == account_id)
    query = query.order_by(images.c.created_at, images.c.image_id)
    return [image_of(row) for row in connection.execute(query)]


def image_rows() -> sa.Select[Any]:
    """Return the query of all images with their accounts, whose rows ``image_of`` takes."""
    columns = [*SHOWN_COLUMNS, images.c.missed_at, images.c.restored_at]
    found: sa.Select[Any] = sa.select(*columns).join_from(images, accounts)
    return found


def image_of(row: Any) -> Image:
    """Return the image that is in a row."""
    created_at: datetime = row.created_at
    return Image(
        id=row.image_id,
        name=row.name,
        account_id=row.account_id,
        location=row.location,
        source_instance_id=row.source_instance_id,
        source_instance_name=row.source_instance_name,
        size_bytes=row.size_bytes,
        status=ImageStatus(row.status),
        consistency=Consistency(row.consistency),
        created_at=created_at,
        available_at=row.available_at,
        deleted_at=row.deleted_at,
        error=row.error,
        task_id=row.task_id,
        cloud_image_id=row.cloud_image_id,
        virtual_size_bytes=row.virtual_size_bytes,
        project_id=row.project_id,
        origin=Origin(row.origin),
        missed_at=row.missed_at,
        restored_at=row.restored_at,
    )
