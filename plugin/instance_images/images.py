"""Rows of images. Functions take a connection and never commit.

Every lookup for an account names the account in its condition: no id, name or guess reaches an
image of another one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from sys import intern
from typing import Any

import sqlalchemy as sa

from instance_images.domain import (
    HOLDING,
    UNFINISHED,
    Consistency,
    Image,
    ImageRequest,
    ImageStatus,
    Origin,
    TaskKind,
)
from instance_images.tables import accounts, images, tasks

# Project id, size, virtual size and name of an available image: a million are in memory at once.
AvailableState = tuple[str, int, int | None, str]

_IDS_PER_QUERY = 500
_ROWS_AT_A_TIME = 10_000
_SHOWN = tuple(status for status in ImageStatus if status is not ImageStatus.DELETED)


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
        )
    )


def remove_image(connection: sa.Connection, image_id: str) -> None:
    """Remove the record of a capture that the cloud refused to begin."""
    connection.execute(sa.delete(images).where(images.c.image_id == image_id))


def update_image(
    connection: sa.Connection, image_id: str, *, expected: Sequence[ImageStatus], **values: Any
) -> bool:
    """Change the record if its status is one of ``expected``; return whether it was."""
    result = connection.execute(
        sa.update(images)
        .where(images.c.image_id == image_id, images.c.status.in_(expected))
        .values(**values)
    )
    return result.rowcount == 1


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
    """Give an available image another owner and size; return False if it has them already."""
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
    return result.rowcount == 1


def rename_image(connection: sa.Connection, before: Image, name: str) -> bool:
    """Give an available image another name, unless it was given one meanwhile."""
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


def known_cloud_ids(connection: sa.Connection, cloud_ids: Sequence[str]) -> set[str]:
    """Return which of these ids of the cloud are on record: at any location, deleted or not."""
    found: set[str] = set()
    for first in range(0, len(cloud_ids), _IDS_PER_QUERY):
        some = cloud_ids[first : first + _IDS_PER_QUERY]
        query = sa.select(images.c.cloud_image_id).where(images.c.cloud_image_id.in_(some))
        found.update(connection.execute(query).scalars())
    return found


def living_cloud_ids(connection: sa.Connection, cloud_ids: Sequence[str]) -> set[str]:
    """Return which of these ids of the cloud are those of images that hold a slot somewhere."""
    found: set[str] = set()
    for first in range(0, len(cloud_ids), _IDS_PER_QUERY):
        some = cloud_ids[first : first + _IDS_PER_QUERY]
        query = sa.select(images.c.cloud_image_id).where(
            images.c.cloud_image_id.in_(some), images.c.status.in_(HOLDING)
        )
        found.update(connection.execute(query).scalars())
    return found


def project_ids(connection: sa.Connection, location: str) -> set[str]:
    """Return the projects that own images at the location which are not deleted."""
    query = (
        sa.select(images.c.project_id)
        .distinct()
        .join_from(images, accounts)
        .where(accounts.c.location == location, images.c.status.in_(_SHOWN))
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
            sa.func.coalesce(images.c.size_bytes, 0) == 0,
        )
        .order_by(images.c.image_id)
    )
    return [(image_id, name) for image_id, name in connection.execute(query)]


def captures_without_image(connection: sa.Connection, location: str) -> dict[str, list[datetime]]:
    """Return when captures were asked for whose image is not known yet, by project.

    Those that were given up are among them for as long as something may still come of them: that
    is removed when it does.
    """
    has_leftovers = sa.exists().where(tasks.c.image_id == images.c.image_id, tasks.c.has_leftovers)
    query = (
        sa.select(images.c.project_id, images.c.created_at)
        .join_from(images, accounts)
        .where(
            accounts.c.location == location,
            images.c.cloud_image_id.is_(None),
            sa.or_(images.c.status == ImageStatus.CREATING, has_leftovers),
        )
    )
    found: dict[str, list[datetime]] = {}
    for project_id, asked_at in connection.execute(query):
        found.setdefault(project_id, []).append(asked_at)
    return found


def projects_of_requests(connection: sa.Connection, image_ids: Sequence[str]) -> dict[str, str]:
    """Return those of our images' ids that are on record, with their projects."""
    found: dict[str, str] = {}
    for first in range(0, len(image_ids), _IDS_PER_QUERY):
        some = image_ids[first : first + _IDS_PER_QUERY]
        query = sa.select(images.c.image_id, images.c.project_id)
        for image_id, project_id in connection.execute(query.where(images.c.image_id.in_(some))):
            found[image_id] = project_id
    return found


def insert_adopted(connection: sa.Connection, rows: Sequence[tuple[int, Image]]) -> None:
    """Add the records of adopted images, each with its account's key."""
    connection.execute(
        sa.insert(images),
        [
            {
                "image_id": image.id,
                "account_key": account_key,
                "name": image.name,
                "source_instance_id": image.source_instance_id,
                "source_instance_name": image.source_instance_name,
                "size_bytes": image.size_bytes,
                "virtual_size_bytes": image.virtual_size_bytes,
                "status": image.status,
                "consistency": image.consistency,
                "created_at": image.created_at,
                "available_at": image.available_at,
                "task_id": image.task_id,
                "cloud_image_id": image.cloud_image_id,
                "project_id": image.project_id,
                "origin": image.origin,
            }
            for account_key, image in rows
        ],
    )


def get_image(connection: sa.Connection, image_id: str) -> Image:
    """Return the image of that id; for callers that have it from a row of their own."""
    return _image(connection.execute(_rows().where(images.c.image_id == image_id)).one())


