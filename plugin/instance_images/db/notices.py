"""Notifications that wait, and how many the image service did not confirm. Functions never commit.

Of a waiting notification only the used fields are stored: image id, owner, mark and time. All else
is read from the image service later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from instance_images.db.tables import MAX_CLOUD_ID_CHARACTERS, notice_counts, postponed_notices
from instance_images.model.cloud import Claims, CloudImage, CloudImageStatus, Notice, NoticeKind

MAX_POSTPONED = 1000
_MAX_MARK_CHARACTERS = 36


@dataclass(frozen=True, slots=True)
class Postponed:
    """A notification that waits, with its key and since when."""

    key: int
    notice: Notice
    postponed_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many notifications of a location wait, since when, and one image that they are about."""

    count: int
    since: datetime
    image_id: str


@dataclass(frozen=True, slots=True)
class Counted:
    """How many notifications there were for one reason, and when the last one came."""

    reason: str
    count: int
    last_at: datetime


def postpone(connection: sa.Connection, location: str, notice: Notice, now: datetime) -> bool:
    """Store the notification; return False if too many wait.

    An overlong owner id is dropped: it matches nothing.
    """
    count = sa.select(sa.func.count()).where(postponed_notices.c.location == location)
    told = notice.image
    if (
        len(told.id) > MAX_CLOUD_ID_CHARACTERS
        or len(told.owner_id) > MAX_CLOUD_ID_CHARACTERS
        or connection.execute(count).scalar_one() >= MAX_POSTPONED
    ):
        return False
    mark = told.claims.request_id
    connection.execute(
        sa.insert(postponed_notices).values(
            location=location,
            image_id=told.id,
            kind=notice.kind,
            owner_id=told.owner_id,
            request_id=mark if mark and len(mark) <= _MAX_MARK_CHARACTERS else None,
            happened_at=notice.happened_at,
            postponed_at=now,
        )
    )
    return True


def postponed(connection: sa.Connection, location: str) -> list[Postponed]:
    """Return the notifications that wait, in the order in which they came."""
    rows = postponed_notices.c
    query = sa.select(postponed_notices).where(rows.location == location).order_by(rows.notice_key)
    return [Postponed(row.notice_key, _notice(row), row.postponed_at) for row in
            connection.execute(query)]  # fmt: skip


def is_postponed(connection: sa.Connection, location: str, image_id: str) -> bool:
    """Return whether a notification about the image waits already."""
    rows = postponed_notices.c
    query = sa.select(rows.notice_key).where(rows.location == location, rows.image_id == image_id)
    return connection.execute(query.limit(1)).first() is not None


def forget(connection: sa.Connection, key: int) -> None:
    """Remove a processed or abandoned notification."""
    connection.execute(sa.delete(postponed_notices).where(postponed_notices.c.notice_key == key))


def waiting(connection: sa.Connection, location: str) -> Waiting | None:
    """Return the waiting notifications of the location, None if there are none."""
    found = postponed(connection, location)
    if not found:
        return None
    return Waiting(len(found), found[0].postponed_at, found[0].notice.image.id)


def _notice(row: sa.Row[tuple[object, ...]]) -> Notice:
    """Return the notification, with unused fields empty."""
    told = CloudImage(
        id=row.image_id,
        name="",
        owner_id=row.owner_id,
        status=CloudImageStatus.LOST,
        size_bytes=None,
        virtual_size_bytes=None,
        min_disk_gib=0,
        min_ram_mib=0,
        changed_at=row.happened_at,
        claims=Claims(request_id=row.request_id),
    )
    return Notice(NoticeKind(row.kind), told, row.happened_at)


# ----------------------------------------------------------------------------- counts


def count(
    connection: sa.Connection, location: str, reasons: Mapping[str, int], now: datetime
) -> None:
    """Add to the counts of the location."""
    rows = notice_counts.c
    for reason, number in sorted(reasons.items()):
        of_reason = (rows.location == location, rows.reason == reason)
        values = {"count": rows.count + number, "last_at": now}
        updated = connection.execute(sa.update(notice_counts).where(*of_reason).values(values))
        if updated.rowcount == 0:
            connection.execute(
                sa.insert(notice_counts).values(
                    location=location, reason=reason, count=number, last_at=now
                )
            )


def counts(connection: sa.Connection, location: str) -> list[Counted]:
    """Return the counts of the location, by reason."""
    rows = notice_counts.c
    query = sa.select(rows.reason, rows.count, rows.last_at).where(rows.location == location)
    return [Counted(*row) for row in connection.execute(query.order_by(rows.reason))]
