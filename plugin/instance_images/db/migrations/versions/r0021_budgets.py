"""Budgets of accounts, and the notices that tell of them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}
_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_EXACT = sa.Numeric(38, 0).with_variant(sa.String(39), "sqlite")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "budgets",
        sa.Column("budget_key", _KEY, nullable=False, autoincrement=True),
        sa.Column("account_id", sa.String(64), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount_nanos", _EXACT),
        sa.Column("thresholds", sa.String(64), nullable=False),
        sa.Column("mail_to", sa.String(1000), nullable=False),
        sa.Column("webhook_url", sa.String(1000), nullable=False),
        sa.Column("locale", sa.String(32), nullable=False),
        sa.Column("set_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("budget_key", name="pk_budgets"),
        **_OPTIONS,
    )
    op.create_index("ix_budgets_account_id_currency", "budgets", ["account_id", "currency"])
    op.create_table(
        "budget_notices",
        sa.Column("notice_key", _KEY, nullable=False, autoincrement=True),
        sa.Column("notice_id", sa.String(36), nullable=False),
        sa.Column("account_id", sa.String(64), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("period", sa.String(7), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("threshold", sa.Integer, nullable=False),
        sa.Column("occurrence", sa.Integer, nullable=False),
        sa.Column("channel", sa.String(8), nullable=False),
        sa.Column("amount_nanos", _EXACT, nullable=False),
        sa.Column("charged_nanos", _EXACT, nullable=False),
        sa.Column("forecast_nanos", _EXACT),
        sa.Column("metered_until", sa.BigInteger),
        sa.Column("reached_at", sa.BigInteger, nullable=False),
        sa.Column("lapsed_at", sa.BigInteger),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("sent_at", sa.BigInteger),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("notice_key", name="pk_budget_notices"),
        sa.UniqueConstraint("notice_id", name="uq_budget_notices_notice_id"),
        sa.UniqueConstraint(
            "account_id",
            "currency",
            "period",
            "kind",
            "threshold",
            "occurrence",
            "channel",
            name="uq_budget_notices_account_id",
        ),
        **_OPTIONS,
    )
    op.create_index("ix_budget_notices_period", "budget_notices", ["period"])
    op.create_index("ix_budget_notices_state_due_at", "budget_notices", ["state", "due_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("budget_notices")
    op.drop_table("budgets")
