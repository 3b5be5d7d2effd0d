"""The table of routes: path, method, handler, rule of the policy, schemas.

The router, the OpenAPI document, the rules of the policy and the test of completeness are generated
from it.
"""

from instance_images_api.http.route import Reply, Route
from instance_images_api.resources import versions
from instance_images_api.schemas import versions as version_schemas

_VERSIONS = {200: Reply("The versions.", version_schemas.VERSIONS)}

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/",
        handler=versions.list_versions,
        name="listVersionsOfService",
        summary="List the versions of the API.",
        tag="versions",
        rule=None,
        replies=_VERSIONS,
    ),
    Route(
        method="GET",
        path="/v1",
        handler=versions.list_versions,
        name="listVersions",
        summary="List the versions of the API.",
        tag="versions",
        rule=None,
        replies=_VERSIONS,
    ),
    Route(
        method="GET",
        path="/v1/openapi.json",
        handler=versions.get_document,
        name="getDocument",
        summary="Show this document.",
        tag="versions",
        rule=None,
        replies={
            200: Reply("The document.", version_schemas.DOCUMENT, headers=("ETag",)),
            304: Reply("The caller has it already."),
        },
    ),
)
