"""Scaling groups: Heat stacks that make instances from an image."""

from openstack import resource

from instance_images_client.sdk.base import Base


class ScalingGroup(Base):
    """A scaling group of a stack."""

    resource_key = "scaling_group"
    resources_key = "scaling_groups"
    base_path = "/scaling-groups"

    allow_create = True
    allow_fetch = True
    allow_list = True

    _query_mapping = resource.QueryParameters("location")

    #: Name of the group in the stack; the stack's own name is ``name``.
    group = resource.Body("group")
    project_id = resource.Body("project_id")
    project_name = resource.Body("project_name")
    #: ``ready``, ``changing`` or ``failed``, and why.
    status = resource.Body("status")
    reason = resource.Body("reason")
    #: Id, in the image service, of the image that new instances are made from.
    cloud_image_id = resource.Body("cloud_image_id")
    flavor = resource.Body("flavor")
    min_size = resource.Body("min_size", type=int)
    max_size = resource.Body("max_size", type=int)
    size = resource.Body("size", type=int)
    #: Whether current instances stay when the image changes.
    keeps_members = resource.Body("keeps_members", type=bool)
    fault = resource.Body("fault")
    #: Instances: ``server_id``, ``name``, ``status``, ``cloud_image_id``.
    members = resource.Body("members", type=list)
    #: Only for a request to create.
    image_id = resource.Body("image_id")
    desired_size = resource.Body("desired_size", type=int)
    cooldown_seconds = resource.Body("cooldown_seconds", type=int)
    networks = resource.Body("networks", type=list)
    key_name = resource.Body("key_name")
    security_groups = resource.Body("security_groups", type=list)
    location = resource.Body("location")
