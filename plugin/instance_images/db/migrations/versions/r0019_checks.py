"""When each task is looked at next, and which worker is at it."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_tasks = sa.table(
    "tasks",
    sa.column("state", sa.String),
    sa.column("has_leftovers", sa.Boolean),
    sa.column("next_look_at", sa.BigInteger),
    sa.column("look_at", sa.BigInteger),
)
_UNFINISHED = ("pending", "running")


def upgrade() -> None:
    """Add the columns; what is unfinished is due now, leftovers when they were to be looked at."""
    op.add_column("tasks", sa.Column("look_at", sa.BigInteger()))
    op.add_column("tasks", sa.Column("claimed_until", sa.BigInteger()))
    op.add_column("tasks", sa.Column("claimed_by", sa.String(64)))
    rows, now = _tasks.c, int(time.time())
    connection = op.get_bind()
    connection.execute(
        sa.update(_tasks)
        .where(rows.state.not_in(_UNFINISHED), rows.has_leftovers.is_(True))
        .values(look_at=sa.func.coalesce(rows.next_look_at, now))
    )
    connection.execute(sa.update(_tasks).where(rows.state.in_(_UNFINISHED)).values(look_at=now))
    op.drop_column("tasks", "next_look_at")
    op.create_index("ix_tasks_look_at", "tasks", ["look_at"])


def downgrade() -> None:
    """Drop them; leftovers keep their next look."""
    op.add_column("tasks", sa.Column("next_look_at", sa.BigInteger()))
    rows = _tasks.c
    op.get_bind().execute(
        sa.update(_tasks)
        .where(rows.state.not_in(_UNFINISHED), rows.has_leftovers.is_(True))
        .values(next_look_at=rows.look_at)
    )
    op.drop_index("ix_tasks_look_at", "tasks")
    for name in ("look_at", "claimed_until", "claimed_by"):
        op.drop_column("tasks", name)
