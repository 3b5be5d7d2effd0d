"""Tells how large an image of an instance is expected to be, before it is captured."""

from instance_images.db import tasks
from instance_images.locations.site import Site, require_enabled
from instance_images.model.cloud import Server
from instance_images.model.estimates import ExpectedSize, expected_size
from instance_images.model.records import Account

# Enough to even out single ones, few enough to follow a change of what the account captures.
_PAST_CAPTURES = 50
_GIB = 2**30


def expect(
    site: Site, account: Account, server_reference: str, project: str | None = None
) -> ExpectedSize:
    """Return the expected size of an image of the account's instance.

    ``project`` as for a capture. Raises FeatureNotEnabled, NotFound and Refused.
    """
    require_enabled(site)
    server = site.directory.find_server(account, server_reference, site.project_named(project))
    with site.database.reading() as connection:
        past = tasks.past_captures(connection, site.name, _PAST_CAPTURES, account.id)
    return expected_size(
        past,
        source_instance_id=server.id,
        is_of_volume=server.is_volume_backed,
        disk_bytes=_disk_bytes(site, server),
    )


def _disk_bytes(site: Site, server: Server) -> int | None:
    if server.is_volume_backed:
        return site.provider.find_root_volume(server.project_id, server.id).size_gib * _GIB
    return site.provider.disk_bytes(server.project_id, server)
