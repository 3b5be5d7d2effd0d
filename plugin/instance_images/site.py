"""A location with everything that work on it needs, and what all such work begins with."""

from dataclasses import dataclass

import sqlalchemy as sa

from instance_images import accounts, images
from instance_images.config import Location
from instance_images.database import Database
from instance_images.deadlines import DEFAULT_DEADLINES, Deadlines
from instance_images.domain import NO_ADOPTION, Account, AdoptionPolicy, Image, Limit
from instance_images.errors import FeatureNotEnabled, NotFound, Refused
from instance_images.instants import Clock
from instance_images.limits import applicable_limit
from instance_images.names import printable
from instance_images.provider import Provider


@dataclass(frozen=True, slots=True)
class Site:
    """A location, its driver, the database and the clock."""

    location: Location
    provider: Provider
    database: Database
    clock: Clock
    default_max_images: int
    adoption: AdoptionPolicy = NO_ADOPTION
    deadlines: Deadlines = DEFAULT_DEADLINES

    @property
    def name(self) -> str:
        """The location's name."""
        return self.location.name


def require_enabled(site: Site) -> None:
    """Raise FeatureNotEnabled where the location does not offer images."""
    if not site.location.enabled:
        raise FeatureNotEnabled(site.name)


def resolve_image(connection: sa.Connection, site: Site, account: Account, reference: str) -> Image:
    """Return the account's image of that id, or of that name if only one has it.

    Raises NotFound, also where the image is another account's.
    """
    found = images.find_images(connection, site.name, account.id, reference)
    if not found:
        raise NotFound(
            "Image",
            reference,
            f"Account {printable(account.name)} has none of that id or name in {site.name}: see"
            " 'instance-images image list'.",
        )
    if len(found) > 1:
        raise Refused(
            f"{len(found)} images are named {printable(reference)!r}: give the id of one of"
            f" {', '.join(image.id for image in found)}."
        )
    return found[0]


def limit_of(connection: sa.Connection, site: Site, account: Account) -> Limit:
    """Return the limit that applies to the account, and how many images it holds."""
    row = accounts.find_account(connection, site.name, account.id)
    held = accounts.count_held(connection, row.account_key) if row else 0
    max_images, source = applicable_limit(
        row.max_images if row else None, site.location.max_images, site.default_max_images
    )
    return Limit(account.id, account.name, site.name, max_images, source, held)
