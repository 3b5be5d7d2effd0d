"""The images that a customer can deploy, in two groups.

Images shared by other projects are in neither group: they belong neither to the provider nor to the
account.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from instance_images.db import images
from instance_images.locations.site import Site, require_enabled
from instance_images.model.cloud import OfferedImage
from instance_images.model.records import Account, Image, ImageStatus
from instance_images.tasks.advancing import advance_account

OS_IMAGES, MY_IMAGES = "OS Images", "My Images"


@dataclass(frozen=True, slots=True)
class Choice:
    """An image to deploy from; ``image`` is our record of it where it is the account's own."""

    group: str
    offered: OfferedImage
    image: Image | None = None

    @property
    def id(self) -> str:
        """What 'image deploy' takes; for an OS image, the image service's own id."""
        return self.image.id if self.image else self.offered.id

    @property
    def name(self) -> str:
        """The name given by the account or the provider."""
        return self.image.name if self.image else self.offered.name


@dataclass(frozen=True, slots=True)
class ChoiceGroup:
    """A group of the page, in the order of its names."""

    name: str
    images: Sequence[Choice]


def choices(site: Site, account: Account, project: str | None = None) -> list[ChoiceGroup]:
    """Return the OS images and the account's own images that can be deployed now.

    ``project``: id or name of the account's project whose page it is; None for the only one.

    The number of requests does not grow with the images, but with the pages that they fill.
    """
    require_enabled(site)
    advance_account(site, account.id)
    with site.database.reading() as connection:
        records = images.list_images(connection, site.name, account.id)
    own = {
        image.cloud_image_id: image
        for image in records
        if image.status is ImageStatus.AVAILABLE and image.cloud_image_id
    }
    project_id = site.directory.working_project(account, site.project_named(project))
    offered = site.provider.offered_images(project_id, list(own)) if own else []
    mine = [
        Choice(MY_IMAGES, found, own[found.id])
        for found in offered
        if found.id in own and found.owner_id == own[found.id].project_id
    ]
    others = [
        Choice(OS_IMAGES, found)
        for found in site.provider.list_os_images(project_id)
        if found.id not in own
    ]
    return [ChoiceGroup(OS_IMAGES, _sorted(others)), ChoiceGroup(MY_IMAGES, _sorted(mine))]


def _sorted(found: Iterable[Choice]) -> list[Choice]:
    return sorted(found, key=lambda choice: (choice.name.casefold(), choice.name, choice.id))
