"""The balance of a reading: what the image service stores beside what is billed, image by image.

Per location and project, the bytes that the image service lists as active, less what is exempt by
name, equal the bytes of open intervals. What was changed by others while the location was read is
no difference. Reads the ledger, and changes nothing.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from instance_images.db.bulk import is_one_of
from instance_images.db.cloud_images import AvailableState, records_by_cloud_id
from instance_images.db.tables import images
from instance_images.locations.site import Site
from instance_images.model.records import ImageStatus
from instance_images.sync.exemptions import reasons_of
from instance_images.sync.reconcile import Reading
from instance_images_billing.ledger import postings as ledger
from instance_images_billing.ledger.tables import intervals

LOG = logging.getLogger(__name__)

_ROWS_AT_A_TIME = 10_000
_IDS_PER_QUERY = 500
_SHOWN = 20  # projects, in a log


@dataclass(slots=True)
class Difference:
    """What is wrong with a project: bytes stored but not billed, or billed but not stored.

    ``image_id`` is the cloud's id of one of the images.
    """

    project_id: str
    unbilled_bytes: int = 0
    overbilled_bytes: int = 0
    image_id: str = ""

    @property
    def sentence(self) -> str:
        """What is wrong, for the operator."""
        parts = [
            f"{count} bytes are {what}"
            for count, what in (
                (self.unbilled_bytes, "stored but not billed"),
                (self.overbilled_bytes, "billed but not stored"),
            )
            if count
        ]
        return f"Project {self.project_id}: {', '.join(parts)}, such as image {self.image_id}."


@dataclass(slots=True)
class Balance:
    """A location's balance: the projects that differ, and what is exempt: images and bytes."""

    location: str
    differences: list[Difference] = field(default_factory=list)
    exempt: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def unbilled_bytes(self) -> int:
        """What is stored but not billed, of all projects."""
        return sum(one.unbilled_bytes for one in self.differences)

    @property
    def overbilled_bytes(self) -> int:
        """What is billed but not stored, of all projects."""
        return sum(one.overbilled_bytes for one in self.differences)

    def log(self) -> None:
        """Warn of the differences; of some projects, where there are many."""
        for one in self.differences[:_SHOWN]:
            LOG.warning("%s: %s", self.location, one.sentence)
        if len(self.differences) > _SHOWN:
            LOG.warning(
                "%s: %d projects are out of balance; the first ones are logged.",
                self.location,
                len(self.differences),
            )


@dataclass(slots=True)
class _Sums:
    by_project: dict[str, Difference] = field(default_factory=dict)

    def add(
        self, project_id: str, image_id: str, *, unbilled: int = 0, overbilled: int = 0
    ) -> None:
        """Count a difference of one image, if it is one."""
        if unbilled <= 0 and overbilled <= 0:
            return
        one = self.by_project.setdefault(project_id, Difference(project_id, image_id=image_id))
        one.unbilled_bytes += max(unbilled, 0)
        one.overbilled_bytes += max(overbilled, 0)


def balance(connection: sa.Connection, site: Site, reading: Reading) -> Balance:
    """Return the balance of the reading, whose news the ledger has taken in."""
    listed_states = reading.listed.stored
    if _all_billed_as_on_record(connection, site.name):
        compared = _not_as_on_record(reading)
        stored = {one: listed_states[one] for one in compared if one in listed_states}
    else:
        compared = None  # all images
        stored = dict(listed_states)
    for image in reading.differences.confirmed:
        state = (image.project_id, image.size_bytes or 0, image.virtual_size_bytes, image.name)
        stored.setdefault(image.cloud_image_id or "", state)
    sums = _Sums()
    # Plain numbers and tuples: there may be a million of them.
    read_at = int(reading.read_at.timestamp())
    for image_id, project_id, status, ended_at, began_at, billed_bytes in _open_intervals(
        connection, site.name, compared
    ):
        listed = stored.pop(image_id, None)
        if listed is not None and listed[1] == billed_bytes:
            continue
        if status == ImageStatus.DELETING or (ended_at is not None and ended_at >= read_at):
            continue  # by another process since; that is not taken in yet
        if listed is not None:
            owner_id, size_bytes, virtual_bytes = listed[:3]
            largest = max(size_bytes, virtual_bytes or 0)
            short, over = size_bytes - billed_bytes, billed_bytes - largest
            sums.add(owner_id, image_id, unbilled=short, overbilled=over)
        elif began_at <= read_at:
            sums.add(project_id, image_id, overbilled=billed_bytes)
    found = Balance(site.name)
    _add_unbilled(
        connection=connection, site=site, reading=reading, stored=stored, sums=sums, found=found
    )
    found.differences = sorted(sums.by_project.values(), key=lambda one: one.project_id)
    return found


