"""The default limit of a location: for each account without a limit of its own, and changes to it.

Keystone's registered limit comes first, and is changed there. Otherwise what the operator has set
here applies, and before that the configuration.
"""

import logging

import sqlalchemy as sa

from instance_images.db import accounts
from instance_images.errors import Refused
from instance_images.locations.site import Site
from instance_images.model.records import DefaultLimit

LOG = logging.getLogger(__name__)


def find_default_limit(site: Site) -> DefaultLimit:
    """Return the location's default limit."""
    registered = site.provider.default_limit()
    with site.database.looking() as connection:
        return _default_limit(connection, site, registered)


def set_default_limit(site: Site, max_images: int | None) -> DefaultLimit:
    """Set the location's default limit, or with None remove it; return what applies now.

    Raises Refused where Keystone has registered a limit, which would hide the new one.
    """
    registered = site.provider.default_limit()
    if registered is not None and max_images is not None:
        raise Refused(
            f"Keystone's registered limit for instance_images is the default at {site.name}:"
            " change it in Keystone."
        )

    def work(connection: sa.Connection) -> DefaultLimit:
        accounts.set_default_limit(connection, site.name, max_images)
        return _default_limit(connection, site, registered)

    limit = site.database.write(work)
    what = "removed" if max_images is None else f"set to {max_images}"
    LOG.info("%s: default limit %s", site.name, what)
    return limit


def _default_limit(connection: sa.Connection, site: Site, registered: int | None) -> DefaultLimit:
    sources = (
        (registered, "keystone"),
        (accounts.find_default_limit(connection, site.name), "operator"),
        (site.location.max_images, "location"),
    )
    for maximum, source in sources:
        if maximum is not None:
            return DefaultLimit(site.name, maximum, source)
    return DefaultLimit(site.name, site.default_max_images, "default")
