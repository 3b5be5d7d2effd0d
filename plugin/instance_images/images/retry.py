"""Repeats a capture that failed, as the same image and the same task."""

import logging
from dataclasses import replace

import sqlalchemy as sa

from instance_images.db import images, tasks
from instance_images.errors import InstanceImagesError, NotFound, WrongState
from instance_images.images.capture import prepared, reserve, send
from instance_images.locations.site import Site, require_enabled
from instance_images.model.records import (
    Account,
    Image,
    ImageRequest,
    ImageStatus,
    Task,
    TaskKind,
    TaskState,
)
from instance_images.model.requests.idempotency import (
    RequestIds,
    id_of_retry,
    was_retried,
    with_retry,
)
from instance_images.names import printable
from instance_images.tasks.advancing import advance_account
from instance_images.tasks.find import find_task
from instance_images.tasks.on_record import on_record
from instance_images.tasks.repeated_requests import request_on_record, require_key
from instance_images.tasks.settling import settle

LOG = logging.getLogger(__name__)


def retry(site: Site, account: Account, task_id: str, key: str | None = None) -> ImageRequest:
    """Start the account's failed capture again; return the request.

    The image keeps its id and takes a slot again. What the attempt before left in the cloud is
    removed first. ``key``: the caller's own for this retry, by which its repetition is known and
    begins nothing. Raises FeatureNotEnabled, NotFound (also of an instance that is gone),
    WrongState, Refused and LimitReached with nothing changed; CloudUnavailable and
    DatabaseUnavailable as ``capture``.
    """
    require_key(key)
    retry_id = id_of_retry(account.id, site.name, task_id, key)
    task = find_task(site, account, task_id)
    if was_retried(task.journal, retry_id):
        return request_on_record(site, task)
    try:
        request = _begun_again(site, account, task_id, retry_id)
    except InstanceImagesError:
        # The same retry may have begun meanwhile, and be what stands in the way.
        task = find_task(site, account, task_id)
        if was_retried(task.journal, retry_id):
            return request_on_record(site, task)
        raise
    with on_record(request.task_id):
        send(site, account, request)
    return request


def _begun_again(site: Site, account: Account, task_id: str, retry_id: str | None) -> ImageRequest:
    require_enabled(site)
    advance_account(site, account.id)
    settle(site, account.id, only=[task_id])  # what it left may not be due, and be removable now
    task, image = _failed(site, account, task_id)
    server = site.provider.get_server(image.project_id, image.source_instance_id)
    if server is None:
        hint = f"Project {image.project_id} has none of that id in {site.name}."
        raise NotFound("Instance", image.source_instance_id, hint)
    request = prepared(site, server, image.name, RequestIds(task.id, image.id))
    request = replace(request, journal=with_retry(request.journal, task.journal, retry_id))

    def begin_again(connection: sa.Connection, _account_key: int) -> None:
        is_ours = tasks.restart_task(
            connection, task, request.requested_at, request.journal, site.user_id
        )
        if not is_ours or not images.update_image(
            connection,
            image.id,
            expected=[ImageStatus.ERROR],
            status=ImageStatus.CREATING,
            error=None,
            consistency=request.consistency,
            source_instance_name=request.source_instance_name,
            cloud_image_id=None,
            image_service=request.image_service,
        ):
            raise WrongState(f"Task {task.id} was retried or its image deleted just now.")

    reserve(site, account, request, begin_again)
    LOG.info("%s: retry of task %s of account %s", site.name, task.id, account.id)
    return request


def _failed(site: Site, account: Account, task_id: str) -> tuple[Task, Image]:
    """Return the task, with its image, if it can be repeated."""
    task = find_task(site, account, task_id)
    with site.database.reading() as connection:
        image = images.get_image(connection, task.image_id)
    fault = fault_of_retry(task, image)
    if fault:
        raise WrongState(f"Task {printable(task.id)} cannot be retried. {fault}")
    return task, image


def fault_of_retry(task: Task, image: Image) -> str | None:
    """Return why the task cannot be repeated now, or None if it can."""
    if task.kind is not TaskKind.CREATE:
        return f"It is a {task.kind} task: only captures can be retried; request others again."
    if task.state is not TaskState.FAILED:
        return f"It is {task.state}: only failed captures can be retried."
    if image.status is not ImageStatus.ERROR:
        return f"Its image is {image.status}."
    if task.has_leftovers:
        return (
            "Its leftovers are still being removed, or its request may still be in progress: try"
            " again later."
        )
    return None
