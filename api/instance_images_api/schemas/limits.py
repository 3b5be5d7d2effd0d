"""Limits."""

from instance_images_api.schemas.base import COUNT, TEXT, record

LIMIT = record(
    account_id=TEXT,
    account_name=TEXT,
    location=TEXT,
    max_images={"type": "integer", "minimum": -1},
    source={"enum": ["account", "keystone", "location", "default"]},
    held=COUNT,
)
ONE = record(limit=LIMIT)
LIMITS = record(limits={"type": "array", "items": LIMIT})
