"""A world in which customers also work without us, behind our back."""

from dataclasses import replace

import pytest

from instance_images.db import images
from instance_images.locations.site import Site
from instance_images.model.cloud import Claims, CloudImage
from instance_images.model.records import AdoptionPolicy, AdoptMode, Image
from instance_images.sync.reconcile import synchronize

from support.clouds.memory_cloud import GB
from support.worlds.ledger_world import LOCATION, World, at

SNAPSHOT = Claims(source_instance_id="vm", looks_captured=True)
SHELF = replace(SNAPSHOT, looks_shelved=True)

# What is decided, rather than how it is stored, need not be shown on every kind of database.
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Cloud(World):
    """A world in which customers also work without us."""

    def adopt(self, mode: str, *excluded: str, max_images: int = 1000) -> "Cloud":
        """From now on adopt what the mode says."""
        location = replace(LOCATION, max_images=max_images)
        policy = AdoptionPolicy(AdoptMode(mode), frozenset(excluded))
        self.site = Site(
            location=location,
            provider=self.cloud,
            database=self.database,
            clock=self.clock,
            default_max_images=1000,
            adoption=policy,
        )
        return self

    def put(self, when: str, owner: str = "a", size: int = GB, **values: object) -> CloudImage:
        """Make an image without us."""
        self.clock.now = at(when)
        return self.cloud.put(owner, size, **{"claims": SNAPSHOT, **values})

    def sync(self, when: str, *, dry_run: bool = False) -> list[str]:
        """Read the cloud; return what was learned, in short."""
        self.clock.now = at(when)
        return [f"{one.event} {one.name}" for one in synchronize(self.site, dry_run=dry_run)]

    def held(self, account: str = "a") -> list[Image]:
        """Return the account's images, as they are on record."""
        with self.database.reading() as connection:
            return images.list_images(connection, LOCATION.name, account)
