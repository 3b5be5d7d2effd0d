"""Lists the images of an account page by page, from its records alone: no cloud is asked."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from instance_images.db import pages
from instance_images.db.engine import Database
from instance_images.db.images import image_of
from instance_images.model.records import Image
from instance_images.model.requests.paging import ImageFilter, Listed, Page
from instance_images.tasks.pages import page_from
from instance_images.views.fields import json_maker
from instance_images.views.records import IMAGE

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
    found = _rows(database, locations, account_id, page, only)
    items = None if found is None else [image_of(row) for row in found]
    return page_from(items, page, lambda image: image.id)


def page_of_fields(
    database: Database,
    locations: Sequence[str],
    account_id: str | None,
    page: Page,
    only: ImageFilter = ALL_IMAGES,
) -> Listed[dict[str, Any]]:
    """Return the same page as the JSON objects of its images, made of the rows themselves.

    A page has up to a thousand of them.
    """
    found = _rows(database, locations, account_id, page, only)
    items = found and list(map(json_maker(IMAGE, tuple(found[0]._fields)), found))
    return page_from(items, page, lambda fields: str(fields["id"]))


def _rows(
    database: Database,
    locations: Sequence[str],
    account_id: str | None,
    page: Page,
    only: ImageFilter,
) -> Sequence[Any] | None:
    wanted = replace(page, limit=page.limit + 1)
    with database.looking() as connection:
        return pages.page_of_images(connection, locations, account_id, wanted, only)
