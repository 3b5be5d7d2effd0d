"""Since when images of the kind that is adopted now have been adopted, at each location.

What began to exist since then, and is only learned of later, is billed from its beginning.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of readings so far only the last one is known."""
    op.add_column(
        "readings", sa.Column("adopting_since", sa.BigInteger, nullable=False, server_default="0")
    )
    op.execute("UPDATE readings SET adopting_since = read_at")


def downgrade() -> None:
    """Drop it."""
    op.drop_column("readings", "adopting_since")
