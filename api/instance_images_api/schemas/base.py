"""Schemas that several nouns share."""

from typing import Any

from instance_images_api.http.route import Parameter

ID: dict[str, Any] = {
    "type": "string",
    "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
}
PROJECT_ID: dict[str, Any] = {"type": "string", "pattern": "^[0-9A-Za-z_-]{1,64}$"}
INSTANT: dict[str, Any] = {"type": "string", "pattern": "^[0-9]{4}-[0-9-]{5}T[0-9:]{8}Z$"}
TEXT: dict[str, Any] = {"type": "string"}
COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
NAME: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 255}
LOCATION_NAME: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 64}

ERROR: dict[str, Any] = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "integer"},
                "title": TEXT,
                "reason": TEXT,
                "message": TEXT,
                "request_id": TEXT,
                "held": COUNT,
                "max_images": {"type": "integer"},
            },
            "required": ["code", "title", "message", "request_id"],
            "additionalProperties": False,
        }
    },
    "required": ["error"],
    "additionalProperties": False,
}

LOCATION = Parameter(
    "location", LOCATION_NAME, "Name of the location. Unset: all, or the only one."
)


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a value that may be null."""
    return {"anyOf": [schema, {"type": "null"}]}


def record(**members: Any) -> dict[str, Any]:
    """Return the schema of an object that has all of these members, and no others."""
    return {
        "type": "object",
        "properties": members,
        "required": list(members),
        "additionalProperties": False,
    }


def listed(name: str, item: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a page of a list, with the link to the next one if there is one."""
    link = record(rel={"const": "next"}, href=TEXT)
    return {
        "type": "object",
        "properties": {
            name: {"type": "array", "items": item},
            f"{name}_links": {"type": "array", "items": link},
        },
        "required": [name],
        "additionalProperties": False,
    }


def asked(noun: str, required: list[str], **members: Any) -> dict[str, Any]:
    """Return the schema of a body: an object under its name, of whose members some are required."""
    return record(
        **{
            noun: {
                "type": "object",
                "properties": members,
                "required": required,
                "additionalProperties": False,
            }
        }
    )
