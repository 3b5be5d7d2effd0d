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

DEFAULT_LIMIT = record(
    location=TEXT,
    max_images={"type": "integer", "minimum": -1},
    source={"enum": ["keystone", "operator", "location", "default"]},
)
ONE_DEFAULT = record(default_limit=DEFAULT_LIMIT)
DEFAULT_LIMITS = record(default_limits={"type": "array", "items": DEFAULT_LIMIT})

SET = asked(
    "limit",
    ["max_images"],
    location=LOCATION_NAME,
    max_images={"type": "integer", "minimum": -1, "maximum": 1_000_000},
)
SET_EXAMPLE = {"limit": {"location": "RegionOne", "max_images": 25}}

SET_DEFAULT = asked(
    "default_limit",
    ["max_images"],
    max_images={"type": "integer", "minimum": -1, "maximum": 1_000_000},
)
SET_DEFAULT_EXAMPLE = {"default_limit": {"max_images": 10}}
