"""Heat's templates: the one of the groups that we make, and what those of customers say. Pure.

Heat has no notion of an image for new instances only: whenever the definition of a group's members
changes, it updates all of them. So each member of our groups is a stack of its own, which looks its
image up by its own id in ``kept_images``, and takes the group's image if it is not in there. With
all current members in ``kept_images``, another image of the group changes nothing about them.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from instance_images.model.cloud import ServerRequest
from instance_images.model.scaling import GroupRequest

GROUP_TYPE, SERVER_TYPE = "OS::Heat::AutoScalingGroup", "OS::Nova::Server"
KEPT, BATCH, PAUSE = "kept_images", "batch_size", "pause_seconds"
GROUP_TAG = "instance-images"  # of the stacks that are made here
_MEMBER_FILE = "instance-images-member.yaml"
_VERSION = "2018-08-31"
_MAX_PARTS = 10_000  # of an expression

Template = Mapping[str, Any]


# ---------------------------------------------------------------------- what we make


def tags_of_group(group: GroupRequest) -> list[str]:
    """Return the tags of a group's stack: ours, and that of the request if it has one."""
    return [GROUP_TAG, *([f"{GROUP_TAG}-{group.request_id}"] if group.request_id else [])]


def stack_of_group(group: GroupRequest, server: ServerRequest) -> dict[str, Any]:
    """Return what Heat is sent to make a group of instances."""
    return {
        "stack_name": group.name,
        "tags": ",".join(tags_of_group(group)),
        "template": _group_template(),
        "files": {_MEMBER_FILE: json.dumps(_member_template(server))},
        "parameters": {
            "image": server.cloud_image_id,
            "flavor": server.flavor.id,
            "min_size": group.min_size,
            "max_size": group.max_size,
            "desired_capacity": group.desired_size,
            "cooldown_seconds": group.cooldown_seconds,
        },
    }


def _group_template() -> dict[str, Any]:
    number = {"type": "number"}
    return {
        "heat_template_version": _VERSION,
        "description": "A scaling group whose image can be changed for new instances only.",
        "parameters": {
            "image": {"type": "string"},
            "flavor": {"type": "string"},
            "min_size": number,
            "max_size": number,
            "desired_capacity": number,
            "cooldown_seconds": number,
            KEPT: {"type": "json", "default": {}},
            BATCH: {**number, "default": 1},
            PAUSE: {**number, "default": 0},
        },
        "resources": {
            "group": {
                "type": GROUP_TYPE,
                "properties": {
                    "min_size": {"get_param": "min_size"},
                    "max_size": {"get_param": "max_size"},
                    "desired_capacity": {"get_param": "desired_capacity"},
                    "cooldown": {"get_param": "cooldown_seconds"},
                    "rolling_updates": {
                        "max_batch_size": {"get_param": BATCH},
                        "pause_time": {"get_param": PAUSE},
                    },
                    "resource": {
                        "type": _MEMBER_FILE,
                        "properties": {
                            name: {"get_param": name} for name in ("image", "flavor", KEPT)
                        },
                    },
                },
            },
            "scale_up": _policy(1),
            "scale_down": _policy(-1),
        },
    }


def _policy(adjustment: int) -> dict[str, Any]:
    return {
        "type": "OS::Heat::ScalingPolicy",
        "properties": {
            "auto_scaling_group_id": {"get_resource": "group"},
            "adjustment_type": "change_in_capacity",
            "scaling_adjustment": adjustment,
            "cooldown": {"get_param": "cooldown_seconds"},
        },
    }


def _member_template(server: ServerRequest) -> dict[str, Any]:
    image = {
        "yaql": {
            "expression": "$.data.kept.get($.data.me, $.data.image)",
            "data": {
                "kept": {"get_param": KEPT},
                "me": {"get_param": "OS::stack_id"},
                "image": {"get_param": "image"},
            },
        }
    }
    properties: dict[str, Any] = {
        "image": image,
        "image_update_policy": "REPLACE",
        "flavor": {"get_param": "flavor"},
        "networks": [{"network": network} for network in server.networks]
        or [{"allocate_network": "auto"}],
    }
    if list(server.networks) == ["none"]:
        properties["networks"] = [{"allocate_network": "none"}]
    if server.key_name is not None:
        properties["key_name"] = server.key_name
    if server.security_groups:
        properties["security_groups"] = list(server.security_groups)
    return {
        "heat_template_version": _VERSION,
        "parameters": {
            "image": {"type": "string"},
            "flavor": {"type": "string"},
            KEPT: {"type": "json"},
        },
        "resources": {"server": {"type": SERVER_TYPE, "properties": properties}},
        # The member's id in the eyes of whoever asks the group for its instances.
        "outputs": {"OS::stack_id": {"value": {"get_resource": "server"}}},
    }


