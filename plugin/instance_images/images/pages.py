"""Lists the images of an account page by page, from its records alone: no cloud is asked."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from instance_images.db import pages
from instance_images.db.engine import Database
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
) -> Listed[dict[str, Any]]:
    """Return a page of the images of one account, or of all, that are not deleted.

    They are the JSON objects of the images, made of the rows themselves: a page has up to a
    thousand of them. Raises UsageError where the marker is none of the account's images at the
    locations. An image that was deleted meanwhile can be the marker still.
    """
    wanted = replace(page, limit=page.limit + 1)
    with database.looking() as connection:
        found = pages.page_of_images(connection, locations, account_id, wanted, only)
    items = None if found is None else _as_json(found)
    return page_from(items, page, lambda fields: str(fields["id"]))


def _as_json(rows: Sequence[Any]) -> list[dict[str, Any]]:
    return list(map(json_maker(IMAGE, tuple(rows[0]._fields)), rows)) if rows else []
