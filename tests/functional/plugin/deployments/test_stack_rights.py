"""No template of a customer is executed with the admin role, whatever it holds, now or later."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.clouds.embedded_cloud import EmbeddedCloud, wait_for
from support.processes.command_line import CommandLine, write_config
from support.worlds.scaling_world import NO_NETWORK, ScalingProject, opened, template

pytestmark = pytest.mark.cloud

CREATE = ("create", "fresh", "--image", "golden", "--flavor", "m1.tiny", "--network", "none",
          "--min", "0")  # fmt: skip


@pytest.fixture(scope="module")
def scaling(
    embedded_cloud: EmbeddedCloud, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScalingProject]:
    project = embedded_cloud.new_project()
    embedded_cloud.boot(project, "web-1")
    with opened(
        embedded_cloud, tmp_path_factory.mktemp("scaling"), project, project.name
    ) as scaling:
        scaling.golden, scaling.silver = (
            scaling.capture("golden"),
            scaling.capture("silver"),
        )
        yield scaling


@pytest.fixture(scope="module")
def empty(scaling: ScalingProject) -> str:
    """A stack of the customer whose group has no instance; its parameter is ``picture``."""
    body = template(0, {"get_param": "picture"}, {"picture": {"type": "string"}})
    scaling.stack("empty", body, picture=scaling.golden["cloud_image_id"])
    return "empty"


def configured(scaling: ScalingProject, directory: Path, stack_cloud: str | None) -> CommandLine:
    """Return the command line with other credentials for stacks, or none."""
    url = f"sqlite:///{scaling.cli.config_file.parent / 'instance-images.db'}"
    path = write_config(directory / "other.conf", url)
    line = f"stack_cloud = {stack_cloud}\n" if stack_cloud else ""
    path.write_text(path.read_text().replace("stack_cloud = stacks\n", line))
    return CommandLine(path)


def roles_of_the_customer(scaling: ScalingProject) -> list[str]:
    """Return the roles that the customer's user has on the project itself."""
    with scaling.cloud.connection() as operator:
        identity: Any = operator.identity
        user = identity.find_user(scaling.project.user_name, ignore_missing=False)
        params = {
            "user.id": user.id,
            "scope.project.id": scaling.project.id,
            "include_names": "1",
        }
        body = identity.get("/role_assignments", params=params).json()
        return sorted(one["role"]["name"] for one in body["role_assignments"])


def trap(scaling: ScalingProject, kind: str) -> dict[str, Any]:
    """Return a resource that gives the customer the admin role as soon as the image changes."""
    with scaling.cloud.connection() as operator:
        identity: Any = operator.identity
        role = identity.find_role("admin", ignore_missing=False).id
        user = identity.find_user(scaling.project.user_name, ignore_missing=False).id
    assignment = {
        "type": "OS::Keystone::UserRoleAssignment",
        "properties": {
            "user": user,
            "roles": [{"role": role, "project": scaling.project.id}],
        },
    }
    if kind == "direct":
        return {**assignment, "condition": "changed"}
    count = {"if": ["changed", 1, 0]}
    return {
        "type": "OS::Heat::ResourceGroup",
        "properties": {"count": count, "resource_def": assignment},
    }


def trapped(scaling: ScalingProject, kind: str) -> dict[str, Any]:
    """Return a template with an empty group, and a trap that another image springs."""
    body = template(0, {"get_param": "image"}, {"image": {"type": "string"}})
    first = scaling.golden["cloud_image_id"]
    body["conditions"] = {"changed": {"not": {"equals": [{"get_param": "image"}, first]}}}
    body["resources"]["trap"] = trap(scaling, kind)
    return body


def settled(scaling: ScalingProject, name: str) -> str:
    """Return the status of a stack when Heat is done with it."""
    wait_for(lambda: not scaling.status(name).endswith("IN_PROGRESS"), f"stack {name}")
    return scaling.status(name)


@pytest.mark.parametrize(
    ("kind", "exit_codes", "status"),
    # Heat may have refused a resource before the command asks for the group, or after that.
    [("direct", {3}, "CREATE_COMPLETE"), ("dynamic", {0, 1}, "UPDATE_FAILED")],
)
def test_template_that_makes_its_customer_an_admin_is_refused_by_heat(
    scaling: ScalingProject, kind: str, exit_codes: set[int], status: str
) -> None:
    before = roles_of_the_customer(scaling)
    scaling.stack(
        f"trap-{kind}",
        trapped(scaling, kind),
        image=scaling.golden["cloud_image_id"],
    )

    result = scaling.cli("scaling-group", "set-image", f"trap-{kind}", "silver", *scaling.account)

    assert result.exit_code in exit_codes
    assert settled(scaling, f"trap-{kind}") == status
    assert roles_of_the_customer(scaling) == before == ["member", "reader"]


