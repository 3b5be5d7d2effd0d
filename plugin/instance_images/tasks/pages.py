"""Lists the tasks of an account page by page, from its records alone: none is advanced."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from instance_images.db import pages
from instance_images.db.engine import Database
from instance_images.errors import UsageError
from instance_images.model.records import Task
from instance_images.model.requests.paging import Listed, Page, TaskFilter
from instance_images.names import printable

ALL_TASKS = TaskFilter()

Item = TypeVar("Item")


def page_of_tasks(
    database: Database,
    locations: Sequence[str],
    account_id: str | None,
    page: Page,
    only: TaskFilter = ALL_TASKS,
) -> Listed[Task]:
    """Return a page of the tasks of one account, or of all.

    Raises UsageError where the marker is none of the account's tasks at the locations.
    """
    with database.looking() as connection:
        wanted = replace(page, limit=page.limit + 1)
        found = pages.page_of_tasks(connection, locations, account_id, wanted, only)
    return page_from(found, page, lambda task: task.id)


def page_from(
    found: Sequence[Item] | None, page: Page, id_of: Callable[[Item], str]
) -> Listed[Item]:
    """Return the page, from its items and one more if there is one; None: the marker is unknown."""
    if found is None:
        raise UsageError(
            f"The marker {printable(page.marker or '')!r} is not the id of an item of this list:"
            " give the id of the last item of the previous page."
        )
    items = found[: page.limit]
    return Listed(items, id_of(items[-1]) if len(found) > page.limit else None)
