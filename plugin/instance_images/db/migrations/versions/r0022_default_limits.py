"""How many images an account may hold at a location by default, where the operator has set it."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; the configuration applies until a default is set."""
    op.create_table(
        "default_limits",
        sa.Column("location", sa.String(64), primary_key=True),
        sa.Column("max_images", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    """Drop it; the configuration applies again."""
    op.drop_table("default_limits")
