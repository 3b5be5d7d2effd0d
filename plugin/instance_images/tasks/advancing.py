"""Which tasks an operation advances before it decides: all of the account, or those that it needs.

The front end chooses. A command line has all day, and is often all that advances tasks. A request
over the network has seconds, and an account may have a thousand tasks.
"""

from collections.abc import Callable, Iterable, Sequence

from instance_images.db import images, tasks
from instance_images.drivers import patience
from instance_images.errors import LimitReached
from instance_images.locations.site import Advance, Site, resolve_image
from instance_images.model.records import Account, Image, TaskKind
from instance_images.tasks.settling import settle

SECONDS_BEFORE_REFUSAL = 5.0
# What a slot is held by that is still to be had or not.
_HOLDING_KINDS = (TaskKind.CREATE, TaskKind.DELETE)


def advance_account(site: Site, account_id: str | None) -> None:
    """Advance the tasks of one account, or of all, where the front end wants all advanced."""
    if site.advances is Advance.ACCOUNT:
        settle(site, account_id)


def current_image(site: Site, account: Account, reference: str) -> Image:
    """Return the account's image of that id or name as it is when its tasks are advanced.

    Raises NotFound, and Refused where several have the name.
    """
    [image] = current_images(site, account, [reference])
    return image


def current_images(site: Site, account: Account, references: Sequence[str]) -> list[Image]:
    """Do the same for several; the first that is unknown is told."""
    advance_account(site, account.id)
    found = _resolved(site, account, references)
    if site.advances is Advance.ACCOUNT:
        return found
    with patience.within(SECONDS_BEFORE_REFUSAL):  # for all of them
        for image in found:
            advance_image(site, account, image.id)
    return _resolved(site, account, [image.id for image in found])


def advance_image(site: Site, account: Account, image_id: str) -> None:
    """Advance the tasks of one image of the account, for a few seconds at most."""
    with site.database.reading() as connection:
        found = tasks.open_tasks(connection, site.name, account.id, image_id=image_id)
    advance(site, account.id, [task.id for task in found])


def advance_capture_of(site: Site, account: Account, source_instance_id: str) -> None:
    """Advance the account's capture of the instance that is under way, before one is refused."""
    if site.advances is Advance.ACCOUNT:
        return  # it was advanced with all others
    with site.database.reading() as connection:
        image_id = images.find_creating(connection, source_instance_id)
    if image_id is not None:
        advance_image(site, account, image_id)


def with_free_slot(site: Site, account: Account, reserve: Callable[[], None]) -> None:
    """Reserve; where the limit is reached, once more after advancing what holds the slots."""
    try:
        reserve()
    except LimitReached:
        if site.advances is Advance.ACCOUNT:
            raise
        with site.database.reading() as connection:
            found = tasks.unfinished_tasks(connection, site.name, account.id)
        advance(site, account.id, [task.id for task in found if task.kind in _HOLDING_KINDS])
        reserve()


def advance(site: Site, account_id: str, task_ids: Iterable[str]) -> None:
    """Advance the tasks one after the other, and begin with none when the time is over.

    A request that is under way then is given up: that raises CloudUnavailable.
    """
    with patience.within(SECONDS_BEFORE_REFUSAL):
        for task_id in task_ids:
            if not patience.is_time_over():
                settle(site, account_id, only=[task_id])


def _resolved(site: Site, account: Account, references: Sequence[str]) -> list[Image]:
    with site.database.reading() as connection:
        return [resolve_image(connection, site, account, reference) for reference in references]
