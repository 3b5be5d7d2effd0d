"""The service, and how a connection gets it."""

from typing import TYPE_CHECKING, cast

from openstack.connection import Connection
from openstack.service_description import ServiceDescription

from instance_images_client.sdk.proxy import Proxy

SERVICE_TYPE = "instance-images"

if TYPE_CHECKING:
    _Description = ServiceDescription[Proxy]
else:  # openstacksdk 4.5 has no generic one
    _Description = ServiceDescription


class InstanceImagesService(_Description):
    """The service as openstacksdk finds it in the catalog."""

    supported_versions = {"1": Proxy}  # noqa: RUF012 - declared so in the SDK


def add_to(connection: Connection) -> Proxy:
    """Add the service to the connection as ``connection.instance_images``, and return its proxy."""
    vendor_hook(connection)
    return cast(Proxy, connection.instance_images)  # type: ignore[attr-defined]


def vendor_hook(connection: Connection) -> None:
    """Add the service to a connection whose clouds.yaml names this function as ``vendor_hook``.

    Nothing is sent: the catalog is read when the service is used.
    """
    connection.add_service(InstanceImagesService(SERVICE_TYPE))