def get_images(connection: sa.Connection, image_ids: Sequence[str]) -> dict[str, Image]:
    """Return the images of these ids by id; for callers that have them from rows of their own."""
    found: dict[str, Image] = {}
    for first in range(0, len(image_ids), _IDS_PER_QUERY):
        query = _rows().where(images.c.image_id.in_(image_ids[first : first + _IDS_PER_QUERY]))
        found |= {row.image_id: _image(row) for row in connection.execute(query)}
    return found


def location_of_image(connection: sa.Connection, image_id: str) -> str | None:
    """Return where the image of that id is, whosever it is; None if there is none."""
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
    own = _rows().where(
        accounts.c.location == location,
        accounts.c.account_id == account_id,
        images.c.status.in_(_SHOWN),
    )
    by_id = sa.or_(images.c.image_id == reference, images.c.cloud_image_id == reference)
    found = [_image(row) for row in connection.execute(own.where(by_id))]
    if found:
        return found
    named = connection.execute(own.where(images.c.name == reference))
    # MariaDB and MySQL take names for equal that differ in blanks at their ends.
    return [image for image in map(_image, named) if image.name == reference]


def find_by_cloud_id(connection: sa.Connection, location: str, cloud_image_id: str) -> Image | None:
    """Return the location's image that has this id in the cloud, also if it is deleted."""
    query = _rows().where(
        accounts.c.location == location, images.c.cloud_image_id == cloud_image_id
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else _image(row)


def find_requested(
    connection: sa.Connection, location: str, image_id: str, project_id: str
) -> Image | None:
    """Return the project's image that is being captured, and whose id in the cloud is not known."""
    query = _rows().where(
        accounts.c.location == location,
        images.c.image_id == image_id,
        images.c.project_id == project_id,
        images.c.status == ImageStatus.CREATING,
        images.c.cloud_image_id.is_(None),
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else _image(row)


def find_creating(connection: sa.Connection, source_instance_id: str) -> str | None:
    """Return the id of an image that is being captured from the instance, by whatever account."""
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
    query = _rows().where(accounts.c.location == location, images.c.status.in_(_SHOWN))
    if account_id is not None:
        query = query.where(accounts.c.account_id == account_id)
    query = query.order_by(images.c.created_at, images.c.image_id)
    return [_image(row) for row in connection.execute(query)]


def available_in_cloud(
    connection: sa.Connection, location: str
) -> Iterator[tuple[str, AvailableState]]:
    """Yield the cloud's id of every available image of the location, with what is on record."""
    query = (
        sa.select(
            images.c.cloud_image_id,
            images.c.project_id,
            images.c.size_bytes,
            images.c.virtual_size_bytes,
            images.c.name,
        )
        .join_from(images, accounts)
        .where(accounts.c.location == location, images.c.status == ImageStatus.AVAILABLE)
        .execution_options(yield_per=_ROWS_AT_A_TIME)
    )
    for cloud_id, project_id, size_bytes, virtual_size_bytes, name in connection.execute(query):
        yield cloud_id, (intern(project_id), size_bytes, virtual_size_bytes, name)


def available_of_cloud_ids(
    connection: sa.Connection, location: str, cloud_ids: Sequence[str]
) -> list[Image]:
    """Return the location's available images that have one of these ids in the cloud."""
    found: list[Image] = []
    for first in range(0, len(cloud_ids), _IDS_PER_QUERY):
        query = _rows().where(
            accounts.c.location == location,
            images.c.status == ImageStatus.AVAILABLE,
            images.c.cloud_image_id.in_(cloud_ids[first : first + _IDS_PER_QUERY]),
        )
        found += [_image(row) for row in connection.execute(query)]
    return found


@dataclass(frozen=True, slots=True)
class SharedImage:
    """What sharing an image needs to know of it."""

    image_id: str
    account_key: int
    cloud_image_id: str
    project_id: str


def not_shared_with(
    connection: sa.Connection, location: str, account_id: str | None, digest: str | None
) -> list[SharedImage]:
    """Return the available images that were shared with other projects than the digest's.

    With None for it, those that were not shared at all.
    """
    query = (
        sa.select(
            images.c.image_id, images.c.account_key, images.c.cloud_image_id, images.c.project_id
        )
        .join_from(images, accounts)
        .where(
            accounts.c.location == location,
            images.c.status == ImageStatus.AVAILABLE,
            images.c.shared_with.is_(None)
            if digest is None
            else images.c.shared_with.is_distinct_from(digest),
        )
        .order_by(images.c.created_at, images.c.image_id)
    )
    if account_id is not None:
        query = query.where(accounts.c.account_id == account_id)
    return [SharedImage(**row._mapping) for row in connection.execute(query)]


def account_keys_with_available(connection: sa.Connection, location: str) -> list[int]:
    """Return the keys of the accounts that have available images at the location."""
    query = (
        sa.select(images.c.account_key)
        .distinct()
        .join_from(images, accounts)
        .where(accounts.c.location == location, images.c.status == ImageStatus.AVAILABLE)
        .order_by(images.c.account_key)
    )
    return list(connection.execute(query).scalars())


def set_shared_with(
    connection: sa.Connection, image_id: str, project_id: str, digest: str | None
) -> None:
    """Write down which projects may use the image, unless it belongs to another one by now."""
    connection.execute(
        sa.update(images)
        .where(images.c.image_id == image_id, images.c.project_id == project_id)
        .values(shared_with=digest)
    )


def _rows() -> sa.Select[Any]:
    return sa.select(images, accounts.c.account_id, accounts.c.location).join_from(images, accounts)


def _image(row: Any) -> Image:
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
    )
