"""Accounts, images, tasks and readings of the plugin; rates, intervals, postings and watermarks.

A revision repeats its tables, so that it stays what it was when the tables have moved on.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_EXACT = sa.Numeric(38, 0).with_variant(sa.String(39), "sqlite")
_MYSQL: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
}


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "accounts",
        sa.Column("account_key", _KEY, nullable=False),
        sa.Column("location", sa.String(64), nullable=False),
        sa.Column("account_id", sa.String(64), nullable=False),
        sa.Column("account_name", sa.String(255), nullable=False),
        sa.Column("max_images", sa.Integer),
        sa.PrimaryKeyConstraint("account_key", name="pk_accounts"),
        sa.UniqueConstraint("location", "account_id", name="uq_accounts_location"),
        **_MYSQL,
    )
    op.create_table(
        "images",
        sa.Column("image_id", sa.String(36), nullable=False),
        sa.Column("account_key", _KEY, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("source_instance_id", sa.String(64), nullable=False),
        sa.Column("source_instance_name", sa.String(255), nullable=False),
        sa.Column("size_bytes", sa.BigInteger),
        sa.Column("virtual_size_bytes", sa.BigInteger),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("consistency", sa.String(16), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("available_at", sa.BigInteger),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("error", sa.Text),
        sa.Column("task_id", sa.String(36), nullable=False),
        sa.Column("cloud_image_id", sa.String(64)),
        sa.PrimaryKeyConstraint("image_id", name="pk_images"),
        sa.ForeignKeyConstraint(
            ["account_key"], ["accounts.account_key"], name="fk_images_account_key"
        ),
        **_MYSQL,
    )
    op.create_index("ix_images_account_key_status", "images", ["account_key", "status"])
    op.create_table(
        "tasks",
        sa.Column("task_id", sa.String(36), nullable=False),
        sa.Column("image_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("stage", sa.String(64), nullable=False),
        sa.Column("progress", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("server_id", sa.String(64)),
        sa.PrimaryKeyConstraint("task_id", name="pk_tasks"),
        sa.ForeignKeyConstraint(["image_id"], ["images.image_id"], name="fk_tasks_image_id"),
        **_MYSQL,
    )
    op.create_index("ix_tasks_state", "tasks", ["state"])
    op.create_index("ix_tasks_image_id", "tasks", ["image_id"])
    op.create_table(
        "readings",
        sa.Column("location", sa.String(64), nullable=False),
        sa.Column("read_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("location", name="pk_readings"),
        **_MYSQL,
    )
    op.create_table(
        "rates",
        sa.Column("location", sa.String(64), nullable=False),
        sa.Column("from_hour", sa.BigInteger, nullable=False),
        sa.Column("price_nanos", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("unit", sa.String(3), nullable=False),
        sa.Column("hours_per_month", sa.String(8), nullable=False),
        sa.Column("partial_hour", sa.String(8), nullable=False),
        sa.Column("set_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("location", "from_hour", name="pk_rates"),
        **_MYSQL,
    )
    op.create_table(
        "intervals",
        sa.Column("image_id", sa.String(36), nullable=False),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger),
        sa.Column("account_key", _KEY, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("image_id", "starts_at", name="pk_intervals"),
        **_MYSQL,
    )
    op.create_index("ix_intervals_account_key", "intervals", ["account_key"])
    op.create_index("ix_intervals_ends_at", "intervals", ["ends_at"])
    op.create_table(
        "postings",
        sa.Column("account_key", _KEY, autoincrement=False, nullable=False),
        sa.Column("starts_at", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("byte_seconds", _EXACT, nullable=False),
        sa.Column("amount_nanos", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_key", "starts_at", name="pk_postings"),
        sqlite_with_rowid=False,
        **_MYSQL,
    )
    op.create_table(
        "watermarks",
        sa.Column("location", sa.String(64), nullable=False),
        sa.Column("hour", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("location", name="pk_watermarks"),
        **_MYSQL,
    )


def downgrade() -> None:
    """Drop them, with everything in them."""
    for table in (
        "watermarks",
        "postings",
        "intervals",
        "rates",
        "readings",
        "tasks",
        "images",
        "accounts",
    ):
        op.drop_table(table)
