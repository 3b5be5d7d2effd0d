"""What may be done to a scaling group, and what its template says."""

from dataclasses import replace
from typing import Any

import pytest

from instance_images.drivers.openstack.heat.customer_yaml import parsed
from instance_images.drivers.openstack.heat.descriptions import (
    changed_parameters,
    fault_of_definition,
    members_of,
    status_of,
)
from instance_images.drivers.openstack.heat.templates import (
    definition_of,
    group_names,
    needs_files,
    stack_of_group,
)
from instance_images.errors import Refused
from instance_images.model.cloud import Flavor, ServerRequest
from instance_images.model.scaling import (
    GroupRequest,
    GroupStatus,
    Member,
    Rollout,
    ScalingGroup,
    fault_of_group,
    fault_of_image_change,
    is_done,
    kept_images,
)

OLD, NEW = "old image", "new image"
REQUEST = GroupRequest("web", 1, 3, 2, 60)
SERVER = ServerRequest(
    request_id="mark",
    name="web",
    cloud_image_id=OLD,
    flavor=Flavor("f", "f", 64, 1),
    networks=("none",),
    key_name=None,
)


def member(image: str | None = OLD, id: str = "m") -> Member:
    return Member(id, f"server of {id}", "name", "ACTIVE", image)


def group(*members: Member, **more: Any) -> ScalingGroup:
    found = ScalingGroup(
        id="id",
        name="web",
        project_id="project",
        group="workers",
        status=GroupStatus.READY,
        reason="",
        cloud_image_id=OLD,
        flavor="f",
        min_size=1,
        max_size=3,
        desired_size=2,
        size=len(members),
        keeps_members=True,
        fault=None,
        members=members,
    )
    return replace(found, **more)


# --------------------------------------------------------------------------- decisions


@pytest.mark.parametrize("name", ["", "9web", "a b", "../x", "web\x1b[31m", "ä", "a" * 256])
def test_a_name_that_heat_does_not_take_is_refused(name: str) -> None:
    assert "begin with a letter" in str(fault_of_group(replace(REQUEST, name=name)))


@pytest.mark.parametrize("sizes", [(2, 3, 1), (1, 3, 4), (3, 2, 2), (-1, 3, 1)])
def test_sizes_that_do_not_fit_are_refused(sizes: tuple[int, int, int]) -> None:
    assert "must not decrease" in str(fault_of_group(GroupRequest("web", *sizes, 0)))


def test_a_group_that_heat_takes_has_no_fault() -> None:
    assert fault_of_group(REQUEST) is None
    assert fault_of_group(GroupRequest("a.b-c_1", 0, 0, 0, 0)) is None


def test_current_instances_are_kept_by_groups_that_can_keep_them() -> None:
    assert fault_of_image_change(group(member()), NEW, None, {OLD}) is None
    assert "must allow the replacement" in str(
        fault_of_image_change(group(member(), keeps_members=False), NEW, None, {OLD})
    )
    assert fault_of_image_change(group(keeps_members=False), NEW, None, set()) is None
    assert fault_of_image_change(group(member(NEW), keeps_members=False), NEW, None, {NEW}) is None


def test_any_group_may_replace_its_instances() -> None:
    change = group(member(), keeps_members=False)

    assert fault_of_image_change(change, NEW, Rollout(), set()) is None


def test_an_instance_whose_image_is_gone_or_unknown_cannot_be_kept() -> None:
    for image in ("gone", None):
        fault = fault_of_image_change(group(member(), member(image)), NEW, None, {OLD})
        assert fault is not None
        assert fault.startswith("The image of 1 of its instances is gone")


def test_a_group_that_is_being_changed_is_left_alone() -> None:
    busy = group(member(), status=GroupStatus.CHANGING)

    assert "try again when that has ended" in str(fault_of_image_change(busy, NEW, None, {OLD}))
    assert fault_of_image_change(group(fault="No."), NEW, None, {OLD}) == "No."


def test_a_group_that_failed_can_be_changed_again() -> None:
    assert fault_of_image_change(group(status=GroupStatus.FAILED), NEW, Rollout(), set()) is None


