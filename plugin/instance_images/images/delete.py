"""Deletes an image of the account, for good. Billing ends when the cloud has accepted it."""

import logging
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from instance_images.db import images, readings, tasks
from instance_images.deployments.scaling_groups import require_unused
from instance_images.errors import CloudUnavailable, InstanceImagesError, Refused, WrongState
from instance_images.locations.site import Site
from instance_images.model.cloud import CloudImage
from instance_images.model.deletion import vanished_at
from instance_images.model.image_events import Learning, Source
from instance_images.model.records import Account, Image, ImageStatus, TaskKind
from instance_images.names import printable
from instance_images.tasks.advancing import current_images
from instance_images.tasks.image_lookup import find_in_cloud
from instance_images.tasks.on_record import on_record
from instance_images.tasks.recording import record_deleted, record_not_deleted

LOG = logging.getLogger(__name__)

_DELETABLE = (ImageStatus.CREATING, ImageStatus.AVAILABLE, ImageStatus.ERROR)


@dataclass(frozen=True, slots=True)
class Deletion:
    """An image's record after its deletion; ``was_gone`` where the cloud had it no more."""

    image: Image
    was_gone: bool


def find(site: Site, account: Account, references: Sequence[str]) -> list[Image]:
    """Return the account's images that are to be deleted. Raises NotFound for the first unknown."""
    return current_images(site, account, references)


def delete(site: Site, account: Account, reference: str, *, force: bool = False) -> Deletion:
    """Delete the account's image.

    With ``force``, also one that stacks make instances from. An image that is gone from the cloud
    already counts as deleted when it was last seen. Raises NotFound, WrongState and Refused (in
    use, protected) with the image left as it was; CloudUnavailable, and DatabaseUnavailable with a
    task, with the deletion recorded, to be settled by the next command or run.
    """
    [image] = find(site, account, [reference])
    looked_at = site.clock()
    found = find_in_cloud(site, image)
    _require_own(image, found)
    if found is not None and image.available_at is not None and not force:
        require_unused(site, image)
    task_id = _begin(site, image)
    LOG.info(
        "%s: deletion of image %s of account %s requested: task %s",
        site.name,
        image.id,
        account.id,
        task_id,
    )
    with on_record(task_id):
        was_there = found is not None and _send(site, image, found, task_id)
        if was_there:
            deleted_at = site.clock()
        else:  # without us: charged until it was last seen, which may be a moment ago
            deleted_at = _gone_since(site, image) if found is None else looked_at
        _end(site, image, task_id, deleted_at)
        with site.database.reading() as connection:
            return Deletion(images.get_image(connection, image.id), was_gone=not was_there)


def delete_each(
    site: Site, account: Account, references: Sequence[str], *, force: bool = False
) -> Iterator[Deletion | InstanceImagesError]:
    """Delete the account's images one after the other; yield what became of each.

    One that cannot be deleted stops no other.
    """
    for reference in references:
        try:
            yield delete(site, account, reference, force=force)
        except InstanceImagesError as error:
            yield error


def _require_own(image: Image, found: CloudImage | None) -> None:
    if image.status is ImageStatus.DELETING:
        raise WrongState(f"Image {printable(image.name)} ({image.id}) is already being deleted.")
    if found is not None and found.owner_id != image.project_id:
        raise Refused(
            f"Image {printable(image.name)} ({image.id}) now belongs to another project in the"
            " image service, so it was not deleted. Contact your provider."
        )


def _begin(site: Site, image: Image) -> str:
    """Record the deletion before the cloud is asked for it; a capture under way ends here."""
    task_id = str(uuid.uuid4())
    now = site.clock()

    def work(connection: sa.Connection) -> None:
        if not images.update_image(
            connection,
            image.id,
            expected=_DELETABLE,
            status=ImageStatus.DELETING,
            task_id=task_id,
        ):
            raise WrongState(
                f"Image {printable(image.name)} ({image.id}) is already being deleted."
            )
        tasks.finish_task(
            connection, image.task_id, now, error="The image was deleted before it was available."
        )
        tasks.insert_task(
            connection,
            task_id,
            image.id,
            TaskKind.DELETE,
            now,
            project_id=image.project_id,
            user_id=site.user_id,
        )

    site.database.write(work)
    return task_id


def _gone_since(site: Site, image: Image) -> datetime:
    if image.available_at is None:
        return site.clock()
    with site.database.reading() as connection:
        return vanished_at(image, readings.last_read_at(connection, site.name))


def _send(site: Site, image: Image, found: CloudImage, task_id: str) -> bool:
    """Ask the cloud to delete the image; return whether it was still there."""
    try:
        return site.provider.delete_image(image.project_id, found.id)
    except Refused as error:
        reason = str(error)
        site.database.write(
            lambda connection: record_not_deleted(connection, image, task_id, reason, site.clock())
        )
        raise
    except CloudUnavailable as error:
        raise CloudUnavailable(
            f"{error} The deletion is recorded as task {task_id}: the next command or hourly run"
            " determines its outcome.",
            error.status,
            task_id=task_id,
        ) from error


def _end(site: Site, image: Image, task_id: str, deleted_at: datetime) -> None:
    learning = Learning(site.clock(), Source.COMMAND)
    site.database.write(
        lambda connection: record_deleted(connection, image.id, task_id, deleted_at, learning)
    )
