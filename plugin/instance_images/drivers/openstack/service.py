"""What every service of the OpenStack driver has, and the marks that it leaves on what it makes."""

import re
import unicodedata

from instance_images.config.settings import Location
from instance_images.drivers.openstack.api.operator import OpenStackApi

PAGE = 1000
GIB = 1024**3
FLAVOR_MICROVERSION = "2.47"  # tells the flavor as it was when the instance was made
REQUEST_PROPERTY = "instance_images_request"
ACCOUNT_PROPERTY = "instance_images_account"
INSTANCE_ID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def accepted_name(name: str) -> str:
    """Return the name with what Nova or Cinder refuses in one replaced.

    Nova refuses what lies beyond U+FFFF and joiners, Cinder the former. Our record keeps the name
    as it was given.
    """
    return "".join("?" if ord(c) > 0xFFFF or unicodedata.category(c) == "Cf" else c for c in name)


def marks(project_id: str, request_id: str) -> dict[str, str]:
    """Return what tells that something was made for the request, and for whom."""
    return {REQUEST_PROPERTY: request_id, ACCOUNT_PROPERTY: project_id}


class Service:
    """Operations of one service in one region, with the rights of one connection."""

    def __init__(self, location: Location, api: OpenStackApi) -> None:
        self._location = location
        self._api = api
