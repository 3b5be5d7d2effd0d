"""Which decision by hand an adjustment takes back."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the column; nothing was reversed so far."""
    op.add_column("adjustments", sa.Column("reverses", _KEY))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("adjustments", "reverses")
