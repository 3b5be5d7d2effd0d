"""The table of routes is complete, and what is generated from it is valid."""

from typing import Any

import pytest
from openapi_spec_validator import validate
from oslo_policy import policy

from instance_images.views import records
from instance_images.views.fields import View
from instance_images_api.document import document
from instance_images_api.http.reading import fault_of
from instance_images_api.http.route import Role, Route
from instance_images_api.policies import CHECKS, list_rules
from instance_images_api.routes import ROUTES
from instance_images_api.schemas import images, limits, locations, reports, scaling_groups, tasks
from instance_images_api.schemas.base import ID, PROJECT_ID
from instance_images_billing import views as billing_views

PUBLIC = {"/", "/v1", "/v1/openapi.json"}

every_route = pytest.mark.parametrize(
    "route", ROUTES, ids=[f"{route.method} {route.path}" for route in ROUTES]
)


def test_the_document_is_valid() -> None:
    validate(document())  # type: ignore[arg-type]


def test_no_two_routes_are_the_same_one() -> None:
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)
    assert len({route.name for route in ROUTES}) == len(ROUTES)


@every_route
def test_every_route_says_who_may_use_it_and_what_goes_in_and_out(route: Route) -> None:
    in_path = {part[1:-1] for part in route.path.split("/") if part.startswith("{")}

    assert route.summary.endswith(".")
    assert (route.rule is None) == (route.path in PUBLIC)
    assert in_path == {one.name for one in route.parameters if one.place == "path"}
    assert all(reply.schema for status, reply in route.replies.items() if status not in (204, 304))
    assert all(one.description.endswith(".") for one in route.parameters)
    if route.request_schema is not None:
        assert fault_of(route.request_schema, route.request_example) is None
        assert route.method in ("POST", "PUT")
    if any(one.name == "all_accounts" for one in route.parameters):
        assert route.wider_rule is not None
        assert route.wider_rule.role is Role.ADMIN


@every_route
def test_every_object_of_a_request_refuses_unknown_members(route: Route) -> None:
    def objects(schema: object) -> list[dict[str, object]]:
        if isinstance(schema, list):
            return [found for one in schema for found in objects(one)]
        if not isinstance(schema, dict):
            return []
        own = [schema] if schema.get("type") == "object" else []
        return own + [found for one in schema.values() for found in objects(one)]

    assert all(one.get("additionalProperties") is False for one in objects(route.request_schema))


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (ID, "5f6e2c1a-9c34-4c5e-9a53-0a4ad3c7f0a1"),
        (PROJECT_ID, "0" * 32),
        (reports.PERIOD, "2026-11"),
        (locations.RATE_SET["properties"]["rate"]["properties"]["price"], "0.05"),
    ],
)
def test_a_newline_at_the_end_of_a_text_matches_no_pattern(
    schema: dict[str, Any], value: str
) -> None:
    assert fault_of(schema, value) is None
    assert "does not match" in (fault_of(schema, value + "\n") or "")


@pytest.mark.parametrize(
    ("schema", "view"),
    [
        (images.IMAGE, records.IMAGE),
        (tasks.TASK, records.TASK),
        (limits.LIMIT, records.LIMIT),
        (locations.CHOICE, records.CHOICE),
        (locations.LOCATION, billing_views.OFFER),
        (locations.RATE, billing_views.RATE),
        (locations.ESTIMATE, billing_views.ESTIMATE),
        (scaling_groups.GROUP, records.SCALING_GROUP),
    ],
)
def test_answers_have_the_fields_that_the_command_line_prints(
    schema: dict[str, Any], view: View
) -> None:
    assert schema["properties"].keys() == {name for name, _ in view.fields}


def test_every_rule_has_a_default_that_names_no_other_role() -> None:
    rules = {rule.name: rule for rule in list_rules()}

    assert {route.rule.name for route in ROUTES if route.rule} <= rules.keys()
    for rule in rules.values():
        assert isinstance(rule, policy.DocumentedRuleDefault)
        takes_domain = " or (role:" in rule.check_str
        assert (rule.check_str in CHECKS.values()) is not takes_domain
        assert "admin" not in rule.check_str or rule.check_str == "role:admin"
        assert rule.scope_types == ["project", *["domain"] * takes_domain]
