"""Finds the images of an account: at one location, or at whichever location has them.

Another account's image looks like nobody's here. Its id leads to its location only to save the
requests to the others; what is told, and where it was looked for, is the same as for an unknown id.
"""

from collections.abc import Sequence
from datetime import datetime

from instance_images.db import images
from instance_images.errors import NotFound, Refused
from instance_images.locations.application import Application
from instance_images.locations.everywhere import Everywhere, at_each
from instance_images.locations.site import Site, resolve_image
from instance_images.model.records import Account, Image, Task
from instance_images.names import printable
from instance_images.tasks.advancing import advance_account
from instance_images.tasks.overdue import Turn, check_overdue, is_overdue


def list_images(site: Site, account: str | None, *, all_accounts: bool = False) -> list[Image]:
    """Return the images that are not deleted, oldest first, of one account or of all."""
    account_id = None if all_accounts else site.account(account).id
    advance_account(site, account_id)
    with site.database.reading() as connection:
        return images.list_images(connection, site.name, account_id)


def find_image(site: Site, account: str | None, reference: str) -> Image:
    """Return the account's image of that id or name at the location. Raises NotFound."""
    owner = site.account(account)
    advance_account(site, owner.id)
    with site.database.reading() as connection:
        return resolve_image(connection, site, owner, reference)


def find_image_at(
    application: Application, names: Sequence[str], account: str | None, reference: str
) -> Everywhere[Image]:
    """Return the one image of the account that has that id or name at any of these locations.

    Raises NotFound, and Refused where several locations have one of that name.
    """

    def look(site: Site) -> Image:
        return find_image(site, account, reference)

    with application.database.reading() as connection:
        known = images.location_of_image(connection, reference)
    try:
        outcome = at_each(application, names if known not in names else [str(known)], look)
    except NotFound:
        if known is None:
            raise
        outcome = at_each(application, names, look)
    if len(outcome.found) > 1:
        listed = ", ".join(image.location for image in outcome.found)
        raise Refused(
            f"{len(outcome.found)} locations have an image {printable(reference)!r}: name one of"
            f" {listed}.",
            case="location",
        )
    return outcome


def find_own_image(
    application: Application, names: Sequence[str], account: Account, image_id: str
) -> Image:
    """Return the account's image of that id at whichever of the locations has it, as recorded.

    Raises NotFound, also for another account's.
    """
    return _own_image(application, names, account, image_id)[0]


def image_of_task(site: Site, task: Task) -> Image:
    """Return the image that the task is about, also one that was deleted since."""
    with site.database.reading() as connection:
        return images.get_image(connection, task.image_id)


def current_own_image(
    application: Application, names: Sequence[str], account: Account, image_id: str, turn: Turn
) -> Image:
    """Return the same, after a look at the cloud where no worker has had one in time.

    A turn is only taken where a look is overdue. Without one, the image is as recorded.
    """
    image, first_look_at = _own_image(application, names, account, image_id)
    if not is_overdue(first_look_at, application.clock()):
        return image
    with turn() as has_turn:
        if not has_turn:
            return image
        check_overdue(application.site(image.location), account, image_id=image.id)
    return find_own_image(application, names, account, image_id)


def _own_image(
    application: Application, names: Sequence[str], account: Account, image_id: str
) -> tuple[Image, datetime | None]:
    with application.database.asking() as connection:
        found = images.find_own_image(connection, names, account.id, image_id)
    if found is None:
        raise NotFound("Image", image_id, "The account has none of that id.")
    return found
