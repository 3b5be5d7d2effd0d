"""Scaling groups."""

from instance_images_api.schemas.base import (
    COUNT,
    ID,
    LOCATION_NAME,
    NAME,
    TEXT,
    asked,
    nullable,
    record,
)

MEMBER = record(server_id=TEXT, name=TEXT, status=TEXT, cloud_image_id=nullable(TEXT))
GROUP = {
    **record(
        id=TEXT,
        name=TEXT,
        group=TEXT,
        project_id=TEXT,
        status={"enum": ["ready", "changing", "failed"]},
        reason=TEXT,
        cloud_image_id=nullable(TEXT),
        flavor=nullable(TEXT),
        min_size=nullable(COUNT),
        max_size=nullable(COUNT),
        size=COUNT,
        keeps_members={"type": "boolean"},
        fault=nullable(TEXT),
        members={"type": "array", "items": MEMBER},
        project_name=TEXT,
    )
}
ONE = record(scaling_group=GROUP)
GROUPS = record(scaling_groups={"type": "array", "items": GROUP})
_SIZE = {"type": "integer", "minimum": 0, "maximum": 10_000}
_NAMES = {"type": "array", "maxItems": 20, "items": NAME}
CREATE = asked(
    "scaling_group",
    ["name", "image_id", "flavor"],
    name=NAME,
    image_id=ID,
    flavor=NAME,
    min_size=_SIZE,
    max_size={**_SIZE, "minimum": 1},
    desired_size=_SIZE,
    cooldown_seconds={"type": "integer", "minimum": 0, "maximum": 86_400},
    networks=_NAMES,
    key_name=NAME,
    security_groups=_NAMES,
    location=LOCATION_NAME,
)
CREATE_EXAMPLE = {
    "scaling_group": {
        "name": "web",
        "image_id": "5f6e2c1a-9c34-4c5e-9a53-0a4ad3c7f0a1",
        "flavor": "m1.small",
        "max_size": 5,
    }
}
SET_IMAGE = {
    "type": "object",
    "properties": {
        "image_id": ID,
        "replace": {"type": "boolean"},
        "batch_size": {"type": "integer", "minimum": 1, "maximum": 10_000},
        "pause_seconds": {"type": "integer", "minimum": 0, "maximum": 3600},
        "group": NAME,
    },
    "required": ["image_id"],
    "additionalProperties": False,
}
SET_IMAGE_EXAMPLE = {"image_id": "5f6e2c1a-9c34-4c5e-9a53-0a4ad3c7f0a1", "replace": True}
