"""The id of the request that a task was asked for by."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("tasks", sa.Column("request_id", sa.String(64)))


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("tasks") as batch:
        batch.drop_column("request_id")
