"""The tables of mailed reports: each account's addresses, and what was sent to them.

They are the product's own, and no property of a Keystone project: a domain's manager may set
properties of projects, and would decide where bills go.
"""

import sqlalchemy as sa

from instance_images.db.tables import MAX_CLOUD_ID_CHARACTERS, Instant, Words

METADATA = sa.MetaData(naming_convention={"pk": "pk_%(table_name)s"})

MAX_ADDRESS_CHARACTERS = 254  # of a path in SMTP, RFC 5321 4.5.3.1.3

# Where an account's reports go: an account has a row for each of its addresses.
report_addresses = sa.Table(
    "report_addresses",
    METADATA,
    sa.Column("account_id", sa.String(MAX_CLOUD_ID_CHARACTERS), primary_key=True),
    sa.Column("address", sa.String(MAX_ADDRESS_CHARACTERS), primary_key=True),
    sa.Column("format", sa.String(8), nullable=False),
    sa.Column("locale", sa.String(32), nullable=False),
    sa.Column("set_at", Instant, nullable=False),
)

# A report that was, or is being, mailed to an address. ``revision`` is ``closed``, or ``open`` for
# one of a month that is not closed; ``number`` counts what was sent again on purpose, from 1 on.
# ``state`` is ``pending``, ``sent`` or ``failed``. Who mails it holds a claim meanwhile.
report_deliveries = sa.Table(
    "report_deliveries",
    METADATA,
    sa.Column("period", sa.String(7), primary_key=True),
    sa.Column("account_id", sa.String(MAX_CLOUD_ID_CHARACTERS), primary_key=True),
    sa.Column("currency", sa.String(3), primary_key=True),
    sa.Column("address", sa.String(MAX_ADDRESS_CHARACTERS), primary_key=True),
    sa.Column("revision", sa.String(8), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("format", sa.String(8), nullable=False),
    sa.Column("total", sa.String(40), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("message_id", sa.String(320), nullable=False),
    sa.Column("attempted_at", Instant, nullable=False),
    sa.Column("sent_at", Instant),
    sa.Column("answer", Words),
    sa.Column("claimed_by", sa.String(255)),
    sa.Column("claimed_until", Instant),
)
