"""Lists the images of an account page by page, from its records alone: no cloud is asked."""

from collections.abc import Sequence
from dataclasses import replace
from json.encoder import encode_basestring
from typing import Any

import sqlalchemy as sa

from instance_images.db import pages
from instance_images.db.engine import Database
from instance_images.db.tables import Instant
from instance_images.model.requests.paging import ImageFilter, Listed, Page
from instance_images.tasks.pages import page_from
from instance_images.views.fields import Encode, encode_seconds, texts_maker
from instance_images.views.records import IMAGE

ALL_IMAGES = ImageFilter()


def page_of_images(
    database: Database,
    locations: Sequence[str],
    account_id: str | None,
    page: Page,
    only: ImageFilter = ALL_IMAGES,
) -> Listed[str]:
    """Return a page of the images of one account, or of all, that are not deleted.

    They are the JSON texts of the images, made of the rows themselves: a page has up to a thousand
    of them. Raises UsageError where the marker is none of the account's images at the
    locations. An image that was deleted meanwhile can be the marker still.
    """
    wanted = replace(page, limit=page.limit + 1)
    with database.asking() as connection:
        found = pages.page_of_images(connection, locations, account_id, wanted, only)
    listed = page_from(found, page, lambda row: str(row[0]))
    return Listed(_TEXTS(listed.items), listed.next_marker)


def _encoder(column: sa.Column[Any]) -> Encode:
    if isinstance(column.type, Instant):
        return encode_seconds
    return str if isinstance(column.type, sa.Integer) else encode_basestring


_TEXTS = texts_maker(IMAGE, {name: _encoder(column) for name, column in pages.COLUMNS.items()})
