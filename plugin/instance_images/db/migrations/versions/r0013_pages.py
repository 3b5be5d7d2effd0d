"""What pages of images and tasks are read by: indexes, and the account of a task."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_IMAGES = sa.table(
    "images", sa.column("image_id", sa.String), sa.column("account_key", sa.BigInteger)
)
_TASKS = sa.table(
    "tasks", sa.column("image_id", sa.String), sa.column("account_key", sa.BigInteger)
)
_INDEXES = {
    "images": (("account_key", "status", "created_at", "image_id"), ("created_at", "image_id")),
    "tasks": (("account_key", "created_at", "task_id"), ("created_at", "task_id")),
}


def upgrade() -> None:
    """Add them. The first index of images serves whatever the one that it replaces did."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("tasks", sa.Column("account_key", key, nullable=False, server_default="0"))
    owner = (
        sa.select(_IMAGES.c.account_key)
        .where(_IMAGES.c.image_id == _TASKS.c.image_id)
        .scalar_subquery()
    )
    op.execute(sa.update(_TASKS).values(account_key=owner))
    for table, indexes in _INDEXES.items():
        for columns in indexes:
            op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
    op.drop_index("ix_images_account_key_status", "images")


def downgrade() -> None:
    """Drop them."""
    op.create_index("ix_images_account_key_status", "images", ["account_key", "status"])
    for table, indexes in _INDEXES.items():
        for columns in indexes:
            op.drop_index(f"ix_{table}_{'_'.join(columns)}", table)
    op.drop_column("tasks", "account_key")
