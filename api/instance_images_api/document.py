"""The OpenAPI 3.1 document, generated from the table of routes."""

from typing import Any

from instance_images_api.http.route import Parameter, Reply, Route
from instance_images_api.policies import check_of
from instance_images_api.routes import ROUTES
from instance_images_api.schemas.base import ERROR

TITLE = "Instance images"
VERSION = "1.0"

_ERRORS = {
    400: "A parameter or the request body is invalid, or the body names something that does not"
    " exist.",
    401: "There is no token, or no valid one.",
    403: "The role or the kind of token does not permit it; a limit is reached; the feature is not"
    " enabled.",
    404: "The caller's account has no such resource.",
    406: "There is no such media type.",
    409: "The state of a resource, or another service, does not permit it.",
    411: "The body has no Content-Length.",
    412: "The resource has changed.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "The idempotency key names another request.",
    429: "Too many requests were made: Retry-After says when to try again.",
    500: "A fault of the service.",
    503: "The cloud or the database does not answer, or the service is busy; nothing was started.",
}
_TEXT = {"type": "string"}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A name for this request, of 1 to 255 printable ASCII characters. The same"
    " request with the same key makes nothing more, and is answered with what it made.",
    "schema": {"type": "string", "pattern": "^[ -~]{1,255}$"},
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag that the resource must have.",
    "schema": {"type": "string"},
}


def document() -> dict[str, Any]:
    """Return the document."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": VERSION,
            "description": "Capture instances as images, deploy them, and read what they cost.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {"Error": ERROR},
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}
            },
        },
    }


def statuses_of(route: Route) -> list[int]:
    """Return the statuses of errors that the route may answer with."""
    found = {400, 413, 411, 500, *route.errors}
    if route.rule is not None:
        found |= {401, 403, 503}
    if any(one.place == "path" for one in route.parameters):
        found.add(404)
    if route.request_schema is not None:
        found.add(415)
    if route.takes_key:
        found.add(422)
    if route.takes_if_match:
        found.add(412)
    return sorted(found)


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": _permission(route),
        "tags": [route.tag],
        "security": [] if route.rule is None else [{"token": []}],
        "responses": {str(status): _response(reply) for status, reply in route.replies.items()}
        | {str(status): _error(status) for status in statuses_of(route)},
    }
    parameters = [_parameter(one) for one in route.parameters]
    parameters += [_KEY] * route.takes_key + [_IF_MATCH] * route.takes_if_match
    if parameters:
        operation["parameters"] = parameters
    if route.request_schema is not None:
        content: dict[str, Any] = {"schema": route.request_schema}
        if route.request_example is not None:
            content["example"] = route.request_example
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    return operation


def _permission(route: Route) -> str:
    if route.rule is None:
        return "No token is needed."
    told = f"Rule {route.rule.name}, by default: {check_of(route.rule)}."
    if route.wider_rule is not None:
        told += (
            f" Another account's, or all: rule {route.wider_rule.name}, by default:"
            f" {check_of(route.wider_rule)}."
        )
    return told


def _parameter(one: Parameter) -> dict[str, Any]:
    return {
        "name": one.name,
        "in": one.place,
        "required": one.is_required or one.place == "path",
        "description": one.description,
        "schema": one.schema,
    }


def _response(reply: Reply) -> dict[str, Any]:
    made: dict[str, Any] = {"description": reply.description}
    if reply.schema is not None:
        made["content"] = {
            kind: {"schema": reply.schema if kind == "application/json" else _TEXT}
            for kind in reply.media_types
        }
    if reply.headers:
        made["headers"] = {name: {"schema": {"type": "string"}} for name in reply.headers}
    return made


def _error(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": _ERRORS[status], "content": {"application/json": {"schema": schema}}}
