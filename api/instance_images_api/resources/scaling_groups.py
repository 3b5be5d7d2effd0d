"""Scaling groups of the token's project: which image they make new instances from."""

from typing import Any

from instance_images.deployments.instances import Order
from instance_images.deployments.scaling_groups import (
    create_group,
    find_group,
    list_groups,
    set_image,
)
from instance_images.model.scaling import ScalingGroup, group_request, rollout_of
from instance_images.views.fields import as_json
from instance_images.views.records import SCALING_GROUP
from instance_images_api.http.route import Answer, Call


def list_scaling_groups(call: Call) -> Answer:
    """Return the groups by name, without their members."""
    site = call.service.site(call.sender, call.parameters.get("location"))
    projects = site.directory.projects_to_look_in(site.account(None), site.project_named(None))
    found = [as_json(SCALING_GROUP, group) for group in list_groups(site, projects)]
    return Answer(200, {"scaling_groups": found})


def get_scaling_group(call: Call) -> Answer:
    """Return one group with its members."""
    site = call.service.site(call.sender, call.parameters.get("location"))
    parameters = call.parameters
    found = find_group(site, site.account(None), parameters["stack_id"], parameters.get("group"))
    return Answer(200, _json(found))


def create_scaling_group(call: Call) -> Answer:
    """Begin to make a group."""
    asked = call.body["scaling_group"]
    site = call.service.site(call.sender, asked.get("location"))
    order = Order(
        name=asked["name"],
        flavor=asked["flavor"],
        networks=asked.get("networks", ()),
        key_name=asked.get("key_name"),
        security_groups=asked.get("security_groups", ()),
    )
    sizes = ("min_size", "max_size", "desired_size", "cooldown_seconds")
    request = group_request(asked["name"], **{key: asked[key] for key in sizes if key in asked})
    account, image_id = site.account(None), asked["image_id"]
    made = create_group(site, account, image_id, request, order, key=call.key)
    return Answer(202, _json(made))


def set_group_image(call: Call) -> Answer:
    """Begin to have a group make new instances from another image."""
    asked = call.body
    site = call.service.site(call.sender, call.parameters.get("location"))
    rollout = rollout_of(
        replace=asked.get("replace", False),
        batch_size=asked.get("batch_size"),
        pause_seconds=asked.get("pause_seconds"),
    )
    account, stack_id = site.account(None), call.parameters["stack_id"]
    changed = set_image(
        site=site,
        account=account,
        reference=stack_id,
        image_reference=asked["image_id"],
        rollout=rollout,
        group_name=asked.get("group"),
    )
    return Answer(202, _json(changed))


def _json(group: ScalingGroup) -> dict[str, Any]:
    return {"scaling_group": as_json(SCALING_GROUP, group)}
