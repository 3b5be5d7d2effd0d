"""Limits."""

from instance_images_api.schemas.base import COUNT, LOCATION_NAME, TEXT, asked, record

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

SET = asked(
    "limit",
    ["max_images"],
    location=LOCATION_NAME,
    max_images={"type": "integer", "minimum": -1, "maximum": 1_000_000},
)
SET_EXAMPLE = {"limit": {"location": "RegionOne", "max_images": 25}}
