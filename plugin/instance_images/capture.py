"""Captures an instance's primary disk as a new image of the account.

The slot is reserved and the task recorded before the cloud is asked, and the request carries our
image's id: whatever happens in between, nothing is orphaned, lost or counted twice.
"""

import uuid
from datetime import datetime

import sqlalchemy as sa

from instance_images import images, tasks
from instance_images.domain import (
    Account,
    Consistency,
    ImageRequest,
    ImageStatus,
    TaskKind,
    TaskState,
)
from instance_images.errors import CloudUnavailable, Refused, UsageError, WrongState
from instance_images.names import fault_of_name, printable
from instance_images.provider import CloudImageStatus, Server, ServerStatus
from instance_images.settling import Observation, record, settle
from instance_images.site import Site, require_enabled, reserve_slot
from instance_images.transitions import Failed, fault_of_source


def capture(
    site: Site, account: Account, server_reference: str, name: str, project: str | None = None
) -> ImageRequest:
    """Start to capture the account's instance; return the request, with its image and task ids.

    ``project``: id or name of the one that it is looked for in; None for all of the account's.
    Raises FeatureNotEnabled, UsageError (the name), NotFound, WrongState and LimitReached with
    nothing made; CloudUnavailable with what was made recorded in the task.
    """
    require_enabled(site)
    fault = fault_of_name(name)
    if fault:
        raise UsageError(fault)
    settle(site, account.id)
    server = site.directory.find_server(account, server_reference, project)
    fault = fault_of_source(server)
    if fault:
        raise WrongState(f"Instance {printable(server.name)} cannot be captured now. {fault}")
    request = _request(server, name, site.clock())
    _reserve(site, account, request)
    _send(site, request)
    return request


def _request(server: Server, name: str, now: datetime) -> ImageRequest:
    was_off = server.status is ServerStatus.STOPPED
    return ImageRequest(
        image_id=str(uuid.uuid4()),
        task_id=str(uuid.uuid4()),
        name=name,
        source_instance_id=server.id,
        source_instance_name=server.name,
        project_id=server.project_id,
        consistency=Consistency.OFFLINE if was_off else Consistency.CRASH,
        requested_at=now,
    )


def _reserve(site: Site, account: Account, request: ImageRequest) -> None:
    """Take one of the account's slots, in one transaction that locks the account's row."""
    keystone_limit = site.provider.account_limit(account)

    def reserve(connection: sa.Connection) -> None:
        row = reserve_slot(connection, site, account, keystone_limit)
        _require_idle(connection, row.account_key, request)
        images.insert_image(connection, row.account_key, request)
        tasks.insert_task(
            connection,
            request.task_id,
            request.image_id,
            TaskKind.CREATE,
            request.requested_at,
            project_id=request.project_id,
        )

    site.database.write(reserve)


def _require_idle(connection: sa.Connection, account_key: int, request: ImageRequest) -> None:
    """Refuse a second capture of an instance: Nova would answer it with a fault."""
    busy = images.find_creating(connection, account_key, request.source_instance_id)
    if busy is not None:
        raise WrongState(
            f"Instance {printable(request.source_instance_name)} cannot be captured now."
            f" Image {busy} is being captured from it: try again when that has ended."
        )


def _send(site: Site, request: ImageRequest) -> None:
    """Ask the cloud, and record its answer: taken, refused, or failed."""
    try:
        cloud_image_id = site.provider.request_capture(
            request.project_id, request.source_instance_id, request.name, request.image_id
        )
    except Refused:
        _release(site, request)
        raise
    except CloudUnavailable as error:
        _record_unavailable(site, request, error)
        raise

    def taken(connection: sa.Connection) -> None:
        images.update_image(
            connection,
            request.image_id,
            expected=[ImageStatus.CREATING],
            cloud_image_id=cloud_image_id,
        )
        tasks.update_task(
            connection, request.task_id, site.clock(), state=TaskState.RUNNING, stage="queued"
        )

    site.database.write(taken)


def _release(site: Site, request: ImageRequest) -> None:
    """Give the slot back: the cloud made nothing, so nothing is left on record."""
    with site.database.writing() as connection:
        tasks.remove_task(connection, request.task_id)
        images.remove_image(connection, request.image_id)


def _record_unavailable(site: Site, request: ImageRequest, error: CloudUnavailable) -> None:
    """Keep the image in error where the cloud said that it failed; else leave it to be settled.

    Nova may have made an image before it failed. It stays queued for ever, so it is removed.
    """
    if error.status is None:
        return  # no answer: the request may have taken effect, and the next command looks
    found = site.provider.find_captured(request.project_id, request.image_id)
    if found and found.status is not CloudImageStatus.QUEUED:
        return  # it is under way after all
    if found:
        site.provider.delete_image(request.project_id, found.id)
    with site.database.writing() as connection:
        task = tasks.get_task(connection, request.task_id)
        image = images.get_image(connection, request.image_id)
        record(connection, [Observation(task, image, Failed(str(error)), site.clock())])
