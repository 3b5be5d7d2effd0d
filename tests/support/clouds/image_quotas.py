"""Limits of Glance's own, as the cloud's operator sets them in Keystone."""

from typing import Any

from support.clouds.embedded_cloud import EmbeddedCloud, Project


def set_image_quota(cloud: EmbeddedCloud, project: Project, resource: str, number: int) -> None:
    """Set a limit of Glance's in Keystone; sizes are in MiB."""
    with cloud.connection() as operator:
        identity: Any = operator.identity
        limit = {
            "service_id": identity.find_service("glance", ignore_missing=False).id,
            "region_id": "RegionOne",
            "resource_name": resource,
            "resource_limit": number,
            "project_id": project.id,
        }
        assert identity.post("/limits", json={"limits": [limit]}).status_code == 201
