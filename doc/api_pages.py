"""The text of the API reference: every operation of the OpenAPI document, as reStructuredText.

It says what the served document says: path, rule, parameters, body, answers, errors, and an example
of each body. An answer without an example in the document gets one made from its schema.
"""

import json
from collections.abc import Iterator
from typing import Any

from instance_images_api.schemas.base import ID, INSTANT

# Values of members, by their names, in an example that is made from a schema.
VALUES = {
    "account_id": "0f4c9d5be1f54c0c8a3f8a5a1d0c7b12",
    "account_name": "acme",
    "currency": "EUR",
    "hours_per_month": "730",
    "image_name": "production-web-server-v2",
    "location": "RegionOne",
    "locale": "en_US",
    "name": "production-web-server-v2",
    "partial_hour": "prorate",
    "period": "2026-11",
    "project_id": "0f4c9d5be1f54c0c8a3f8a5a1d0c7b12",
    "request_id": "req-2d6a4f5e-0c1b-4b7e-9f6e-3a1d5c7b9e02",
    "source_instance_name": "web-1",
    "stage": "image_uploading",
    "unit": "GB",
}
# Members that are null in such an example.
NULL = ("deleted_at", "error", "next_price", "next_price_from")
UUID = "5f6e2c1a-9c34-4c5e-9a53-0a4ad3c7f0a1"
# The members of these objects are many; the table of fields goes this deep.
DEEPEST = 3


def lines_of(openapi: dict[str, Any]) -> Iterator[str]:
    """Yield the page's reStructuredText."""
    tags: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            tags.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    for tag, operations in tags.items():
        yield from title(tag[0].upper() + tag[1:], "-")
        for method, path, operation in operations:
            yield from operation_lines(method, path, operation, openapi)


def operation_lines(
    method: str, path: str, operation: dict[str, Any], openapi: dict[str, Any]
) -> Iterator[str]:
    """Yield the section of an operation."""
    yield from ["", f".. _api-{operation['operationId'].lower()}:", ""]
    yield from title(f"{method} {path}", "~")
    yield from [operation["summary"], "", operation.get("description", ""), ""]
    parameters = operation.get("parameters", [])
    if parameters:
        yield from table(
            ("Parameter", "in", "type", "meaning"),
            [
                (f"``{one['name']}``", one["in"], type_of(one["schema"]), one["description"])
                for one in parameters
            ],
        )
    if "requestBody" in operation:
        yield from body_lines("Request", operation["requestBody"]["content"], openapi)
    rows = [
        (
            status,
            answer["description"],
            ", ".join(f"``{name}``" for name in answer.get("headers", {})),
        )
        for status, answer in sorted(operation["responses"].items())
    ]
    yield from table(("Status", "meaning", "headers"), rows)
    for status, answer in sorted(operation["responses"].items()):
        if status < "400" and "content" in answer:
            yield from body_lines(f"Answer {status}", answer["content"], openapi)


def body_lines(what: str, content: dict[str, Any], openapi: dict[str, Any]) -> Iterator[str]:
    """Yield the fields and an example of a body; other media types are named."""
    others = [kind for kind in content if kind != "application/json"]
    if others:
        yield from ["", f"{what}, also as " + ", ".join(f"``{kind}``" for kind in others) + ".", ""]
    if "application/json" not in content:
        return
    body = content["application/json"]
    schema = resolved(body["schema"], openapi)
    rows = list(field_rows(schema, openapi))
    if rows:
        yield from table((f"{what}: field", "type"), rows)
    example = body["example"] if "example" in body else example_of(schema, openapi)
    if rows and example is not None:
        yield from ["", ".. code-block:: json", ""]
        yield from (f"   {line}" for line in json.dumps(example, indent=2).splitlines())
        yield ""


def field_rows(
    schema: dict[str, Any], openapi: dict[str, Any], prefix: str = "", depth: int = 0
) -> Iterator[tuple[str, str]]:
    """Yield name and type of each member, those of objects inside as well."""
    required = schema.get("required", [])
    for name, found in schema.get("properties", {}).items():
        member = resolved(found, openapi)
        written = f"{prefix}{name}"
        optional = "" if name in required else ", optional"
        inner = resolved(member.get("items", member), openapi)
        if "properties" in inner and depth < DEEPEST:
            yield (
                f"``{written}``",
                f"{'array of objects' if 'items' in member else 'object'}{optional}",
            )
            dots = "[]." if "items" in member else "."
            yield from field_rows(inner, openapi, f"{written}{dots}", depth + 1)
        else:
            yield f"``{written}``", type_of(member) + optional


def type_of(schema: dict[str, Any]) -> str:
    """Return a schema in words."""
    if "anyOf" in schema:
        return " or ".join(type_of(one) for one in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(f"``{value}``" for value in schema["enum"])
    if "const" in schema:
        return f"``{schema['const']}``"
    kind = schema.get("type", "any value")
    if isinstance(kind, list):
        kind = " or ".join(kind)
    if schema.get("pattern") in (ID["pattern"], INSTANT["pattern"]):
        return "UUID" if schema["pattern"] == ID["pattern"] else "instant in UTC"
    if kind == "array":
        most = f", at most {schema['maxItems']}" if "maxItems" in schema else ""
        return f"array of {type_of(schema.get('items', {}))}{most}"
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None or high is not None:
        kind += f", {'' if low is None else low}..{'' if high is None else high}"
    low, high = schema.get("minLength"), schema.get("maxLength")
    if high is not None:
        kind += f", {low or 0}..{high} characters"
    return str(kind)


def resolved(schema: dict[str, Any], openapi: dict[str, Any]) -> dict[str, Any]:
    """Return what a reference names, or the schema itself."""
    if "$ref" not in schema:
        return schema
    found: Any = openapi
    for name in schema["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return dict(found)


def example_of(schema: dict[str, Any], openapi: dict[str, Any], name: str = "") -> Any:
    """Return a value that the schema allows; members without a better value are null or empty."""
    schema = resolved(schema, openapi)
    if "anyOf" in schema:
        return None if name in NULL else example_of(schema["anyOf"][0], openapi, name)
    if "example" in schema or "const" in schema:
        return schema.get("example", schema.get("const"))
    if "enum" in schema:
        usual = "available" if name == "status" else None
        return usual if usual in schema["enum"] else schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        members = schema.get("properties", {})
        return {
            key: example_of(members[key], openapi, key)
            for key in schema.get("required", members)
            if key in members
        }
    if kind == "array":
        return [example_of(schema.get("items", {}), openapi, name.removesuffix("s"))]
    if kind == "string":
        return text_example(schema, name)
    least = max(0, schema.get("minimum", 0))
    number = 400_000_000 if name.endswith("_bytes") else least
    return {"integer": number, "boolean": True, "number": 0}.get(str(kind))


def text_example(schema: dict[str, Any], name: str) -> str:
    """Return a text that the schema's pattern allows."""
    if name in VALUES:
        return VALUES[name]
    pattern = schema.get("pattern", "")
    if pattern == ID["pattern"] or name.endswith("_id"):
        return UUID
    if pattern == INSTANT["pattern"]:
        return "2026-12-01T08:15:00Z"
    if "{9}" in pattern:
        return "1.250000000"
    return "0.05" if "[0-9]" in pattern else "text"


def title(text: str, underline: str) -> list[str]:
    """Return a title."""
    return ["", text, underline * len(text), ""]


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    """Yield a table."""
    yield from ["", ".. list-table::", "   :header-rows: 1", ""]
    for row in (heads, *rows):
        for number, cell in enumerate(row):
            yield f"   {'* -' if number == 0 else '  -'} {cell}"
    yield ""
