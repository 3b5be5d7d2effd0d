"""Captures an instance's primary disk as a new image of the account.

The slot is reserved and the task recorded before the cloud is asked, and the request carries our
image's id: whatever happens in between, nothing is orphaned, lost or counted twice.
"""

import contextlib
import logging
import math
from collections.abc import Callable
from datetime import timedelta
from typing import TypedDict

import sqlalchemy as sa

from instance_images.db import accounts, images, tasks
from instance_images.errors import (
    CloudUnavailable,
    ConfigurationError,
    InstanceImagesError,
    Refused,
    TooManyRequests,
    UsageError,
    WrongState,
)
from instance_images.locations.limits import require_free_slot
from instance_images.locations.site import Site, require_enabled
from instance_images.model import capture_journal
from instance_images.model.capture import consistency_of, fault_of_source
from instance_images.model.capture_journal import Step
from instance_images.model.cloud import CloudImageStatus, Server, ServerStatus
from instance_images.model.outcomes import Failed
from instance_images.model.records import (
    UNFINISHED,
    Account,
    Consistency,
    ImageRequest,
    ImageStatus,
    TaskKind,
    TaskState,
)
from instance_images.model.requests.idempotency import RequestIds, ids_of_request, without_retry
from instance_images.model.volume_capture import Ask
from instance_images.names import fault_of_name, printable
from instance_images.tasks import volume_steps
from instance_images.tasks.advancing import (
    advance_account,
    advance_capture_of,
    with_free_slot,
)
from instance_images.tasks.image_lookup import find_by_mark
from instance_images.tasks.on_record import on_record
from instance_images.tasks.recording import Observation, record
from instance_images.tasks.repeated_requests import (
    find_repeated,
    request_on_record,
    require_key,
    require_new,
)
from instance_images.tasks.settling import settle

LOG = logging.getLogger(__name__)

_MINUTE = timedelta(minutes=1)
# Nova's own word for a fault of its own; other numbers may be a proxy's, and Nova still at work.
_NOVA_FAILED = 500


class _Asked(TypedDict):
    """What the caller asks for."""

    server: str
    name: str
    requires_quiesce: bool
    project: str | None


def capture(
    site: Site,
    account: Account,
    server_reference: str,
    name: str,
    *,
    requires_quiesce: bool = False,
    project: str | None = None,
    key: str | None = None,
) -> ImageRequest:
    """Start to capture the account's instance; return the request, with its image and task ids.

    ``requires_quiesce``: only with consistent file systems. ``project``: id or name of the one that
    the instance is looked for in, None for the caller's or else all of the account's. ``key``: the
    caller's own for this request, by which its repetition is known and makes nothing. Raises
    FeatureNotEnabled, UsageError (the name, the key), NotFound, Refused, WrongState and
    LimitReached with nothing made; CloudUnavailable, and DatabaseUnavailable with a task, with what
    was made recorded in the task.
    """
    require_key(key)
    asked = _Asked(
        server=server_reference, name=name, requires_quiesce=requires_quiesce, project=project
    )
    ids = ids_of_request(account.id, site.name, "create", key, asked)
    known = find_repeated(site, account, ids)
    if known is not None:
        return request_on_record(site, known)
    try:
        request = _recorded(site, account, asked, ids)
    except InstanceImagesError:
        # The same request may have been recorded meanwhile, and be what stands in the way.
        known = find_repeated(site, account, ids)
        if known is None:
            raise
        return request_on_record(site, known)
    with on_record(request.task_id):
        send(site, account, request)
    return request


