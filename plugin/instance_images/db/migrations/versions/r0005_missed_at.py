"""Which reading found an image gone: a notification of its end cannot tell of a later instant."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of images that are gone already it is not known."""
    op.add_column("images", sa.Column("missed_at", sa.BigInteger))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("images", "missed_at")
