"""The plugin's tables, and the column types that every part's tables use.

Instants are stored as whole seconds since 1970 in a 64-bit integer: all databases handle integers
alike, arithmetic on them is exact, and no driver drops an offset. An account's row stands for the
account at one location, so that one short integer key carries both through the ledger, and one row
can be locked while a slot is reserved. Settings of a single kind of database (such as collations)
are in the migrations, which create the tables.
"""

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from instance_images.names import MAX_NAME_CHARACTERS, recorded_name, storable_text

METADATA = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

MAX_SERVICE_CHARACTERS = 200
MAX_CLOUD_ID_CHARACTERS = 64

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers only INTEGER itself


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime in Python, whole seconds since 1970 in the database."""

    impl = sa.BigInteger
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Any:
        """Return what makes seconds of an aware datetime; it raises ValueError for a naive one."""
        return _seconds

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Return what makes an aware datetime of the seconds, None of NULL."""
        return _instant


# Rows share their instants: most are full hours, or the same ones in several columns.
@lru_cache(maxsize=20_000)
def _seconds(value: datetime | None) -> int | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"naive datetime {value} is not an instant")
    return int(value.timestamp())


@lru_cache(maxsize=20_000)
def _instant(value: int | None) -> datetime | None:
    return None if value is None else datetime.fromtimestamp(value, UTC)


class Journal(TypeDecorator[dict[str, Any]]):
    """A task's journal, stored as JSON text."""

    impl = sa.String(4000)
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> str | None:
        """Return the JSON text."""
        return None if value is None else json.dumps(value, sort_keys=True)

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, Any] | None:
        """Return the object."""
        return None if value is None else dict(json.loads(value))


class Name(TypeDecorator[str]):
    """A name from a user, reduced to what every database can store."""

    impl = sa.String(MAX_NAME_CHARACTERS)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the name without characters that a database rejects."""
        return None if value is None else recorded_name(value)


class Words(TypeDecorator[str]):
    """A text from a service, such as an error, reduced to what every database can store."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the text without characters that a database rejects."""
        return None if value is None else storable_text(value)


accounts = sa.Table(
    "accounts",
    METADATA,
    sa.Column("account_key", Key, primary_key=True),
    sa.Column("location", sa.String(64), nullable=False),
    sa.Column("account_id", sa.String(64), nullable=False),
    sa.Column("account_name", Name, nullable=False),
    sa.Column("max_images", sa.Integer),
    sa.Column("domain_name", Name),
    sa.Column("scope", sa.String(16), nullable=False, server_default="project"),
    # Counts the transactions that locked the row: a lock is a write, so that nodes of a cluster
    # detect the conflict.
    sa.Column("lock_version", sa.BigInteger, nullable=False, server_default="0"),
    sa.UniqueConstraint("location", "account_id"),
)