def _recorded(site: Site, account: Account, asked: _Asked, ids: RequestIds) -> ImageRequest:
    """Decide whether the instance can be captured; take a slot, and record image and task."""
    require_enabled(site)
    fault = fault_of_name(asked["name"])
    if fault:
        raise UsageError(fault)
    advance_account(site, account.id)
    server = site.directory.find_server(
        account, asked["server"], site.project_named(asked["project"])
    )
    request = prepared(site, server, asked["name"], ids)
    if asked["requires_quiesce"] and request.consistency is Consistency.CRASH:
        raise Refused(_cannot_quiesce(server), case="quiesce")

    def add(connection: sa.Connection, account_key: int) -> None:
        require_new(connection, ids)
        images.insert_image(connection, account_key, request)
        tasks.insert_task(
            connection,
            request.task_id,
            request.image_id,
            TaskKind.CREATE,
            request.requested_at,
            project_id=request.project_id,
            journal=request.journal,
            user_id=site.user_id,
        )

    advance_capture_of(site, account, server.id)
    reserve(site, account, request, add)
    return request


def prepared(site: Site, server: Server, name: str, ids: RequestIds) -> ImageRequest:
    """Return the request to capture the instance as it is now. Raises WrongState and Refused."""
    fault = fault_of_source(server)
    if fault:
        raise WrongState(f"Instance {printable(server.name)} cannot be captured now. {fault}")
    now = site.clock()
    freezes = False
    if server.is_volume_backed:
        root = site.provider.find_root_volume(server.project_id, server.id)
        written = capture_journal.of_volume(root, site.location.volume_image_format)
    else:
        written = capture_journal.of_server(now)
        if server.status is ServerStatus.RUNNING:
            freezes = site.provider.freezes_file_systems(server.project_id, server)
    return ImageRequest(
        image_id=ids.image_id,
        task_id=ids.task_id,
        name=name,
        source_instance_id=server.id,
        source_instance_name=server.name,
        project_id=server.project_id,
        consistency=consistency_of(server, freezes),
        requested_at=now,
        journal=ids.written_into(written),
        image_service=site.service.identity,
    )


def _cannot_quiesce(server: Server) -> str:
    why = f"it is {server.status}."
    if server.status is ServerStatus.RUNNING:
        why = "its image lacks hw_qemu_guest_agent=yes or os_require_quiesce=yes."
        if server.is_volume_backed:
            why = (
                "its primary disk is a volume, and snapshots of volumes do not freeze file systems."
            )
    return (
        f"The file systems of instance {printable(server.name)} cannot be made consistent: {why}"
        " Stop the instance before the capture, or capture it as it is."
    )


def reserve(
    site: Site,
    account: Account,
    request: ImageRequest,
    take_slot: Callable[[sa.Connection, int], None],
) -> None:
    """Take one of the account's slots, in one transaction that locks the account's row."""
    keystone_limit = site.provider.account_limit(account)

    def work(connection: sa.Connection) -> None:
        row = accounts.lock_account(connection, site.name, account)
        _require_idle(connection, request)
        require_free_slot(connection, site, account, keystone_limit)
        _require_pace(connection, site, row.account_key)
        take_slot(connection, row.account_key)

    with_free_slot(site, account, lambda: site.database.write(work))


def _require_idle(connection: sa.Connection, request: ImageRequest) -> None:
    """Refuse a second capture of an instance: Nova would answer it with a fault."""
    busy = images.find_creating(connection, request.source_instance_id)
    if busy is not None:
        raise WrongState(
            f"Instance {printable(request.source_instance_name)} cannot be captured now."
            f" Image {busy} is being captured from it: try again when that has ended."
        )


def _require_pace(connection: sa.Connection, site: Site, account_key: int) -> None:
    """Refuse more captures in a minute than the front end allows the account.

    The account's row is locked, so that the count is exact over all processes. An account is told
    when the oldest of the captures that count is a minute old.
    """
    most = site.creates_per_minute
    if most == 0:
        return
    now = site.clock()
    began = tasks.started_captures(connection, account_key, now - _MINUTE, most)
    if len(began) >= most:
        wait = began[-1] + _MINUTE - now
        raise TooManyRequests(most, max(1, math.ceil(wait.total_seconds())))