def _all_billed_as_on_record(connection: sa.Connection, location: str) -> bool:
    """Return whether each available image of the location has one open interval of its size.

    The database counts: images that differ are rare, and a location may have a million images.
    """
    available = sa.and_(
        images.c.account_key.in_(ledger.account_keys(location)),
        images.c.status == ImageStatus.AVAILABLE,
    )
    sizes = sa.select(images.c.image_id, images.c.size_bytes, images.c.virtual_size_bytes)
    sizes = sizes.where(available)
    if connection.dialect.name == "sqlite":  # which looks their intervals up faster in this order
        sizes = sizes.order_by(images.c.image_id)
    image, billed = sizes.subquery().c, intervals.c.size_bytes
    is_billed = sa.exists().where(
        intervals.c.image_id == image.image_id,
        intervals.c.ends_at.is_(None),
        billed >= image.size_bytes,
        sa.or_(billed <= image.size_bytes, billed <= image.virtual_size_bytes),
    )
    count = sa.select(sa.func.count())
    billed_count = connection.execute(count.select_from(image.image_id.table).where(is_billed))
    available_count = connection.execute(count.where(available)).scalar_one()
    return billed_count.scalar_one() == available_count == ledger.count_open(connection, location)


def _not_as_on_record(reading: Reading) -> list[str]:
    """Return the cloud's ids of the images that were not listed as they were on record."""
    listed, differences = reading.listed, reading.differences
    looked_up = (*differences.confirmed, *differences.doubtful)
    ids = {*listed.unknown, *listed.differing, *listed.without_bytes}
    return sorted(ids.union(one.cloud_image_id or "" for one in looked_up))


def _add_unbilled(
    connection: sa.Connection,
    site: Site,
    reading: Reading,
    stored: Mapping[str, AvailableState],
    sums: _Sums,
    found: Balance,
) -> None:
    """Count what is stored and has no open interval, unless it is exempt by name."""
    unknown = reading.listed.unknown
    rest = {image_id: unknown[image_id] for image_id in stored if image_id in unknown}
    # Those on record when the listing began have ended since, or miss their interval.
    known = {i: state for i, state in stored.items() if i not in unknown}
    ended = _ended_meanwhile(connection, site, list(known), reading.read_at)
    for image_id, (owner_id, size_bytes, *_) in known.items():
        if image_id not in ended:
            sums.add(owner_id, image_id, unbilled=size_bytes)
    exempt = reasons_of(connection, site, rest, reading.differences.disks, reading.read_at)
    for image_id, image in rest.items():
        size_bytes = image.size_bytes or 0
        reason = exempt.get(image_id)
        if reason is None:
            sums.add(image.owner_id, image_id, unbilled=size_bytes)
        else:
            count, total = found.exempt.get(reason, (0, 0))
            found.exempt[reason] = (count + 1, total + size_bytes)


def _ended_meanwhile(
    connection: sa.Connection, site: Site, image_ids: list[str], read_at: datetime
) -> set[str]:
    found = records_by_cloud_id(connection, site.service, image_ids)
    return {
        image_id
        for image_id, known in found.items()
        for one in known
        if one.location == site.name
        and (
            one.status is ImageStatus.DELETING
            or (one.deleted_at is not None and one.deleted_at >= read_at)
        )
    }


def _open_intervals(
    connection: sa.Connection, location: str, image_ids: Sequence[str] | None
) -> Iterator[tuple[str, str, str, int | None, int, int]]:
    """Yield image and project of the cloud, status, end, begin and billed bytes; times as numbers.

    The end is that on record, for an image whose open interval has not been ended by it yet.
    ``image_ids``: only those of these images of the cloud; None: all.
    """
    query = (
        sa.select(
            images.c.cloud_image_id,
            images.c.project_id,
            images.c.status,
            sa.type_coerce(images.c.deleted_at, sa.BigInteger),
            sa.type_coerce(intervals.c.starts_at, sa.BigInteger),
            intervals.c.size_bytes,
        )
        .join_from(intervals, images, images.c.image_id == intervals.c.image_id)
        .where(
            intervals.c.account_key.in_(ledger.account_keys(location)),
            intervals.c.ends_at.is_(None),
        )
    )
    if image_ids is None:
        rows: Any = connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME))
        yield from rows
        return
    for first in range(0, len(image_ids), _IDS_PER_QUERY):
        some = image_ids[first : first + _IDS_PER_QUERY]
        which = is_one_of(connection, images.c.cloud_image_id, some)
        rows = connection.execute(query.where(which))
        yield from rows
