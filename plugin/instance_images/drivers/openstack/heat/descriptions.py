"""A scaling group as Heat's answers describe it, and what an update of it says. Asks nobody."""

from collections.abc import Mapping, Sequence
from typing import Any

from instance_images.drivers.openstack.heat.templates import (
    BATCH,
    KEPT,
    PAUSE,
    SERVER_TYPE,
    Definition,
)
from instance_images.errors import Refused
from instance_images.model.scaling import GroupStatus, Member, Rollout, ScalingGroup, kept_images
from instance_images.names import printable

Body = Mapping[str, Any]


def members_of(stack: Body, resources: Sequence[Body], group: str) -> tuple[int, list[Member]]:
    """Return how many members the group has, and the instances of these.

    A member is an instance, or a stack that has some.
    """
    by_stack: dict[str, list[Body]] = {}
    group_id = None
    for resource in resources:
        by_stack.setdefault(_stack_id(resource), []).append(resource)
        if _is_group(stack, resource, group):
            group_id = resource["physical_resource_id"]
    members = by_stack.get(group_id or "", [])
    return len(members), [
        Member(
            id=member["physical_resource_id"],
            server_id=resource["physical_resource_id"],
            name="",
            status="MISSING",
            cloud_image_id=None,
        )
        for member in members
        for resource in [member, *by_stack.get(member["physical_resource_id"], [])]
        if resource["resource_type"] == SERVER_TYPE and resource["physical_resource_id"]
    ]


def _is_group(stack: Body, resource: Body, group: str) -> bool:
    return bool(resource["resource_name"] == group and _stack_id(resource) == stack["id"])


def _stack_id(resource: Body) -> str:
    links = {link["rel"]: link["href"] for link in resource["links"]}
    return str(links["stack"]).rpartition("/")[2]


def status_of(stack: Body, resources: Sequence[Body], group: str) -> tuple[GroupStatus, str]:
    """Return the status of the stack, or of the group in it where that is worse."""
    own = [
        (r["resource_status"], r["resource_status_reason"])
        for r in resources
        if _is_group(stack, r, group)
    ]
    for status, reason in [(stack["stack_status"], stack["stack_status_reason"]), *own]:
        if status.endswith("IN_PROGRESS"):
            return GroupStatus.CHANGING, printable(reason or "")
        if status.endswith("FAILED"):
            return GroupStatus.FAILED, printable(reason or "")
    return GroupStatus.READY, printable(stack["stack_status_reason"] or "")


def fault_of_definition(definition: Definition, size: int) -> str | None:
    """Return why no image can be chosen for the group, or None if one can."""
    if definition.image_parameter is None:
        fixed = f" ({printable(definition.image)})" if definition.image else ""
        return (
            f"Its template says itself which image its instances have{fixed}: have a parameter say"
            " it (image: {get_param: image}), and update the stack with that template once."
        )
    if definition.desired_size not in (None, size) and definition.desired_parameter is None:
        return (
            f"Its template fixes desired_capacity at {definition.desired_size}, and it has {size}"
            " instances now, so that any update would resize it. Scale it to that size first, or"
            " take desired_capacity out of the template."
        )
    return None


def changed_parameters(
    group: ScalingGroup, definition: Definition, cloud_image_id: str, rollout: Rollout | None
) -> dict[str, Any]:
    """Return the parameters that the group's stack is updated with for another image.

    Raises Refused where the stack has no parameter for what was asked.
    """
    if definition.image_parameter is None:
        raise Refused(fault_of_definition(definition, group.size) or "")
    parameters: dict[str, Any] = {definition.image_parameter: cloud_image_id}
    if definition.desired_parameter and definition.desired_size is not None:
        parameters[definition.desired_parameter] = group.size  # an update must not resize it
    if definition.keeps_members:
        parameters[KEPT] = kept_images(group, rollout)
    wanted = rollout or Rollout(batch_size=max(group.size, 1))
    theirs = definition.rollout_parameters
    for ours, value in ((BATCH, wanted.batch_size), (PAUSE, wanted.pause_seconds)):
        if ours in theirs:
            parameters[theirs[ours]] = value
        elif rollout and value != getattr(Rollout(), ours):
            raise Refused(
                f"The template of stack {group.name} has no parameter for {ours} (rolling_updates"
                " of its group): leave that option out, and its own rolling_updates apply."
            )
    return parameters
