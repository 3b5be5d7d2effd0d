"""The network service of a cloud that has no networks.

Nova 34 asks Neutron for ports whenever a server is shown, listed with details or deleted, also
for servers booted with networks='none'. This stand-in for Neutron answers every list with an
empty list; nothing can be created (403).
"""

import json
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from minicloud.runtime import Runtime

COLLECTIONS = frozenset(
    [
        "extensions",
        "ports",
        "networks",
        "subnets",
        "security-groups",
        "security-group-rules",
        "floatingips",
        "routers",
        "agents",
        "subnetpools",
        "trunks",
        "network-ip-availabilities",
        "address-scopes",
        "qos/policies",
    ]
)


def start(runtime: Runtime) -> None:
    """Serve the empty network API."""
    runtime.serve(application)


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request."""
    path = environ.get("PATH_INFO", "/").rstrip("/").removesuffix(".json")
    root = f"http://{environ.get('HTTP_HOST', '127.0.0.1')}"
    status, body = answer(environ["REQUEST_METHOD"], path, root)
    content = json.dumps(body).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
    start_response(status, headers)
    return [content]


def answer(method: str, path: str, root: str) -> tuple[str, dict[str, Any]]:
    """Decide the status line and the JSON document for a request."""
    name = path.removeprefix("/v2.0").strip("/")
    if path == "":
        links = [{"rel": "self", "href": f"{root}/v2.0/"}]
        return "200 OK", {"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]}
    if name == "":
        return "200 OK", {"resources": []}
    if method == "GET" and name in COLLECTIONS:
        return "200 OK", {name.rpartition("/")[2].replace("-", "_"): []}
    if method == "GET":
        return "404 Not Found", refusal("NotFound")
    return "403 Forbidden", refusal("Forbidden")


def refusal(kind: str) -> dict[str, Any]:
    """Return an error as Neutron words it."""
    return {"NeutronError": {"type": kind, "message": "this cloud has no networks", "detail": ""}}
