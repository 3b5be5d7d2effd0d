"""Amounts of more than 64 bits: an hour of very large images may cost more nanos than that."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_EXACT = sa.Numeric(38, 0).with_variant(sa.String(39), "sqlite")
_TABLES = ("postings", "adjustments", "closings", "minimum_charges")


def upgrade() -> None:
    """Give the amounts the type of ``byte_seconds``: their digits stay the same."""
    _change(sa.BigInteger(), _EXACT)


def downgrade() -> None:
    """Go back to 64 bits. An amount that does not fit ends it, and nothing is changed."""
    _change(_EXACT, sa.BigInteger())


def _change(before: Any, after: Any) -> None:
    for name in _TABLES:
        # SQLite makes a new table, and would forget that this one has no row numbers.
        options = {"sqlite_with_rowid": False} if name == "postings" else {}
        with op.batch_alter_table(name, table_kwargs=options) as table:
            table.alter_column(
                "amount_nanos", type_=after, existing_type=before, existing_nullable=False
            )
