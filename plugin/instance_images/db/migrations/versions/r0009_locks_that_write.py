"""A counter in each row that is locked, so that a lock is a write.

Nodes of a Galera cluster compare what transactions wrote, and no locks.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TABLES = ("accounts", "ledger_locks")


def upgrade() -> None:
    """Add the columns."""
    for table in _TABLES:
        op.add_column(
            table, sa.Column("lock_version", sa.BigInteger, nullable=False, server_default="0")
        )


def downgrade() -> None:
    """Drop them."""
    for table in _TABLES:
        op.drop_column(table, "lock_version")
