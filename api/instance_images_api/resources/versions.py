"""The versions of the API, and its document."""

import hashlib
import json
from functools import cache

from instance_images_api.http.route import Answer, Call

# Members are only ever added: the newest entry tells a client what to expect.
_VERSIONS = (("v1.0", "2026-12-01T00:00:00Z"),)


def list_versions(call: Call) -> Answer:
    """Return the versions, with where each is."""
    href = f"{call.base_url}/v1"
    return Answer(
        200,
        {
            "versions": [
                {
                    "id": name,
                    "status": "CURRENT" if number == len(_VERSIONS) - 1 else "SUPPORTED",
                    "updated": updated,
                    "links": [{"rel": "self", "href": href}],
                }
                for number, (name, updated) in enumerate(_VERSIONS)
            ]
        },
    )


def get_document(call: Call) -> Answer:
    """Return the OpenAPI document; 304 where the caller has it already."""
    content, etag = _document()
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if etag in call.headers.get("If-None-Match", ""):
        return Answer(304, headers=headers)
    return Answer(200, content, headers)


@cache
def _document() -> tuple[bytes, str]:
    from instance_images_api.document import document

    content = json.dumps(document(), indent=1, sort_keys=True).encode()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'