def test_without_credentials_for_stacks_groups_are_shown_and_not_changed(
    scaling: ScalingProject, empty: str, tmp_path: Path
) -> None:
    cli = configured(scaling, tmp_path, None)
    updated_at = scaling.heat("GET", f"/stacks/{empty}")["stack"]["updated_time"]

    for command in (CREATE, ("set-image", empty, "silver")):
        cli.refused(
            2, "execute a customer's template with the admin role. Set stack_cloud in"
            " [location:RegionOne]", "scaling-group", *command, *scaling.account,
        )  # fmt: skip

    assert cli.ok("scaling-group", "show", empty, *scaling.account).json["name"] == empty
    listed = cli.ok("scaling-group", "list", *scaling.account).json
    assert {"empty"} <= {group["name"] for group in listed}
    assert "fresh" not in {group["name"] for group in listed}
    assert scaling.heat("GET", f"/stacks/{empty}")["stack"]["updated_time"] == updated_at
    cli.refused(3, "is used by", "image", "delete", "golden", *scaling.account, "--yes")


def test_user_of_the_other_credentials_serves_no_stack(
    scaling: ScalingProject, empty: str, tmp_path: Path
) -> None:
    cli = configured(scaling, tmp_path, "admin")

    for command in (CREATE, ("set-image", empty, "silver")):
        cli.refused(2, "has the role",
                    "scaling-group", *command, *scaling.account)  # fmt: skip


@pytest.mark.parametrize("role_name", ["admin", "manager"])
def test_privilege_that_is_inherited_implied_and_held_by_a_group_is_found_out(
    scaling: ScalingProject, empty: str, tmp_path: Path, role_name: str
) -> None:
    user_name = scaling.cloud.new_operator_user("harmless")
    with scaling.cloud.connection() as operator:
        identity: Any = operator.identity
        user = identity.find_user(user_name, ignore_missing=False)
        member, role = (identity.find_role(name) for name in ("member", role_name))
        if role_name == "manager":  # Keystone lets no role imply admin
            quiet = identity.create_role(name=f"{user_name}-role")
            identity.put(f"/roles/{quiet.id}/implies/{role.id}").raise_for_status()
            role = quiet
        group = identity.create_group(name=user_name, domain_id="default")
        identity.add_user_to_group(user, group)
        identity.assign_project_role_to_user(scaling.project.id, user, member)
        cli = configured(scaling, tmp_path, user_name)
        cli.ok("scaling-group", "set-image", empty, "silver", *scaling.account, "--wait")
        identity.assign_domain_role_to_group("default", group, role, inherited=True)

        for command in (CREATE, ("set-image", empty, "golden")):
            refused = cli.refused(
                2, f"manager in project {scaling.project.id}, and Heat would execute a customer's"
                " template with these rights", "scaling-group", *command, *scaling.account,
            )  # fmt: skip
            assert f"the user of stack_cloud = {user_name!r} has the role" in refused.err
            assert role_name in refused.err

        found = cli("doctor", "-f", "json").json
        identity.delete_group(group)
    scaling.group("set-image", empty, "golden", "--wait")
    told = [one for one in found if f"has the role {role_name} in project" in one["what"]]
    assert [one["severity"] for one in told] == ["error"]


def test_user_without_a_role_on_the_project_is_refused_with_the_reason(
    scaling: ScalingProject, empty: str, tmp_path: Path
) -> None:
    user_name = scaling.cloud.new_operator_user("stranger")
    elsewhere = scaling.cloud.new_project()
    with scaling.cloud.connection() as operator:
        identity: Any = operator.identity
        user = identity.find_user(user_name, ignore_missing=False)
        member = identity.find_role("member", ignore_missing=False)
        identity.assign_project_role_to_user(elsewhere.id, user, member)
        identity.update_user(user, default_project_id=elsewhere.id)
    cli = configured(scaling, tmp_path, user_name)

    cli.refused(
        3,
        f"Project {scaling.project.id} cannot be used: the credentials of {user_name!r} have no"
        " role on it", "scaling-group", "set-image", empty, "silver", *scaling.account,
    )  # fmt: skip


def test_entry_that_clouds_yaml_does_not_have_is_named(
    scaling: ScalingProject, empty: str, tmp_path: Path
) -> None:
    cli = configured(scaling, tmp_path, "mistyped")

    cli.refused(2, "the entry 'mistyped' of clouds.yaml cannot be used",
                "scaling-group", "set-image", empty, "silver", *scaling.account)  # fmt: skip


