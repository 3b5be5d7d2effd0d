"""The runs that are at work, so that the ledger is not copied from under one."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "active_runs",
        sa.Column("run_id", sa.String(36), nullable=False),
        sa.Column("command", sa.String(32), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("process_id", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_active_runs"),
        **_OPTIONS,
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("active_runs")