def test_a_change_is_done_when_the_group_and_what_was_to_be_replaced_have_the_image() -> None:
    mixed = group(member(OLD), member(NEW), cloud_image_id=NEW)

    assert is_done(mixed, NEW, None)
    assert not is_done(mixed, NEW, Rollout())
    assert not is_done(mixed, OLD, None)
    assert is_done(group(member(NEW), cloud_image_id=NEW), NEW, Rollout())
    assert not is_done(group(cloud_image_id=NEW, status=GroupStatus.FAILED), NEW, None)


def test_what_is_not_replaced_keeps_the_image_that_it_was_made_from() -> None:
    mixed = group(member(OLD, "a"), member(NEW, "b"))

    assert kept_images(mixed, None) == {"a": OLD, "b": NEW}
    assert kept_images(mixed, Rollout()) == {}


# --------------------------------------------------------------------------- templates


def ours() -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
    """Return our own stack's template, its files and what Heat shows of its parameters."""
    stack = stack_of_group(REQUEST, SERVER)
    files = {name: parsed(content) for name, content in stack["files"].items()}
    shown = {name: str(value) for name, value in stack["parameters"].items()}
    return stack["template"], files, shown


def test_our_own_template_is_understood() -> None:
    template, files, shown = ours()

    found = definition_of(template, "group", shown, files)

    assert group_names(template) == ["group"]
    assert needs_files(template, "group")
    assert (found.image, found.image_parameter) == (OLD, "image")
    assert (found.min_size, found.max_size, found.desired_size) == (1, 3, 2)
    assert (found.flavor, found.desired_parameter) == ("f", "desired_capacity")
    assert found.keeps_members


def theirs(server: dict[str, Any], **properties: Any) -> dict[str, Any]:
    resource = {"type": "OS::Nova::Server", "properties": server}
    return {
        "resources": {
            "net": {"type": "OS::Neutron::Net"},
            "workers": {
                "type": "OS::Heat::AutoScalingGroup",
                "properties": {"resource": resource, **properties},
            },
        }
    }


@pytest.mark.parametrize(
    ("image", "parameter", "value"),
    [
        ({"get_param": "picture"}, "picture", OLD),
        ({"get_param": ["picture"]}, "picture", OLD),
        ("an-image", None, "an-image"),
        ({"get_param": ["pictures", "web"]}, None, None),
        ({"list_join": ["-", [{"get_param": "picture"}, "x"]]}, None, None),
        (None, None, None),
    ],
)
def test_only_an_image_that_is_a_parameter_can_be_chosen(
    image: Any, parameter: str | None, value: str | None
) -> None:
    template = theirs({"image": image})

    found = definition_of(template, "workers", {"picture": OLD}, {})

    assert group_names(template) == ["workers"]
    assert (found.image_parameter, found.image) == (parameter, value)
    assert not found.keeps_members
    assert (fault_of_definition(found, 0) is None) == (parameter is not None)


def test_image_of_the_volume_that_instances_boot_from_can_be_chosen() -> None:
    devices = [{"device_type": "disk"}, {"image": {"get_param": "picture"}, "volume_size": 1}]

    found = definition_of(
        theirs({"block_device_mapping_v2": devices}), "workers", {"picture": OLD}, {}
    )

    assert found.image_parameter == "picture"


def test_image_is_followed_into_the_file_of_the_members() -> None:
    template = theirs({})
    properties = template["resources"]["workers"]["properties"]
    properties["resource"] = {"type": "Worker", "properties": {"base": {"get_param": "picture"}}}
    file = {
        "parameters": {"base": {"type": "string"}, "size": {"default": "m1.small"}},
        "resources": {
            "port": {"type": "OS::Neutron::Port"},
            "vm": {
                "type": "OS::Nova::Server",
                "properties": {"image": {"get_param": "base"}, "flavor": {"get_param": "size"}},
            },
        },
    }

    found = definition_of(template, "workers", {"picture": OLD}, {"Worker": file})

    assert (found.image_parameter, found.image, found.flavor) == ("picture", OLD, "m1.small")
    assert not found.keeps_members
    without = definition_of(template, "workers", {"picture": OLD}, {})
    assert without.image_parameter is None


def test_a_size_that_the_template_fixes_is_not_changed_by_another_image() -> None:
    fixed = definition_of(
        theirs({"image": {"get_param": "p"}}, desired_capacity=2), "workers", {"p": OLD}, {}
    )

    assert fault_of_definition(fixed, 2) is None
    assert "fixes desired_capacity at 2, and it has 3" in str(fault_of_definition(fixed, 3))


