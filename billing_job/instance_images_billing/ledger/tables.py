"""The ledger's tables. Nothing in them is ever changed once its hour is closed.

``history`` is the truth as far as it is known; ``intervals`` is what hours are posted by. They
differ where something became known after its hour had been closed: that part is in
``adjustments``.

Amounts are nanos (10^-9 of the currency's unit). They and ``byte_seconds`` of a large account's
hour do not fit into 64 bits, so they have a type of their own.
"""

import sqlalchemy as sa

from instance_images.db.exact import ExactInteger
from instance_images.db.row_counters import NUMBERS_OF
from instance_images.db.tables import Instant, Key

METADATA = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# Once a rate's first hour has begun it never changes. It carries all terms of its price, so that
# a posting can be computed again after the configuration has changed.
rates = sa.Table(
    "rates",
    METADATA,
    sa.Column("location", sa.String(64), primary_key=True),
    sa.Column("from_hour", Instant, primary_key=True),
    sa.Column("price_nanos", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("unit", sa.String(3), nullable=False),
    sa.Column("hours_per_month", sa.String(8), nullable=False),
    sa.Column("partial_hour", sa.String(8), nullable=False),
    sa.Column("set_at", Instant, nullable=False),
    sa.Column("free_bytes", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("minimum_nanos", sa.BigInteger, nullable=False, server_default="0"),
)

# What became known of images, in the order in which it came into the ledger; only ever added to.
# ``size_bytes`` is the billable size. ``news_key`` makes it impossible to take a piece in twice.
history = sa.Table(
    "history",
    METADATA,
    sa.Column("history_key", Key, primary_key=True),
    sa.Column("news_key", Key, nullable=False, info={NUMBERS_OF: "news"}),
    sa.Column("image_id", sa.String(36), nullable=False),
    sa.Column("account_key", Key, nullable=False),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("effective_at", Instant, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("learned_at", Instant, nullable=False),
    sa.Column("source", sa.String(16), nullable=False),
    sa.UniqueConstraint("news_key"),
    sa.Index(None, "image_id"),
)

# Where an image was split, because its size or account changed, one interval continues another:
# there is no first or last hour to round up at such an edge.
intervals = sa.Table(
    "intervals",
    METADATA,
    sa.Column("image_id", sa.String(36), primary_key=True),
    sa.Column("starts_at", Instant, primary_key=True),
    sa.Column("ends_at", Instant),
    sa.Column("account_key", Key, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("continues", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("is_continued", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index(None, "account_key"),
    sa.Index(None, "ends_at"),
)

# ``byte_seconds`` is all that was used; the allowance is taken off in the amount.
# ``starts_at`` is the start of the hour, or the edge of a period that falls inside an hour.
postings = sa.Table(
    "postings",
    METADATA,
    sa.Column("account_key", Key, primary_key=True, autoincrement=False),
    sa.Column("starts_at", Instant, primary_key=True),
    sa.Column("byte_seconds", ExactInteger, nullable=False),
    sa.Column("amount_nanos", ExactInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Every hour before ``hour`` is closed for the location.
watermarks = sa.Table(
    "watermarks",
    METADATA,
    sa.Column("location", sa.String(64), primary_key=True),
    sa.Column("hour", Instant, nullable=False),
)

# A correction of the slice of an hour that starts at ``corrects_at``, counted in the hour
# ``counted_at``, which was the location's first open one when it was posted. ``kind`` is ``late``
# where it follows from the history, ``hand`` where somebody decided it, ``minimum`` where a minimum
# charge of a closed period has become another one; that is about no image. ``reverses`` is the key
# of the decision that the row takes back, all of it or a part.
adjustments = sa.Table(
    "adjustments",
    METADATA,
    sa.Column("adjustment_key", Key, primary_key=True),
    sa.Column("account_key", Key, nullable=False),
    sa.Column("image_id", sa.String(36), nullable=False),
    sa.Column("corrects_at", Instant, nullable=False),
    sa.Column("counted_at", Instant, nullable=False),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("byte_seconds", ExactInteger, nullable=False),
    sa.Column("amount_nanos", ExactInteger, nullable=False),
    sa.Column("reason", sa.String(255), nullable=False),
    sa.Column("author", sa.String(64), nullable=False),
    sa.Column("posted_at", Instant, nullable=False),
    sa.Column("reverses", Key),
    # What the reason says, for reports in other languages; none where somebody decided.
    sa.Column("reason_code", sa.String(32)),
    sa.Column("event_at", Instant),
    sa.Column("learned_at", Instant),
    sa.Index(None, "counted_at"),
    sa.Index(None, "account_key", "corrects_at"),
    sa.Index(None, "image_id"),
)

# One row per closed hour: a digest of its postings, of the adjustments counted in it, of its rate
# and of the row before.
closings = sa.Table(
    "closings",
    METADATA,
    sa.Column("location", sa.String(64), primary_key=True),
    sa.Column("hour", Instant, primary_key=True),
    sa.Column("postings_count", sa.Integer, nullable=False),
    sa.Column("adjustments_count", sa.Integer, nullable=False),
    sa.Column("amount_nanos", ExactInteger, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("closed_at", Instant, nullable=False),
)

# Its digest chains the closed periods in the order in which they were closed. ``minimum_rule`` is
# the rule that its minimum charges follow, also where they are computed again.
closed_periods = sa.Table(
    "closed_periods",
    METADATA,
    sa.Column("sequence", Key, primary_key=True),
    sa.Column("name", sa.String(7), nullable=False),
    sa.Column("starts_at", Instant, nullable=False),
    sa.Column("ends_at", Instant, nullable=False),
    sa.Column("closed_at", Instant, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("minimum_rule", sa.Integer, nullable=False, server_default="1"),
    sa.UniqueConstraint("name"),
)

# What an account was charged on top, when its period was closed, to reach the minimum charge.
minimum_charges = sa.Table(
    "minimum_charges",
    METADATA,
    sa.Column("account_key", Key, primary_key=True, autoincrement=False),
    sa.Column("period", sa.String(7), primary_key=True),
    sa.Column("counted_at", Instant, nullable=False),
    sa.Column("amount_nanos", ExactInteger, nullable=False),
    sa.Column("posted_at", Instant, nullable=False),
)

# Its row is locked by whoever writes in the location's ledger. A lock is a write, as in accounts.
ledger_locks = sa.Table(
    "ledger_locks",
    METADATA,
    sa.Column("location", sa.String(64), primary_key=True),
    sa.Column("lock_version", sa.BigInteger, nullable=False, server_default="0"),
)
