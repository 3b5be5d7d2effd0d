"""Lists the images of an account page by page, from its records alone: no cloud is asked."""

from collections.abc import Sequence
from dataclasses import replace

from instance_images.db import pages
from instance_images.db.engine import Database
from instance_images.model.records import Image
from instance_images.model.requests.paging import ImageFilter, Listed, Page
from instance_images.tasks.pages import page_from

ALL_IMAGES = ImageFilter()


def page_of_images(
    database: Database,
    locations: Sequence[str],
    account_id: str | None,
    page: Page,
    only: ImageFilter = ALL_IMAGES,
) -> Listed[Image]:
    """Return a page of the images of one account, or of all, that are not deleted.

    Raises UsageError where the marker is none of the account's images at the locations. An image
    that was deleted meanwhile can be the marker still.
    """
    with database.reading() as connection:
        wanted = replace(page, limit=page.limit + 1)
        found = pages.page_of_images(connection, locations, account_id, wanted, only)
    return page_from(found, page)
