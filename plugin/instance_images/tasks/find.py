"""Finds the tasks of an account: at one location, or at whichever location has them.

Another account's task looks like nobody's here.
"""

from collections.abc import Iterable, Sequence

from instance_images.db import tasks
from instance_images.errors import NotFound
from instance_images.locations.application import Application
from instance_images.locations.everywhere import Everywhere, at_each
from instance_images.locations.site import Site
from instance_images.model.records import Account, Task
from instance_images.tasks.overdue import Turn, check_overdue, is_overdue
from instance_images.tasks.waiting import Watched


def find_task(site: Site, account: Account, task_id: str) -> Task:
    """Return the account's task of that id at the location. Raises NotFound."""
    with site.database.reading() as connection:
        found = tasks.find_task(connection, site.name, account.id, task_id)
    if found is None:
        raise _missing(task_id)
    return found


def place_of_task(
    application: Application, names: Sequence[str], account: str | None, task_id: str
) -> tuple[Site, Account]:
    """Return the location and the account of the account's task. Raises NotFound.

    The database knows where it is, so that no other location is asked for anything.
    """
    with application.database.reading() as connection:
        name = tasks.location_of_task(connection, task_id)
    if name not in names:
        raise _missing(task_id)
    site = application.site(name)
    owner = site.account(account)
    find_task(site, owner, task_id)
    return site, owner


def find_own_task(
    application: Application, names: Sequence[str], account: Account, task_id: str
) -> tuple[Site, Task]:
    """Return the account's task of that id as recorded, and where it is.

    Raises NotFound, also for another account's.
    """
    with application.database.looking() as connection:
        found = tasks.find_own_task(connection, names, account.id, task_id)
    if found is None:
        raise _missing(task_id)
    task, name = found
    return application.site(name), task


def current_own_task(
    application: Application, names: Sequence[str], account: Account, task_id: str, turn: Turn
) -> tuple[Site, Task]:
    """Return the same, after a look at the cloud where no worker has had one in time.

    A turn is only taken where a look is overdue. Without one, the task is as recorded.
    """
    site, task = find_own_task(application, names, account, task_id)
    if is_overdue(task.look_at, site.clock()):
        with turn() as has_turn:
            if has_turn and check_overdue(site, account, task_id=task_id):
                task = find_task(site, account, task_id)
    return site, task


def unfinished_tasks(
    application: Application, names: Sequence[str], account: str | None
) -> Everywhere[Watched]:
    """Return the account's unfinished tasks by location."""

    def look(site: Site) -> Watched:
        owner = site.account(account)
        with site.database.reading() as connection:
            unfinished = tasks.unfinished_tasks(connection, site.name, owner.id)
        return Watched(site, owner.id, [one.id for one in unfinished])

    return at_each(application, names, look)


def places_of_tasks(
    application: Application, names: Sequence[str], account: str | None, task_ids: Iterable[str]
) -> list[Watched]:
    """Return the account's tasks of these ids by location. Raises NotFound for an unknown one."""
    places: dict[str, Watched] = {}
    for task_id in dict.fromkeys(task_ids):
        site, owner = place_of_task(application, names, account, task_id)
        known = places.get(site.name, Watched(site, owner.id, []))
        places[site.name] = Watched(known.site, owner.id, [*known.task_ids, task_id])
    return list(places.values())


def _missing(task_id: str) -> NotFound:
    hint = "The account has none of that id."
    return NotFound("Task", task_id, hint)
