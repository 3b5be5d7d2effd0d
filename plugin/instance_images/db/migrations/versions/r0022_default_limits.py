"""How many images an account may hold at a location by default, where the operator has set it."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}


def upgrade() -> None:
    """Add the table; the configuration applies until a default is set."""
    op.create_table(
        "default_limits",
        sa.Column("location", sa.String(64), primary_key=True),
        sa.Column("max_images", sa.Integer, nullable=False),
        **_OPTIONS,
    )


def downgrade() -> None:
    """Drop it; the configuration applies again."""
    op.drop_table("default_limits")
