"""Images of instances through openstacksdk: a service like its own ones.

``add_to(connection)`` makes it ``connection.instance_images``.
"""

from instance_images_client.sdk.errors import reason_of
from instance_images_client.sdk.proxy import Proxy
from instance_images_client.sdk.service import (
    SERVICE_TYPE,
    InstanceImagesService,
    add_to,
    vendor_hook,
)

__all__ = [
    "SERVICE_TYPE",
    "InstanceImagesService",
    "Proxy",
    "add_to",
    "reason_of",
    "vendor_hook",
]
