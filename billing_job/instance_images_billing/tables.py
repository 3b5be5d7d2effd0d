"""The ledger's tables. Nothing in them is ever changed once its hour is closed.

Amounts are nanos (10^-9 of the currency's unit) in 64-bit integers. ``byte_seconds`` of a large
account's hour does not fit into 64 bits, so it has a type of its own.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from instance_images.tables import MYSQL, Instant, Key

METADATA = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


class ExactInteger(TypeDecorator[int]):
    """An integer of up to 38 digits: NUMERIC(38, 0); text on SQLite, whose NUMERIC is a float."""

    impl = sa.Numeric(38, 0)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type that keeps all digits in this database."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.String(39))
        return dialect.type_descriptor(sa.Numeric(38, 0))

    def process_bind_param(self, value: int | None, dialect: Dialect) -> object:
        """Return what the driver takes: digits for SQLite, else the integer itself."""
        return str(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: object, dialect: Dialect) -> int | None:
        """Return the integer."""
        return None if value is None else int(str(value))


# Once a rate's first hour has begun it never changes. It carries all terms of its price, so that
# a posting can be computed again after the configuration has changed.
rates = sa.Table(
    "rates",
    METADATA,
    sa.Column("location", sa.String(64), primary_key=True),
    sa.Column("from_hour", Instant, primary_key=True),
    sa.Column("price_nanos", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("unit", sa.String(3), nullable=False),
    sa.Column("hours_per_month", sa.String(8), nullable=False),
    sa.Column("partial_hour", sa.String(8), nullable=False),
    sa.Column("set_at", Instant, nullable=False),
    **MYSQL,
)

intervals = sa.Table(
    "intervals",
    METADATA,
    sa.Column("image_id", sa.String(36), primary_key=True),
    sa.Column("starts_at", Instant, primary_key=True),
    sa.Column("ends_at", Instant),
    sa.Column("account_key", Key, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Index(None, "account_key"),
    sa.Index(None, "ends_at"),
    **MYSQL,
)

# ``starts_at`` is the start of the hour, or the edge of a period that falls inside an hour.
postings = sa.Table(
    "postings",
    METADATA,
    sa.Column("account_key", Key, primary_key=True, autoincrement=False),
    sa.Column("starts_at", Instant, primary_key=True),
    sa.Column("byte_seconds", ExactInteger, nullable=False),
    sa.Column("amount_nanos", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
    **MYSQL,
)

# Every hour before ``hour`` is closed for the location.
watermarks = sa.Table(
    "watermarks",
    METADATA,
    sa.Column("location", sa.String(64), primary_key=True),
    sa.Column("hour", Instant, nullable=False),
    **MYSQL,
)
