"""The record of mailed reports: what was sent to whom, and who is at it.

A report is mailed to an address once. Who mails it claims it first, so that two runs never send the
same one; what a run had claimed that was killed is free at once on its own host, and elsewhere when
the claim has expired. Functions that take a connection never commit.
"""

import hashlib
import os
import socket
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from instance_images.db.engine import Database
from instance_images_reports.delivery.tables import report_deliveries

PENDING, SENT, FAILED = "pending", "sent", "failed"
OPEN, CLOSED = "open", "closed"

_rows = report_deliveries.c
_IN_ONE_QUERY = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryKey:
    """Which report goes to which address; ``number`` is 1, and more where it is sent again."""

    period: str
    revision: str
    account_id: str
    currency: str
    address: str
    number: int = 1

    @property
    def whose(self) -> tuple[str, str, str]:
        """The account, the currency and the address."""
        return self.account_id, self.currency, self.address


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is mailed: the format and the digest of the attachment, and the report's total."""

    format: str
    sha256: str
    total: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A row of the record."""

    key: DeliveryKey
    parcel: Parcel
    state: str
    message_id: str
    attempted_at: datetime
    sent_at: datetime | None
    answer: str | None
    claimed_by: str | None
    claimed_until: datetime | None


def message_id_of(key: DeliveryKey, sender: str) -> str:
    """Return the Message-ID of the mail: the same for each attempt, even from another database."""
    parts = (key.period, key.revision, *key.whose, str(key.number))
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f"<{digest[:40]}@{sender.rpartition('@')[2]}>"


def list_deliveries(
    connection: sa.Connection,
    period: str,
    *,
    revision: str | None = None,
    account_ids: Collection[str] | None = None,
    state: str | None = None,
) -> list[Delivery]:
    """Return what is on record of a period, sorted by account, currency, address and number."""
    query = sa.select(report_deliveries).where(_rows.period == period)
    if revision is not None:
        query = query.where(_rows.revision == revision)
    if state is not None:
        query = query.where(_rows.state == state)
    parts = [query] if account_ids is None else _parted(query, sorted(account_ids))
    found = [_delivery(dict(row._mapping)) for part in parts for row in connection.execute(part)]
    return sorted(found, key=lambda one: (*one.key.whose, one.key.revision, one.key.number))


def _parted(query: sa.Select[Any], ids: list[str]) -> list[sa.Select[Any]]:
    """Return the query for some ids at a time: databases limit the values of one."""
    starts = range(0, len(ids), _IN_ONE_QUERY)
    return [query.where(_rows.account_id.in_(ids[n : n + _IN_ONE_QUERY])) for n in starts]


def _delivery(values: dict[str, Any]) -> Delivery:
    key = {name: values.pop(name) for name in DeliveryKey.__dataclass_fields__}
    parcel = {name: values.pop(name) for name in Parcel.__dataclass_fields__}
    return Delivery(
        key=DeliveryKey(**key),
        parcel=Parcel(**parcel),
        **values,
    )


@dataclass(frozen=True, slots=True)
class Holder:
    """A run that mails reports, as its claims name it: host, process ids' namespace, process."""

    name: str

    @classmethod
    def of_this_process(cls) -> "Holder":
        """Return a holder that is told apart from any other one."""
        return cls(f"{_here()} {os.getpid()} {uuid.uuid4().hex[:8]}")


def _here() -> str:
    """Return the host and the namespace that the ids of its processes count in."""
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = "-"
    return f"{socket.gethostname()[:150]} {namespace}"


def _was_killed(holder: str) -> bool:
    """Return whether the holder's process is certainly gone: only its own host can tell."""
    here, process_id, _ = holder.rsplit(" ", 2)
    if here != _here() or not process_id.isdigit():
        return False
    try:
        os.kill(int(process_id), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # another user's
    return False


def claim(
    database: Database,
    key: DeliveryKey,
    parcel: Parcel,
    holder: Holder,
    *,
    message_id: str,
    now: datetime,
    lease: timedelta,
) -> str | None:
    """Claim the delivery; return the Message-ID on record, None where it is sent or another's."""
    values = {
        "state": PENDING,
        "format": parcel.format,
        "total": parcel.total,
        "sha256": parcel.sha256,
        "attempted_at": now,
        "answer": None,
        "claimed_by": holder.name,
        "claimed_until": now + lease,
    }

    def work(connection: sa.Connection) -> str | None:
        query = sa.select(_rows.message_id, _rows.claimed_by).where(_is(key))
        row = connection.execute(query).first()
        if row is None:
            named = {name: getattr(key, name) for name in DeliveryKey.__dataclass_fields__}
            new = sa.insert(report_deliveries).values(**named, **values, message_id=message_id)
            connection.execute(new)
            return message_id
        free = [_rows.claimed_by.is_(None), _rows.claimed_until <= now]
        if row.claimed_by == holder.name or (row.claimed_by and _was_killed(row.claimed_by)):
            free.append(_rows.claimed_by == row.claimed_by)
        query_free = sa.update(report_deliveries).where(
            _is(key), _rows.state != SENT, sa.or_(*free)
        )
        is_claimed = connection.execute(query_free.values(values)).rowcount == 1
        return str(row.message_id) if is_claimed else None

    try:
        return database.write(work)
    except exc.IntegrityError:
        return None  # another run has just inserted it


def record_sent(connection: sa.Connection, key: DeliveryKey, holder: Holder, now: datetime) -> None:
    """Record that the server took the mail; that ends the holder's claim."""
    _settle(connection, key, holder, state=SENT, sent_at=now)


def record_failed(connection: sa.Connection, key: DeliveryKey, holder: Holder, answer: str) -> None:
    """Record what the server said against the mail; that ends the holder's claim."""
    _settle(connection, key, holder, state=FAILED, answer=answer)


def _settle(connection: sa.Connection, key: DeliveryKey, holder: Holder, **values: object) -> None:
    connection.execute(
        sa.update(report_deliveries)
        .where(_is(key), _rows.claimed_by == holder.name)
        .values(claimed_by=None, claimed_until=None, **values)
    )


def release(connection: sa.Connection, holder: Holder) -> None:
    """Give up what the holder has claimed and not settled: anybody may mail it at once."""
    connection.execute(
        sa.update(report_deliveries)
        .where(_rows.claimed_by == holder.name)
        .values(claimed_by=None, claimed_until=None)
    )


def _is(key: DeliveryKey) -> sa.ColumnElement[bool]:
    return sa.and_(
        *(report_deliveries.c[name] == getattr(key, name) for name in key.__dataclass_fields__)
    )
