"""The versions of the API."""

from instance_images_api.schemas.base import INSTANT, TEXT, record

VERSIONS = record(
    versions={
        "type": "array",
        "items": record(
            id=TEXT,
            status={"enum": ["CURRENT", "SUPPORTED"]},
            updated=INSTANT,
            links={"type": "array", "items": record(rel=TEXT, href=TEXT)},
        ),
    }
)
DOCUMENT = {"type": "object", "required": ["openapi", "info", "paths"]}
