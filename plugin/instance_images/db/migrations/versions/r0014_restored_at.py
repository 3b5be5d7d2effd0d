"""When a record was brought to life again, because the image service had its image."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("images", sa.Column("restored_at", sa.BigInteger))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("images", "restored_at")
