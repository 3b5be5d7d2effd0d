"""schemathesis over the whole document: no fault of ours, and every answer as the document says."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS, load_all_checks

from instance_images_api.routes import ROUTES

from support.worlds.api_world import Office

pytestmark = pytest.mark.cloud

load_all_checks()
WANTED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
EXAMPLES = 4


@pytest.mark.parametrize("sender", ["reader", "member", "operator", None])
def test_no_request_gets_what_the_document_does_not_say(office: Office, sender: str | None) -> None:
    customers = office.customers
    projects = {"reader": customers.reader, "member": customers.member}
    token = None
    if sender is not None:
        project = projects.get(sender)
        token = office.token(project.cloud if project else "admin")
    schema = schemathesis.openapi.from_url(f"{office.api.url}/v1/openapi.json")
    checks = [CHECKS.get_one(name) for name in WANTED]
    seen: set[str] = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        seen.add(f"{operation.method.upper()} {operation.path}")

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def send(case: schemathesis.Case) -> None:
            headers = {"X-Auth-Token": token} if token else {}
            answer = case.call(base_url=office.api.url, headers=headers)
            case.validate_response(answer, checks=checks)

        send()
    expected = {f"{route.method} {route.path}" for route in ROUTES}
    assert seen == expected - {
        "GET /v1/openapi.json"
    }  # which schemathesis leaves out as its source
