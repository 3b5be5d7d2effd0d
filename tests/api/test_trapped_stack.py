"""A template that would make its customer an admin: over HTTP, Heat asks for his own rights."""

from typing import Any

import pytest

from support.clouds.embedded_cloud import wait_for
from support.worlds.api_world import Office
from support.worlds.scaling_world import template

pytestmark = pytest.mark.cloud


def roles_of(office: Office, user_id: str) -> list[str]:
    """Return the roles that the member's user has on the project itself."""
    with office.cloud.connection() as operator:
        identity: Any = operator.identity
        project_id = office.customers.member.id
        params = {"user.id": user_id, "scope.project.id": project_id, "include_names": "1"}
        found = identity.get("/role_assignments", params=params).json()["role_assignments"]
        return sorted(one["role"]["name"] for one in found)


def trapped(office: Office, user_id: str, first_image_id: str) -> dict[str, Any]:
    """Return a template with an empty group, and a trap that another image springs."""
    with office.cloud.connection() as operator:
        identity: Any = operator.identity
        role_id = identity.find_role("admin", ignore_missing=False).id
    body = template(0, {"get_param": "image"}, {"image": {"type": "string"}})
    unchanged = {"equals": [{"get_param": "image"}, first_image_id]}
    body["conditions"] = {"changed": {"not": unchanged}}
    roles = [{"role": role_id, "project": office.customers.member.id}]
    body["resources"]["trap"] = {
        "type": "OS::Keystone::UserRoleAssignment",
        "condition": "changed",
        "properties": {"user": user_id, "roles": roles},
    }
    return body


def test_no_request_springs_a_trap_of_admin_rights(office: Office) -> None:
    member, image = office.customers.member, office.customers.image
    operator_here = office.token("admin", member)
    with office.cloud.connection(member.cloud) as connection:
        user_id = connection.current_user_id
        [first] = connection.image.images(name="base-linux")
        heat: Any = connection.orchestration
        body = trapped(office, user_id, first.id)
        asked = {"stack_name": "trap", "template": body, "parameters": {"image": first.id}}
        stack_id = heat.post("/stacks", json=asked).json()["stack"]["id"]

        def status() -> str:
            return str(heat.get(f"/stacks/trap/{stack_id}").json()["stack"]["stack_status"])

        wait_for(lambda: status() == "CREATE_COMPLETE", "the stack")
        before = roles_of(office, user_id)
        path, change = f"/v1/scaling-groups/{stack_id}/image", {"image_id": image["id"]}

        refused = office.ask("PUT", path, member, 409, json=change).json()["error"]
        as_admin = office.api("PUT", path, operator_here, json=change)

        assert refused["reason"] == "refused"
        assert as_admin.status_code == 403, as_admin.text
        assert status() == "CREATE_COMPLETE"
    assert roles_of(office, user_id) == before
    assert "admin" not in before
