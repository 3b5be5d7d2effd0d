"""What every part of the OpenStack driver has, and the marks that it leaves on what it makes."""

import re
import unicodedata

from instance_images.config.settings import Location
from instance_images.drivers.openstack.api import OpenStackApi

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


class OpenStackPart:
    """A part of the driver: methods of ``Provider`` that talk to one service."""

    def __init__(self, location: Location, api: OpenStackApi | None = None) -> None:
        self._location = location
        self._api = api or OpenStackApi(location)