# --------------------------------------------------------------- what others have made


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A scaling group as its template has it, with the values of the stack's parameters.

    A ``..._parameter`` is the name of the parameter that feeds the property, None if the template
    itself says it, or computes it.
    """

    group: str
    image: str | None
    image_parameter: str | None
    flavor: str | None
    min_size: int | None
    max_size: int | None
    desired_size: int | None
    desired_parameter: str | None
    rollout_parameters: Mapping[str, str]
    keeps_members: bool


def group_names(template: Template) -> list[str]:
    """Return the names of the template's scaling groups, in its order."""
    resources = _mapping(template.get("resources"))
    return [name for name, r in resources.items() if _mapping(r).get("type") == GROUP_TYPE]


def needs_files(template: Template, group: str) -> bool:
    """Return whether the members of the group are defined in another file."""
    return _member(template, group).get("type") != SERVER_TYPE


def member_type(template: Template, group: str) -> str:
    """Return the type of the group's members."""
    return str(_member(template, group).get("type"))


def definition_of(
    template: Template,
    group: str,
    values: Mapping[str, Any],
    files: Mapping[str, Template],
) -> Definition:
    """Return what the template says of a group; ``files`` are the templates by resource type."""
    properties = _mapping(_mapping(_mapping(template["resources"])[group]).get("properties"))
    member = _member(template, group)
    outer = _mapping(member.get("properties"))
    server, inner = outer, None
    if member.get("type") != SERVER_TYPE:
        inner = _mapping(files.get(str(member.get("type"))))
        server = _only_server(inner)
    image = _outward(_image_of(server), inner, outer)
    flavor = _outward(server.get("flavor"), inner, outer)
    desired = properties.get("desired_capacity")
    return Definition(
        group=group,
        image=_text(_value(image, values)),
        image_parameter=_parameter(image),
        flavor=_text(_value(flavor, values)),
        min_size=_integer(_value(properties.get("min_size"), values)),
        max_size=_integer(_value(properties.get("max_size"), values)),
        desired_size=_integer(_value(desired, values)),
        desired_parameter=_parameter(desired),
        rollout_parameters=dict(_rollout_parameters(properties)),
        keeps_members=inner is not None and _parameter(outer.get(KEPT)) == KEPT,
    )


def _member(template: Template, group: str) -> Mapping[str, Any]:
    definition = _mapping(_mapping(template["resources"])[group])
    return _mapping(_mapping(definition.get("properties")).get("resource"))


def _only_server(template: Template) -> Mapping[str, Any]:
    """Return the properties of the file's instance; none where there are several."""
    resources = map(_mapping, _mapping(template.get("resources")).values())
    servers = [r for r in resources if r.get("type") == SERVER_TYPE]
    return _mapping(servers[0].get("properties")) if len(servers) == 1 else {}


def _image_of(server: Mapping[str, Any]) -> Any:
    """Return what an instance is made from: its image, or that of the volume it boots from."""
    if server.get("image") is not None:
        return server["image"]
    devices = server.get("block_device_mapping_v2")
    for device in devices if isinstance(devices, list) else []:
        if _mapping(device).get("image") is not None:
            return device["image"]
    return None


def _outward(expression: Any, inner: Template | None, outer: Mapping[str, Any]) -> Any:
    """Return an expression of a member's file as the group's own template has it."""
    if inner is None:
        return expression
    names = {name for name in _parameters_in(expression) if not name.startswith("OS::")} - {KEPT}
    if len(names) != 1:
        return None if names else expression
    name = names.pop()
    default = _mapping(_mapping(inner.get("parameters")).get(name)).get("default")
    return outer.get(name, default)


def _rollout_parameters(properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    policy = _mapping(properties.get("rolling_updates"))
    for ours, theirs in ((BATCH, "max_batch_size"), (PAUSE, "pause_time")):
        name = _parameter(policy.get(theirs))
        if name:
            yield ours, name


def _parameters_in(expression: Any) -> Iterator[str]:
    """Yield the names of all parameters that an expression reads.

    A customer's file may be made to never end: only so much of it is looked at.
    """
    ahead = [expression]
    for _ in range(_MAX_PARTS):
        if not ahead:
            return
        part = ahead.pop()
        name = _parameter(part)
        if name:
            yield name
        elif isinstance(part, Mapping):
            ahead += part.values()
        elif isinstance(part, list):
            ahead += part


def _parameter(expression: Any) -> str | None:
    """Return the name of the parameter that the expression is, None if it is something else."""
    if not isinstance(expression, Mapping) or list(expression) != ["get_param"]:
        return None
    name = expression["get_param"]
    if isinstance(name, list) and len(name) == 1:
        name = name[0]
    return name if isinstance(name, str) else None


def _value(expression: Any, values: Mapping[str, Any]) -> Any:
    """Return what an expression stands for, None if it is computed by Heat."""
    name = _parameter(expression)
    if name:
        return values.get(name)
    return None if isinstance(expression, (Mapping, list)) else expression


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, (str, int, float)) else None


def _integer(value: Any) -> int | None:
    try:
        return int(float(value)) if isinstance(value, (str, int, float)) else None
    except (ValueError, OverflowError):
        return None
