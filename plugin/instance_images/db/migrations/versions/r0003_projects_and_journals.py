"""The projects of images and tasks, where an image is from, the journal of a task's work.

Accounts learn whether they are projects or domains, and images which projects may use them.

So far an account was a project, and every image was captured by this product.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, and fill in what they have been so far."""
    op.add_column("accounts", sa.Column("domain_name", sa.String(255)))
    op.add_column("accounts", _text("scope", 16, "project"))
    op.add_column("images", _text("project_id", 64, ""))
    op.add_column("images", _text("origin", 16, "captured"))
    op.add_column("images", sa.Column("shared_with", sa.String(64)))
    op.add_column("tasks", _text("project_id", 64, ""))
    op.add_column("tasks", _text("journal", 4000, "{}"))
    op.add_column(
        "tasks", sa.Column("stage_began_at", sa.BigInteger, nullable=False, server_default="0")
    )
    op.add_column("readings", _text("adopt", 16, ""))
    op.add_column(
        "tasks", sa.Column("has_leftovers", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.execute(
        "UPDATE images SET project_id = (SELECT a.account_id FROM accounts a"
        " WHERE a.account_key = images.account_key)"
    )
    op.execute(
        "UPDATE tasks SET stage_began_at = updated_at, project_id = (SELECT i.project_id"
        " FROM images i WHERE i.image_id = tasks.image_id)"
    )
    op.create_index("ix_images_cloud_image_id", "images", ["cloud_image_id"], unique=True)
    op.create_index("ix_tasks_has_leftovers", "tasks", ["has_leftovers"])
    op.create_index("ix_tasks_kind_state_updated_at", "tasks", ["kind", "state", "updated_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_images_cloud_image_id", "images")
    op.drop_index("ix_tasks_has_leftovers", "tasks")
    op.drop_index("ix_tasks_kind_state_updated_at", "tasks")
    for column in ("has_leftovers", "stage_began_at", "journal", "project_id"):
        op.drop_column("tasks", column)
    for column in ("shared_with", "origin", "project_id"):
        op.drop_column("images", column)
    op.drop_column("readings", "adopt")
    for column in ("scope", "domain_name"):
        op.drop_column("accounts", column)


def _text(name: str, length: int, default: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, server_default=default)
