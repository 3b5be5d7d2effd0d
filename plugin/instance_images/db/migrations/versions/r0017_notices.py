"""Notifications that wait, and counts of those that the image service did not confirm."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}
_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "postponed_notices",
        sa.Column("notice_key", _KEY, nullable=False, autoincrement=True),
        sa.Column("location", sa.String(64), nullable=False),
        sa.Column("image_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("owner_id", sa.String(64), nullable=False),
        sa.Column("request_id", sa.String(36)),
        sa.Column("happened_at", sa.BigInteger, nullable=False),
        sa.Column("postponed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("notice_key", name="pk_postponed_notices"),
        **_OPTIONS,
    )
    op.create_index(
        "ix_postponed_notices_location_image_id", "postponed_notices", ["location", "image_id"]
    )
    op.create_table(
        "notice_counts",
        sa.Column("location", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("location", "reason", name="pk_notice_counts"),
        **_OPTIONS,
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("notice_counts")
    op.drop_table("postponed_notices")
