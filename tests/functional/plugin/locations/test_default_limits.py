"""The default limit of a location: set by the operator, in place of the configuration."""

from dataclasses import replace

import pytest

from instance_images.db.engine import Database
from instance_images.errors import LimitReached, Refused
from instance_images.images.capture import capture
from instance_images.locations.default_limits import find_default_limit, set_default_limit
from instance_images.locations.limits import find_limit, set_limit
from instance_images.locations.site import Site

from support.clouds.memory_cloud import MemoryProvider
from support.processes.command_line import SetClock
from support.worlds.ledger_world import LOCATION, at


class KeystoneWithLimits(MemoryProvider):
    """A cloud that has registered a limit of 7."""

    def default_limit(self) -> int | None:
        return 7


@pytest.fixture
def site(database: Database) -> Site:
    cloud = MemoryProvider(LOCATION, SetClock(at("1T00:00")))
    return Site(
        location=LOCATION,
        provider=cloud,
        database=database,
        clock=cloud.clock,
        default_max_images=10,
    )


def applies(site: Site) -> tuple[int, str]:
    limit = find_limit(site, site.account("acme"))
    return limit.max_images, limit.source


def test_default_that_was_set_comes_before_the_configuration_and_after_an_own_limit(
    site: Site,
) -> None:
    site = replace(site, location=replace(LOCATION, max_images=5))
    acme = site.account("acme")
    assert applies(site) == (5, "location")

    found = set_default_limit(site, 3)

    assert (found.location, found.max_images, found.source) == (site.name, 3, "operator")
    assert find_default_limit(site) == found
    assert applies(site) == (3, "location")
    set_limit(site, acme, 8)
    assert applies(site) == (8, "account")
    assert set_default_limit(site, None).source == "location"
    set_limit(site, acme, None)
    assert applies(site) == (5, "location")


def test_captures_are_refused_beyond_the_default_that_was_set(site: Site) -> None:
    set_default_limit(site, 0)

    with pytest.raises(LimitReached):
        capture(site, site.account("acme"), "vm-1", "golden", project="acme")


def test_keystones_registered_limit_is_shown_and_is_not_changed_here(site: Site) -> None:
    registered = replace(site, provider=KeystoneWithLimits(LOCATION, SetClock(at("1T00:00"))))
    set_default_limit(site, 3)

    assert find_default_limit(registered).source == "keystone"
    with pytest.raises(Refused, match="change it in Keystone"):
        set_default_limit(registered, 4)

    assert find_default_limit(site).max_images == 3
    assert set_default_limit(registered, None).max_images == 7
    assert find_default_limit(site).source == "location"
