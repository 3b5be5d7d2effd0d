"""The addresses that accounts' reports are mailed to, and what was sent."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "report_addresses",
        sa.Column("account_id", sa.String(64), nullable=False),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("format", sa.String(8), nullable=False),
        sa.Column("locale", sa.String(32), nullable=False),
        sa.Column("set_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "address", name="pk_report_addresses"),
        **_OPTIONS,
    )
    op.create_table(
        "report_deliveries",
        sa.Column("period", sa.String(7), nullable=False),
        sa.Column("account_id", sa.String(64), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("revision", sa.String(8), nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("format", sa.String(8), nullable=False),
        sa.Column("total", sa.String(40), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("message_id", sa.String(320), nullable=False),
        sa.Column("attempted_at", sa.BigInteger, nullable=False),
        sa.Column("sent_at", sa.BigInteger),
        sa.Column("answer", sa.Text),
        sa.Column("claimed_by", sa.String(255)),
        sa.Column("claimed_until", sa.BigInteger),
        sa.PrimaryKeyConstraint(
            "period",
            "account_id",
            "currency",
            "address",
            "revision",
            "number",
            name="pk_report_deliveries",
        ),
        **_OPTIONS,
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("report_deliveries")
    op.drop_table("report_addresses")
