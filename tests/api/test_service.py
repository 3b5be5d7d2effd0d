"""The service itself: versions, health, log, and how it refuses."""

import re
from pathlib import Path
from typing import Any

import pytest

from support.worlds.api_world import Office

pytestmark = pytest.mark.cloud

REQUEST_ID = "req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def error_of(answer: Any) -> dict[str, Any]:
    """Return the error object, which names the request."""
    error: dict[str, Any] = answer.json()["error"]
    assert error["code"] == answer.status_code
    assert error["request_id"] == answer.headers["x-openstack-request-id"]
    return error


def test_versions_are_found_through_the_catalog_without_a_token(office: Office) -> None:
    with office.cloud.connection() as connection:
        session: Any = connection.session
        found = session.get_endpoint_data(service_type="instance-images", interface="public")

    assert found.url == f"{office.api.url}/v1"
    assert found.api_version == (1, 0)
    for path in ("/", "/v1"):
        (version,) = office.api("GET", path).json()["versions"]
        assert version["id"] == "v1.0"
        assert version["status"] == "CURRENT"


def test_document_is_served_once(office: Office) -> None:
    first = office.api("GET", "/v1/openapi.json")
    again = office.api("GET", "/v1/openapi.json", headers={"If-None-Match": first.headers["ETag"]})

    assert first.json()["openapi"].startswith("3.1")
    assert (again.status_code, again.content) == (304, b"")


def test_health_check_answers_for_the_database_and_not_for_the_cloud(office: Office) -> None:
    office.cloud.pause_service("keystone")
    try:
        healthy = office.api("GET", "/healthcheck")
    finally:
        office.cloud.resume_service("keystone")
    disabled = Path(office.cli.config_file).with_name("disabled")
    disabled.touch()
    off = office.api("GET", "/healthcheck")
    disabled.unlink()

    assert (healthy.status_code, off.status_code) == (200, 503)
    assert "sqlite" not in healthy.text + off.text


@pytest.mark.parametrize("path", ["/v1/", "//v1", "/v1/openapi.json/", "/v1/nothing", "/v2"])
@pytest.mark.parametrize("token", [None, "no token"])
def test_no_other_path_is_open_without_a_token(
    office: Office, path: str, token: str | None
) -> None:
    forged = {
        "X-Identity-Status": "Confirmed",
        "X-Project-Id": "0" * 32,
        "X-Roles": "admin,member,reader",
        "X-User-Id": "1" * 32,
    }

    answer = office.api("GET", path, token, headers=forged)

    assert (answer.status_code, answer.reason) == (401, "Unauthorized")
    assert "Keystone uri=" in answer.headers["WWW-Authenticate"]
    assert "requires authentication" in error_of(answer)["message"]


def test_unknown_path_and_method_are_told_to_whoever_has_a_token(office: Office) -> None:
    token = office.token()

    unknown = office.api("GET", "/v1/nothing", token)
    method = office.api("DELETE", "/v1", token)

    assert (unknown.status_code, error_of(unknown)["reason"]) == (404, "not_found")
    assert (method.status_code, method.headers["Allow"]) == (405, "GET, OPTIONS")
    assert error_of(method)["title"] == "Method Not Allowed"


def test_body_that_is_too_large_or_has_no_length_is_not_read(office: Office) -> None:
    alone = {"Connection": "close"}  # the rest of the body is on its way, and is not for the next

    large = office.api("POST", "/v1/images", data=b" " * (112 * 1024 + 1), headers=alone)
    pieces = office.api("POST", "/v1/images", data=iter([b"{}"]), headers=alone)

    assert (large.status_code, pieces.status_code) == (413, 411)
    assert error_of(large)["message"] == "The body has more than 114688 bytes."
    assert error_of(pieces)["reason"] == "usage"


def test_keystone_that_fails_is_told_as_such(office: Office) -> None:
    office.cloud.fault("keystone", "GET", "/v3/auth/tokens", 503, count=None)

    answer = office.api("GET", "/v1/nothing", "a token that nobody has seen")

    assert answer.status_code == 503
    assert error_of(answer)["reason"] == "cloud_unavailable"
    assert answer.headers["Retry-After"]


def test_log_has_one_line_per_request_and_no_token(office: Office) -> None:
    token = office.token()

    answer = office.api("GET", "/v1?limit=1", token)

    request_id = answer.headers["x-openstack-request-id"]
    (line,) = (one for one in office.api.log.splitlines() if request_id in one)
    assert re.search(f"request_id={REQUEST_ID} .* GET /v1 400 [0-9]+ ms", line)
    assert token not in office.api.log


def test_answers_are_not_kept_and_not_guessed_at(office: Office) -> None:
    for answer in (office.api("GET", "/"), office.api("GET", "/v1/nothing")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
