"""When leftovers of a capture are looked at again, and since when they are given up."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns: whatever is left now is due at once."""
    op.add_column("tasks", sa.Column("next_look_at", sa.BigInteger()))
    op.add_column("tasks", sa.Column("abandoned_at", sa.BigInteger()))


def downgrade() -> None:
    """Take the columns away."""
    op.drop_column("tasks", "abandoned_at")
    op.drop_column("tasks", "next_look_at")