def send(site: Site, account: Account, request: ImageRequest) -> None:
    """Ask the cloud for the first thing, and record its answer: taken, refused, or failed."""
    LOG.info(
        "%s: capture of instance %s of account %s requested: image %s, task %s",
        site.name,
        request.source_instance_id,
        account.id,
        request.image_id,
        request.task_id,
    )
    try:
        if capture_journal.is_of_volume(request.journal):
            _ask_block_storage(site, request)
        else:
            _ask_compute(site, request)
    except (Refused, ConfigurationError) as error:
        _give_back(site, request, error)
        raise
    except CloudUnavailable as error:
        if error.status == volume_steps.TOO_MANY_REQUESTS:
            _give_back(site, request, error)
            raise
        if not capture_journal.is_of_volume(request.journal):
            _record_unavailable(site, account, request, error)
        raise CloudUnavailable(
            f"{error} The capture is recorded as task {request.task_id}.",
            error.status,
            case="recorded",
            task_id=request.task_id,
        ) from error


def _ask_block_storage(site: Site, request: ImageRequest) -> None:
    with site.database.reading() as connection:
        task = tasks.get_task(connection, request.task_id)
        image = images.get_image(connection, request.image_id)
    ask = Ask(Step.SNAPSHOT, request.journal["volume_id"])
    volume_steps.take(site, task, image, ask)


def _ask_compute(site: Site, request: ImageRequest) -> None:
    cloud_image_id = site.provider.request_capture(
        request.project_id, request.source_instance_id, request.name, request.image_id
    )

    def taken(connection: sa.Connection) -> None:
        # Where the image was deleted meanwhile, its task has ended, and this is left to be removed.
        now = site.clock()
        values = {
            "state": TaskState.RUNNING,
            "stage": "queued",
            "stage_began_at": now,
            "journal": capture_journal.made(request.journal, Step.CAPTURE, cloud_image_id),
        }
        if tasks.update_task(connection, request.task_id, now, **values):
            images.update_image(
                connection,
                request.image_id,
                expected=[ImageStatus.CREATING],
                cloud_image_id=cloud_image_id,
            )

    site.database.write(taken)


def _give_back(site: Site, request: ImageRequest, error: InstanceImagesError) -> None:
    """Give the slot back: the cloud made nothing. A first attempt leaves nothing on record."""

    def work(connection: sa.Connection) -> None:
        task = tasks.get_task(connection, request.task_id)
        if task.attempts > 1 or task.state not in UNFINISHED:
            tasks.write_journal(connection, task, without_retry(task.journal), task.updated_at)
            _record_failed(connection, site, request, error)  # unless it was ended meanwhile
        else:
            tasks.remove_task(connection, request.task_id)
            images.remove_image(connection, request.image_id)

    site.database.write(work)


def _record_failed(
    connection: sa.Connection, site: Site, request: ImageRequest, error: InstanceImagesError
) -> None:
    task = tasks.get_task(connection, request.task_id)
    image = images.get_image(connection, request.image_id)
    record(
        connection,
        [Observation(task=task, image=image, decision=Failed(str(error)), seen_at=site.clock())],
    )


def _record_unavailable(
    site: Site, account: Account, request: ImageRequest, error: CloudUnavailable
) -> None:
    """Keep the image in error where the cloud said that it failed; else leave it to be settled.

    Nova may have made an image before it failed. It stays queued for ever, so it is removed.
    """
    if error.status is None:
        return  # no answer: the request may have taken effect, and the next command looks
    found = None
    with contextlib.suppress(CloudUnavailable):
        found = find_by_mark(site, request.project_id, request.image_id, request.requested_at)
    has_failed = error.status == _NOVA_FAILED
    if found and not (has_failed and found.status is CloudImageStatus.QUEUED):
        return  # it is under way after all

    def work(connection: sa.Connection) -> None:
        _record_failed(connection, site, request, error)

    site.database.write(work)
    with contextlib.suppress(CloudUnavailable):
        settle(site, account.id, only=[request.task_id])  # what Nova has left is removed
