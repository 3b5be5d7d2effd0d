"""Reasons of adjustments by code; rows of the billing job get theirs from their sentence."""

import re
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_LATE = re.compile(r"(available|changed|deleted|restored) at (\S+)Z, which became known at (\S+)Z")
_WAIVER_ENDED = "the waived charge was corrected since, and is not given back twice"
_ROWS_AT_ONCE = 1000

_adjustments = sa.table(
    "adjustments",
    sa.column("adjustment_key", sa.BigInteger),
    sa.column("kind", sa.String),
    sa.column("reason", sa.String),
    sa.column("reason_code", sa.String),
    sa.column("event_at", sa.BigInteger),
    sa.column("learned_at", sa.BigInteger),
)


def upgrade() -> None:
    """Add the columns, and fill them."""
    op.add_column("adjustments", sa.Column("reason_code", sa.String(32)))
    op.add_column("adjustments", sa.Column("event_at", sa.BigInteger))
    op.add_column("adjustments", sa.Column("learned_at", sa.BigInteger))
    connection, rows = op.get_bind(), _adjustments.c
    update = (
        sa.update(_adjustments)
        .where(rows.adjustment_key == sa.bindparam("key"))
        .values(
            reason_code=sa.bindparam("code"),
            event_at=sa.bindparam("event"),
            learned_at=sa.bindparam("learned"),
        )
    )
    last = 0
    while True:
        query = sa.select(rows.adjustment_key, rows.kind, rows.reason)
        query = query.where(rows.adjustment_key > last).order_by(rows.adjustment_key)
        found = connection.execute(query.limit(_ROWS_AT_ONCE)).all()
        if not found:
            return
        values = [_values(row) for row in found]
        coded = [value for value in values if value["code"]]
        if coded:
            connection.execute(update, coded)
        last = found[-1].adjustment_key


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("adjustments") as batch:
        for name in ("reason_code", "event_at", "learned_at"):
            batch.drop_column(name)


def _values(row: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "key": row.adjustment_key,
        "code": None,
        "event": None,
        "learned": None,
    }
    late = _LATE.fullmatch(row.reason) if row.kind == "late" else None
    if late is not None:
        values.update(code=late[1], event=_seconds(late[2]), learned=_seconds(late[3]))
    elif row.kind == "minimum":
        values["code"] = "minimum_corrected"
    elif row.kind == "hand" and row.reason == _WAIVER_ENDED:
        values["code"] = "waiver_ended"
    return values


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp())
