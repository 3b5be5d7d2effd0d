"""The user who asked for a task, and an index to count an account's new tasks by."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_INDEX = "ix_tasks_account_key_started_at"


def upgrade() -> None:
    """Add the column and the index."""
    op.add_column("tasks", sa.Column("user_id", sa.String(64)))
    op.create_index(_INDEX, "tasks", ["account_key", "started_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index(_INDEX, "tasks")
    with op.batch_alter_table("tasks") as batch:
        batch.drop_column("user_id")
