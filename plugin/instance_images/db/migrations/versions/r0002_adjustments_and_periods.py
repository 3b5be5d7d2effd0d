"""News of images, the ledger's history, adjustments, closings, closed periods and minimum charges.

What the ledger was made from so far becomes its history: what an image's record says of it.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_EXACT = sa.Numeric(38, 0).with_variant(sa.String(39), "sqlite")
_MYSQL: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
}


def upgrade() -> None:
    """Create the tables, and take over what is known."""
    op.add_column("rates", _zero("free_bytes"))
    op.add_column("rates", _zero("minimum_nanos"))
    op.add_column("intervals", _no("continues"))
    op.add_column("intervals", _no("is_continued"))
    _create_news()
    _create_history()
    _create_adjustments()
    _create_closings()
    _take_over()


def downgrade() -> None:
    """Drop them, with everything in them. What was not taken into the ledger yet is found again."""
    for table in (
        "ledger_locks",
        "minimum_charges",
        "closed_periods",
        "closings",
        "adjustments",
        "history",
        "news",
    ):
        op.drop_table(table)
    op.drop_column("intervals", "is_continued")
    op.drop_column("intervals", "continues")
    op.drop_column("rates", "minimum_nanos")
    op.drop_column("rates", "free_bytes")


def _zero(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")


def _no(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false())


def _create_news() -> None:
    op.create_table(
        "news",
        sa.Column("news_key", _KEY, nullable=False),
        sa.Column("image_id", sa.String(36), nullable=False),
        sa.Column("account_key", _KEY, nullable=False),
        sa.Column("event", sa.String(16), nullable=False),
        sa.Column("effective_at", sa.BigInteger, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("virtual_size_bytes", sa.BigInteger),
        sa.Column("learned_at", sa.BigInteger, nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("news_key", name="pk_news"),
        sqlite_autoincrement=True,
        **_MYSQL,
    )
    op.create_index("ix_news_account_key", "news", ["account_key"])


def _create_history() -> None:
    op.create_table(
        "history",
        sa.Column("history_key", _KEY, nullable=False),
        sa.Column("news_key", _KEY, nullable=False),
        sa.Column("image_id", sa.String(36), nullable=False),
        sa.Column("account_key", _KEY, nullable=False),
        sa.Column("event", sa.String(16), nullable=False),
        sa.Column("effective_at", sa.BigInteger, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("learned_at", sa.BigInteger, nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("history_key", name="pk_history"),
        sa.UniqueConstraint("news_key", name="uq_history_news_key"),
        **_MYSQL,
    )
    op.create_index("ix_history_image_id", "history", ["image_id"])


def _create_adjustments() -> None:
    op.create_table(
        "adjustments",
        sa.Column("adjustment_key", _KEY, nullable=False),
        sa.Column("account_key", _KEY, nullable=False),
        sa.Column("image_id", sa.String(36), nullable=False),
        sa.Column("corrects_at", sa.BigInteger, nullable=False),
        sa.Column("counted_at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("byte_seconds", _EXACT, nullable=False),
        sa.Column("amount_nanos", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(255), nullable=False),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("posted_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("adjustment_key", name="pk_adjustments"),
        **_MYSQL,
    )
    for columns in (["counted_at"], ["account_key", "corrects_at"], ["image_id"]):
        op.create_index(f"ix_adjustments_{'_'.join(columns)}", "adjustments", columns)


def _create_closings() -> None:
    op.create_table(
        "closings",
        sa.Column("location", sa.String(64), nullable=False),
        sa.Column("hour", sa.BigInteger, nullable=False),
        sa.Column("postings_count", sa.Integer, nullable=False),
        sa.Column("adjustments_count", sa.Integer, nullable=False),
        sa.Column("amount_nanos", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("closed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("location", "hour", name="pk_closings"),
        **_MYSQL,
    )
    op.create_table(
        "closed_periods",
        sa.Column("sequence", _KEY, nullable=False),
        sa.Column("name", sa.String(7), nullable=False),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.Column("closed_at", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_closed_periods"),
        sa.UniqueConstraint("name", name="uq_closed_periods_name"),
        **_MYSQL,
    )
    op.create_table(
        "minimum_charges",
        sa.Column("account_key", _KEY, autoincrement=False, nullable=False),
        sa.Column("period", sa.String(7), nullable=False),
        sa.Column("counted_at", sa.BigInteger, nullable=False),
        sa.Column("amount_nanos", sa.BigInteger, nullable=False),
        sa.Column("posted_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_key", "period", name="pk_minimum_charges"),
        **_MYSQL,
    )
    op.create_table(
        "ledger_locks",
        sa.Column("location", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("location", name="pk_ledger_locks"),
        **_MYSQL,
    )


# The history says of an image what it was posted by, so that no adjustment follows from the
# upgrade. What the billing job has not seen yet is news to it.
_NEWS = """
    INSERT INTO news (image_id, account_key, event, effective_at, size_bytes, virtual_size_bytes,
                      learned_at, source)
    SELECT m.image_id, m.account_key, '{event}', m.{instant}, m.size_bytes, m.virtual_size_bytes,
           m.{instant}, 'upgrade'
    FROM images m
    WHERE m.available_at IS NOT NULL AND m.{instant} IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM intervals i WHERE i.image_id = m.image_id {unless})
"""


def _take_over() -> None:
    columns = "image_id, account_key, event, effective_at, size_bytes, learned_at, source"
    # The numbers of pieces that never were news are negative: no news will ever have them.
    numbered = (
        "INSERT INTO history (news_key, {columns})"
        " SELECT -{base} - ROW_NUMBER() OVER (ORDER BY image_id), k.* FROM ({known}) k"
    )
    named = (
        "SELECT image_id, account_key, {event}, {at} AS effective_at, size_bytes,"
        " {at} AS learned_at, 'upgrade' AS source FROM intervals"
    )
    count = op.get_bind().scalar(sa.text("SELECT count(*) FROM intervals")) or 0
    begun = named.format(event="'available' AS event", at="starts_at")
    ended = named.format(event="'deleted' AS event", at="ends_at") + " WHERE ends_at IS NOT NULL"
    op.execute(numbered.format(columns=columns, base=0, known=begun))
    op.execute(numbered.format(columns=columns, base=count, known=ended))
    op.execute(_NEWS.format(event="available", instant="available_at", unless=""))
    op.execute(
        _NEWS.format(event="deleted", instant="deleted_at", unless="AND i.ends_at IS NOT NULL")
    )
