"""What a fresh Keystone is filled with: services and their users, the customers, the operator.

Projects ``demo`` and ``other`` are two customers, each with a user of the project's name. The user
``admin`` has the admin role in the project ``admin`` and, by inheritance, in every project of the
Default domain, so that an operator's credentials can be scoped to any customer's project. The user
``stacks`` has the role member there in the same way, and the admin role nowhere.
"""

from typing import Any

import openstack

from minicloud.cloud import PASSWORD, REGION, SERVICE_TYPES, Cloud

CUSTOMERS = ("demo", "other")
STACKS = "stacks"  # the operator's user who makes customers' stacks
DOMAIN = "default"

# Enough for every test that does not lower them (with --limits; without one the limit is 0).
IMAGE_LIMITS = {
    "image_count_total": 1000,
    "image_count_uploading": 1000,
    "image_size_total": 1024 * 1024,
    "image_stage_total": 1024 * 1024,
}


def connect(cloud: Cloud) -> openstack.connection.Connection:
    """Return a connection of the administrator that reads nothing from the environment."""
    return openstack.connect(
        load_yaml_config=False,
        load_envvars=False,
        region_name=REGION,
        auth={
            "auth_url": cloud.auth_url,
            "username": "admin",
            "password": PASSWORD,
            "project_name": "admin",
            "user_domain_id": DOMAIN,
            "project_domain_id": DOMAIN,
        },
    )


def fill(cloud: Cloud) -> None:
    """Fill a Keystone that has just been bootstrapped."""
    identity: Any = connect(cloud).identity
    roles = {role.name: role for role in identity.roles()}
    add_services(identity, cloud, roles)
    admin = identity.find_user("admin", ignore_missing=False)
    identity.assign_domain_role_to_user(DOMAIN, admin, roles["admin"], inherited=True)
    for name in CUSTOMERS:
        project = identity.create_project(name=name, domain_id=DOMAIN)
        add_user(identity, name, project, roles["member"], roles["reader"])
    project = identity.create_project(name=STACKS, domain_id=DOMAIN)
    stacks = add_user(identity, STACKS, project, roles["member"])
    identity.assign_domain_role_to_user(DOMAIN, stacks, roles["member"], inherited=True)
    if "heat" in cloud.services:
        add_heat_domain(identity, roles)
    if cloud.limits:
        add_image_limits(identity)


def add_user(identity: Any, name: str, project: Any, *roles: Any) -> Any:
    """Create a user with roles in one project."""
    user = identity.create_user(
        name=name, password=PASSWORD, domain_id=DOMAIN, default_project_id=project.id
    )
    for role in roles:
        identity.assign_project_role_to_user(project, user, role)
    return user


def add_services(identity: Any, cloud: Cloud, roles: dict[str, Any]) -> None:
    """Create the services' users and the catalogue; bootstrap has done Keystone's own."""
    project = identity.create_project(name="service", domain_id=DOMAIN)
    for name in cloud.processes:
        if name == "keystone":
            continue
        user = add_user(identity, name, project, roles["admin"], roles["service"])
        if name == "glance":  # it reads the limits of every project
            identity.assign_system_role_to_user(user, roles["reader"], "all")
        service = identity.create_service(type=SERVICE_TYPES[name][0], name=name)
        for interface in ("public", "internal", "admin"):
            identity.create_endpoint(
                service_id=service.id,
                interface=interface,
                region_id=REGION,
                url=cloud.endpoint(name),
            )


def add_heat_domain(identity: Any, roles: dict[str, Any]) -> None:
    """Create what Heat needs for the users inside its stacks."""
    for name in ("heat_stack_owner", "heat_stack_user"):
        identity.create_role(name=name)
    domain = identity.create_domain(name="heat")
    user = identity.create_user(name="heat_domain_admin", password=PASSWORD, domain_id=domain.id)
    identity.assign_domain_role_to_user(domain, user, roles["admin"])


def add_image_limits(identity: Any) -> None:
    """Register the limits that Glance asks for."""
    service = identity.find_service("glance", ignore_missing=False)
    for name, limit in IMAGE_LIMITS.items():
        identity.create_registered_limit(
            service_id=service.id, region_id=REGION, resource_name=name, default_limit=limit
        )