images = sa.Table(
    "images",
    METADATA,
    sa.Column("image_id", sa.String(36), primary_key=True),
    sa.Column("account_key", Key, sa.ForeignKey(accounts.c.account_key), nullable=False),
    sa.Column("name", Name, nullable=False),
    sa.Column("source_instance_id", sa.String(64), nullable=False),
    sa.Column("source_instance_name", Name, nullable=False),
    sa.Column("size_bytes", sa.BigInteger),
    sa.Column("virtual_size_bytes", sa.BigInteger),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("consistency", sa.String(16), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("available_at", Instant),
    sa.Column("deleted_at", Instant),
    sa.Column("error", Words),
    sa.Column("task_id", sa.String(36), nullable=False),
    sa.Column("cloud_image_id", sa.String(MAX_CLOUD_ID_CHARACTERS)),
    sa.Column("project_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("origin", sa.String(16), nullable=False, server_default="captured"),
    # A digest of the ids of the other projects that may use it; NULL before it was shared.
    sa.Column("shared_with", sa.String(64)),
    # The reading that missed it, if it was deleted outside this product.
    sa.Column("missed_at", Instant),
    # The last reading that restored it after it had ended on record.
    sa.Column("restored_at", Instant),
    # The image service of its id, NULL until the next reading; and service with id, unique among
    # living records.
    sa.Column("image_service", sa.String(MAX_SERVICE_CHARACTERS)),
    sa.Column("living_key", sa.String(MAX_SERVICE_CHARACTERS + 1 + MAX_CLOUD_ID_CHARACTERS)),
    # Indexes of pages; the first also counts the images of an account.
    sa.Index(None, "account_key", "status", "created_at", "image_id"),
    sa.Index(None, "created_at", "image_id"),
    sa.Index(None, "cloud_image_id"),
    # Locations may share an image service: an image is billed once.
    sa.Index(None, "living_key", unique=True),
)

tasks = sa.Table(
    "tasks",
    METADATA,
    sa.Column("task_id", sa.String(36), primary_key=True),
    sa.Column("image_id", sa.String(36), sa.ForeignKey(images.c.image_id), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("stage", sa.String(64), nullable=False),
    sa.Column("progress", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("error", Words),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("server_id", sa.String(64)),
    sa.Column("project_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("stage_began_at", Instant, nullable=False, server_default="0"),
    sa.Column("journal", Journal, nullable=False, server_default="{}"),
    sa.Column("has_leftovers", sa.Boolean, nullable=False, server_default=sa.false()),
    # Since when nobody tries any more to remove what is left.
    sa.Column("abandoned_at", Instant),
    # Request id of the command, run or API request that last requested it; NULL for old rows.
    sa.Column("request_id", sa.String(64)),
    # User of the API request; NULL for the command line.
    sa.Column("user_id", sa.String(64)),
    sa.Index(None, "state"),
    sa.Index(None, "has_leftovers"),
    # The image's account, for the index of pages.
    sa.Column("account_key", Key, nullable=False, server_default="0"),
    sa.Index(None, "account_key", "created_at", "task_id"),
    sa.Index(None, "account_key", "started_at"),
    sa.Index(None, "created_at", "task_id"),
    sa.Index(None, "kind", "state", "updated_at"),
    sa.Index(None, "image_id"),
    # The instant of the next check, none where nothing is left to do. Until when which worker is at
    # it: that saves work, and nothing depends on it.
    sa.Column("look_at", Instant),
    sa.Column("claimed_until", Instant),
    sa.Column("claimed_by", sa.String(64)),
    sa.Index(None, "look_at"),
)

# The instant of the last complete reading of a location. An image that is missed later existed at
# that instant; one that is found later did not, if its kind was adopted then.
readings = sa.Table(
    "readings",
    METADATA,
    sa.Column("location", sa.String(64), primary_key=True),
    sa.Column("read_at", Instant, nullable=False),
    sa.Column("adopt", sa.String(16), nullable=False, server_default=""),
    # The first of the consecutive readings that adopted that kind.
    sa.Column("adopting_since", Instant, nullable=False, server_default="0"),
)

# Changes of images that are not in the ledger yet. The billing job moves them into its history in
# the transaction that bills them, so it reads changed images only.
news = sa.Table(
    "news",
    METADATA,
    sa.Column("news_key", Key, primary_key=True),
    sa.Column("image_id", sa.String(36), nullable=False),
    sa.Column("account_key", Key, nullable=False),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("effective_at", Instant, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("virtual_size_bytes", sa.BigInteger),
    sa.Column("learned_at", Instant, nullable=False),
    sa.Column("source", sa.String(16), nullable=False),
    sa.Index(None, "account_key"),
    sqlite_autoincrement=True,  # numbers are never reused
)

# Active runs, see ``runs``. They are not part of the ledger and are not copied with it.
active_runs = sa.Table(
    "active_runs",
    METADATA,
    sa.Column("run_id", sa.String(36), primary_key=True),
    sa.Column("command", sa.String(32), nullable=False),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("process_id", sa.BigInteger, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    info={"is_transient": True},
)

# Notifications about images for which the image service fails: 'listen' retries them.
postponed_notices = sa.Table(
    "postponed_notices",
    METADATA,
    sa.Column("notice_key", Key, primary_key=True),
    sa.Column("location", sa.String(64), nullable=False),
    sa.Column("image_id", sa.String(MAX_CLOUD_ID_CHARACTERS), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("owner_id", sa.String(64), nullable=False),
    sa.Column("request_id", sa.String(36)),
    sa.Column("happened_at", Instant, nullable=False),
    sa.Column("postponed_at", Instant, nullable=False),
    sa.Index(None, "location", "image_id"),
)

# How many images an account without a limit of its own may hold, where the operator has set it.
default_limits = sa.Table(
    "default_limits",
    METADATA,
    sa.Column("location", sa.String(64), primary_key=True),
    sa.Column("max_images", sa.Integer, nullable=False),
)

# Counts of notifications that the image service did not confirm, by reason.
notice_counts = sa.Table(
    "notice_counts",
    METADATA,
    sa.Column("location", sa.String(64), primary_key=True),
    sa.Column("reason", sa.String(32), primary_key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("last_at", Instant, nullable=False),
)
