"""Which rule the minimum charges of a closed period follow.

Periods that are closed keep the rule that they were closed by: number 1.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column(
        "closed_periods",
        sa.Column("minimum_rule", sa.Integer, nullable=False, server_default="1"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_column("closed_periods", "minimum_rule")
