"""Finds what a request has made already, so that its repetition makes nothing more."""

import sqlalchemy as sa

from instance_images.db import images, tasks
from instance_images.errors import IdempotencyKeyReused, UsageError, WrongState
from instance_images.locations.site import Site
from instance_images.model.records import Account, ImageRequest, Task
from instance_images.model.requests.idempotency import (
    RequestIds,
    fault_of_key,
    is_of_request,
)


def require_key(key: str | None) -> None:
    """Raise UsageError for a key that cannot be used."""
    fault = None if key is None else fault_of_key(key)
    if fault:
        raise UsageError(fault)


def find_repeated(site: Site, account: Account, ids: RequestIds) -> Task | None:
    """Return the task that the same request made, whatever its state; None if there is none.

    Raises IdempotencyKeyReused where another request made it.
    """
    if ids.digest is None:
        return None
    with site.database.reading() as connection:
        found = tasks.find_task(connection, site.name, account.id, ids.task_id)
        exists = tasks.location_of_task(connection, ids.task_id) is not None
        if found is None and exists:  # it may have been recorded between the two queries
            found = tasks.find_task(connection, site.name, account.id, ids.task_id)
    if found is None and not exists:
        return None
    if found is None or not is_of_request(found.journal, ids):
        raise IdempotencyKeyReused
    return found


def require_new(connection: sa.Connection, ids: RequestIds) -> None:
    """Raise WrongState where the task of the request is on record; its caller then looks for it.

    The account's row is locked, and whoever records the task does so in the same transaction.
    """
    if tasks.location_of_task(connection, ids.task_id) is not None:
        raise WrongState(f"The request is recorded as task {ids.task_id}.")


def request_on_record(site: Site, task: Task) -> ImageRequest:
    """Return the capture that the task is about, as it is on record."""
    with site.database.reading() as connection:
        image = images.get_image(connection, task.image_id)
    return ImageRequest(
        image_id=image.id,
        task_id=task.id,
        name=image.name,
        source_instance_id=image.source_instance_id,
        source_instance_name=image.source_instance_name,
        project_id=image.project_id,
        consistency=image.consistency,
        requested_at=task.started_at,
        journal=task.journal,
    )