def test_reading_a_stack_has_heat_look_up_nothing_with_the_admin_role(
    scaling: ScalingProject, tmp_path: Path
) -> None:
    server = {
        "image": scaling.golden["cloud_image_id"],
        "flavor": "m1.tiny",
        "networks": NO_NETWORK,
    }
    body = template(0, {"get_param": "picture"}, {"picture": {"type": "string"}})
    body["resources"]["bait"] = {"type": "OS::Nova::Server", "properties": server}
    body["outputs"] = {"host": {"value": {"get_attr": ["bait", "show"]}}}
    scaling.stack("bait", body, picture=scaling.golden["cloud_image_id"])
    stack_id = scaling.heat("GET", "/stacks/bait")["stack"]["id"]
    resource = scaling.heat("GET", f"/stacks/bait/{stack_id}/resources/bait")["resource"]
    path = f"/servers/{resource['physical_resource_id']}"
    looked_up = scaling.cloud.fault("nova", "GET", path, "delay", count=None)
    hit = scaling.cloud.state_dir / "run" / f"{looked_up}.hit"

    for cli in (configured(scaling, tmp_path, None), scaling.cli):
        cli.ok("scaling-group", "list", *scaling.account)
        cli.ok("scaling-group", "show", "bait", *scaling.account)
        cli.refused(3, "is used by", "image", "delete", "golden", *scaling.account, "--yes")
    told = hit.exists()

    scaling.heat("GET", "/stacks/bait")  # the customer asks for the outputs himself
    assert not told
    assert hit.exists()


def test_trust_of_the_admin_is_found_and_replaced_when_the_stack_is_changed(
    scaling: ScalingProject,
) -> None:
    body = template(0, {"get_param": "picture"}, {"picture": {"type": "string"}})
    made = {"stack_name": "old", "template": body}
    with scaling.cloud.connection(project=scaling.project) as operator:  # as earlier versions did
        made["parameters"] = {"picture": scaling.golden["cloud_image_id"]}
        operator.orchestration.post("/stacks", json=made).raise_for_status()
    wait_for(lambda: scaling.status("old") == "CREATE_COMPLETE", "the stack")
    [trust_id] = trusts_of(scaling, "admin")
    found = scaling.cli("doctor", "-f", "json").json
    told = [one for one in found if trust_id in one["cure"]]
    assert len(told) == 1
    assert told[0]["severity"] == "error"
    assert f"with the admin role in the projects {scaling.project.id}" in told[0]["what"]

    scaling.group("set-image", "old", "silver", "--wait")

    assert trusts_of(scaling, "admin") == []
    assert trusts_of(scaling, "stacks")
    found = scaling.cli("doctor", "-f", "json").json
    assert not [one for one in found if "openstack trust delete" in one["cure"]]


def trusts_of(scaling: ScalingProject, user_name: str) -> list[str]:
    """Return the trusts that an operator's user has given in the project."""
    with scaling.cloud.connection(user_name) as user:
        params = {"trustor_user_id": user.current_user_id}
        trusts = user.identity.get("/OS-TRUST/trusts", params=params).json()["trusts"]
    return [trust["id"] for trust in trusts if trust["project_id"] == scaling.project.id]


def test_doctor_says_where_groups_can_no_longer_be_changed(
    scaling: ScalingProject, tmp_path: Path
) -> None:
    scaling.group(*CREATE, "--wait")

    found = configured(scaling, tmp_path, None)("doctor", "-f", "json").json

    told = [one for one in found if "stack_cloud is not set" in one["what"]]
    assert [one["severity"] for one in told] == ["warning"]
    assert "Set stack_cloud in [location:RegionOne]" in told[0]["cure"]


def test_doctor_says_which_projects_the_user_of_the_stacks_cannot_serve(
    scaling: ScalingProject, tmp_path: Path
) -> None:
    user_name = scaling.cloud.new_operator_user("narrow")
    with scaling.cloud.connection() as operator:
        identity: Any = operator.identity
        user = identity.find_user(user_name, ignore_missing=False)
        elsewhere = scaling.cloud.new_project()
        member = identity.find_role("member", ignore_missing=False)
        identity.assign_project_role_to_user(elsewhere.id, user, member)
        identity.update_user(user, default_project_id=elsewhere.id)

    found = configured(scaling, tmp_path, user_name)("doctor", "-f", "json").json

    told = [one["what"] for one in found if "has no role on" in one["what"]]
    assert len(told) == 1
    assert f"({scaling.project.id}): scaling groups of theirs cannot" in told[0]