def test_templates_that_are_none_have_no_groups() -> None:
    odd: list[Any] = [{}, {"resources": None}, {"resources": {"a": None, "b": {"type": []}}}]
    for template in odd:
        assert group_names(template) == []
    assert parsed("a: [") == parsed("- a") == parsed("") == {}


def test_a_file_that_never_ends_is_given_up() -> None:
    endless = parsed("resources: {vm: {type: 'OS::Nova::Server', properties: {image: &a [*a]}}}")
    template = theirs({})
    template["resources"]["workers"]["properties"]["resource"] = {"type": "Worker"}

    found = definition_of(template, "workers", {}, {"Worker": endless})

    assert found.image_parameter is None


# ------------------------------------------------------------------- answers and updates

STACK = {"id": "root", "stack_status": "UPDATE_COMPLETE", "stack_status_reason": "done"}


def resource(stack: str, type: str, name: str, id: str, status: str = "CREATE_COMPLETE") -> Any:
    return {
        "links": [{"rel": "self", "href": "x"}, {"rel": "stack", "href": f"http://h/v1/p/{stack}"}],
        "resource_type": type,
        "resource_name": name,
        "physical_resource_id": id,
        "resource_status": status,
        "resource_status_reason": f"{name} {status}",
    }


GROUP = resource("root", "OS::Heat::AutoScalingGroup", "workers", "nested")


def test_members_are_instances_or_stacks_that_have_one() -> None:
    resources = [
        GROUP,
        resource("below", "OS::Heat::AutoScalingGroup", "workers", "another group"),
        resource("root", "OS::Nova::Server", "db", "no member"),
        resource("nested", "OS::Nova::Server", "a", "server-a"),
        resource("nested", "member.yaml", "b", "stack-b"),
        resource("stack-b", "OS::Neutron::Port", "port", "port-b"),
        resource("stack-b", "OS::Nova::Server", "server", "server-b"),
        resource("nested", "member.yaml", "c", "stack-c"),  # its instance is not made yet
    ]

    size, members = members_of(STACK, resources, "workers")

    assert size == 3
    assert [(m.id, m.server_id) for m in members] == [
        ("server-a", "server-a"),
        ("stack-b", "server-b"),
    ]


@pytest.mark.parametrize(
    ("stack", "own", "status"),
    [
        ("CREATE_COMPLETE", "CREATE_COMPLETE", GroupStatus.READY),
        ("UPDATE_IN_PROGRESS", "CREATE_COMPLETE", GroupStatus.CHANGING),
        ("ROLLBACK_COMPLETE", "UPDATE_COMPLETE", GroupStatus.READY),
        ("UPDATE_FAILED", "UPDATE_FAILED", GroupStatus.FAILED),
        ("UPDATE_COMPLETE", "UPDATE_FAILED", GroupStatus.FAILED),
        ("UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", GroupStatus.CHANGING),
    ],
)
def test_a_group_is_as_well_as_the_worse_of_itself_and_its_stack(
    stack: str, own: str, status: GroupStatus
) -> None:
    found = {**GROUP, "resource_status": own}

    assert status_of({**STACK, "stack_status": stack}, [found], "workers")[0] is status


def test_an_update_pins_current_instances_and_keeps_the_size() -> None:
    template, files, shown = ours()
    definition = definition_of(template, "group", shown, files)
    three = group(member(OLD, "a"), member(OLD, "b"), member(OLD, "c"))

    for_new_ones = changed_parameters(three, definition, NEW, None)
    for_all = changed_parameters(three, definition, NEW, Rollout(2, 30))

    assert for_new_ones == {
        "image": NEW,
        "kept_images": {"a": OLD, "b": OLD, "c": OLD},
        "desired_capacity": 3,
        "batch_size": 3,
        "pause_seconds": 0,
    }
    assert for_all == {
        "image": NEW,
        "kept_images": {},
        "desired_capacity": 3,
        "batch_size": 2,
        "pause_seconds": 30,
    }


def test_batches_are_refused_where_the_template_has_no_parameter_for_them() -> None:
    definition = definition_of(theirs({"image": {"get_param": "p"}}), "workers", {"p": OLD}, {})

    assert changed_parameters(group(), definition, NEW, Rollout()) == {"p": NEW}
    with pytest.raises(Refused, match="has no parameter for batch_size"):
        changed_parameters(group(), definition, NEW, Rollout(2))
