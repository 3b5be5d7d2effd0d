"""The tables of budgets and of their notices.

A budget is never changed: a new row takes the place of the one before, so that the report of a
month that has ended goes on naming the budget of that month. Amounts are nanos.
"""

import sqlalchemy as sa

from instance_images.db.exact import ExactInteger
from instance_images.db.tables import Instant, Key, Words

METADATA = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

MAX_ADDRESSES_CHARACTERS = 1000
MAX_URL_CHARACTERS = 1000

# The newest row of an account and currency counts. ``amount_nanos`` is NULL where the budget was
# removed. ``thresholds`` are whole percents and ``mail_to`` are addresses, separated by commas.
budgets = sa.Table(
    "budgets",
    METADATA,
    sa.Column("budget_key", Key, primary_key=True),
    sa.Column("account_id", sa.String(64), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("amount_nanos", ExactInteger),
    sa.Column("thresholds", sa.String(64), nullable=False),
    sa.Column("mail_to", sa.String(MAX_ADDRESSES_CHARACTERS), nullable=False),
    sa.Column("webhook_url", sa.String(MAX_URL_CHARACTERS), nullable=False),
    sa.Column("locale", sa.String(32), nullable=False),
    sa.Column("set_at", Instant, nullable=False),
    sa.Index(None, "account_id", "currency"),
)

# A threshold that was reached, with the figures of that moment, and how far its delivery by one
# channel (``mail``, ``webhook``, or ``none``) is. ``occurrence`` is more than 0 where the threshold
# was reached again after a raised budget had put it out of reach: then the notices before have
# ``lapsed_at``. ``notice_id`` is the same in each attempt of a delivery.
budget_notices = sa.Table(
    "budget_notices",
    METADATA,
    sa.Column("notice_key", Key, primary_key=True),
    sa.Column("notice_id", sa.String(36), nullable=False),
    sa.Column("account_id", sa.String(64), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("period", sa.String(7), nullable=False),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("threshold", sa.Integer, nullable=False),
    sa.Column("occurrence", sa.Integer, nullable=False),
    sa.Column("channel", sa.String(8), nullable=False),
    sa.Column("amount_nanos", ExactInteger, nullable=False),
    sa.Column("charged_nanos", ExactInteger, nullable=False),
    sa.Column("forecast_nanos", ExactInteger),
    sa.Column("metered_until", Instant),
    sa.Column("reached_at", Instant, nullable=False),
    sa.Column("lapsed_at", Instant),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", Instant),
    sa.Column("sent_at", Instant),
    sa.Column("error", Words),
    sa.UniqueConstraint("notice_id"),
    sa.UniqueConstraint(
        "account_id", "currency", "period", "kind", "threshold", "occurrence", "channel"
    ),
    sa.Index(None, "period"),
    sa.Index(None, "state", "due_at"),
)
