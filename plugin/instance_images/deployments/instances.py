"""Deploys new instances from an image of the account.

An invalid order is refused before the task is recorded and the cloud called. Instances in error are
kept for the customer to inspect.
"""

import base64
import contextlib
import logging
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from instance_images.db import tasks
from instance_images.db.accounts import lock_account
from instance_images.errors import (
    CloudUnavailable,
    InstanceImagesError,
    Refused,
    UsageError,
    WrongState,
)
from instance_images.locations.site import Site, require_enabled
from instance_images.model.cloud import CloudImage, Flavor, ServerRequest
from instance_images.model.records import Account, Image, ImageStatus, TaskKind, TaskState
from instance_images.model.requests.idempotency import RequestIds, ids_of_request
from instance_images.names import fault_of_name, printable
from instance_images.tasks.advancing import current_image
from instance_images.tasks.on_record import on_record
from instance_images.tasks.repeated_requests import find_repeated, require_key, require_new
from instance_images.tasks.settling import settle

LOG = logging.getLogger(__name__)

# The journal of a task has room for this many ids.
MAX_COUNT = 50
# Nova's limit, in characters of base64.
MAX_USER_DATA_CHARACTERS = 65535
_GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A customer's order, in names or ids. The cloud chooses what is not given.

    ``networks``: ``("none",)`` attaches none. With ``volume_gib`` the primary disk is a new volume
    of so many GiB instead of the flavor's disk.
    """

    name: str
    flavor: str
    networks: Sequence[str] = ()
    key_name: str | None = None
    security_groups: Sequence[str] = ()
    user_data: bytes | None = None
    count: int = 1
    volume_gib: int | None = None
    server_group: str | None = None
    availability_zone: str | None = None


def deploy(
    site: Site,
    account: Account,
    reference: str,
    order: Order,
    project: str | None = None,
    key: str | None = None,
) -> str:
    """Start the deployment of instances from the account's image; return the task's id.

    ``project``: id or name of the account's project to make them in, None for the caller's or else
    the image's own.
    ``key``: the caller's idempotency key: a repeated request creates nothing.
    Raises FeatureNotEnabled, UsageError (the order, the key), NotFound, WrongState and Refused with
    nothing made; CloudUnavailable, and DatabaseUnavailable with a task, with the request recorded
    in the task.
    """
    require_key(key)
    asked = {"image": reference, "project": project, **asdict(order)}
    ids = ids_of_request(account.id, site.name, "deploy", key, asked)
    if find_repeated(site, account, ids) is not None:
        return ids.task_id
    try:
        project_id, request = _recorded(
            site=site, account=account, reference=reference, order=order, project=project, ids=ids
        )
    except InstanceImagesError:
        # The same request may have been recorded meanwhile.
        if find_repeated(site, account, ids) is not None:
            return ids.task_id
        raise
    with on_record(ids.task_id):
        _send(site, project_id, request)
        if order.count > 1:
            with contextlib.suppress(CloudUnavailable):  # the next look learns the other ids
                settle(site, account.id, only=[ids.task_id])
    return ids.task_id


def _recorded(
    site: Site,
    account: Account,
    reference: str,
    order: Order,
    project: str | None,
    ids: RequestIds,
) -> tuple[str, ServerRequest]:
    """Check the order, resolve its project, and record its task."""
    require_enabled(site)
    fault = fault_of_order(order)
    if fault:
        raise UsageError(fault)
    image = current_image(site, account, reference)
    found = require_available(site, account, image)
    project_id = image.project_id
    named = site.project_named(project)
    if named is not None:
        project_id = site.directory.project_of(account, named).id
    flavor = site.provider.find_flavor(project_id, order.flavor)
    fault = fault_of_size(found, flavor, order.volume_gib)
    if fault:
        raise Refused(fault)
    wanted = request_of(order, found, flavor, ids.task_id)
    request = site.provider.resolve_request(project_id, wanted)
    if project_id != image.project_id:
        site.provider.share_image(found.id, [project_id])
    journal = ids.written_into({"name": request.name, "count": request.count})

    def add(connection: sa.Connection) -> None:
        if ids.digest is not None:
            lock_account(connection, site.name, account)
            require_new(connection, ids)
        tasks.insert_task(
            connection,
            ids.task_id,
            image.id,
            TaskKind.DEPLOY,
            site.clock(),
            project_id=project_id,
            journal=journal,
            user_id=site.user_id,
        )

    site.database.write(add)
    return project_id, request


def fault_of_order(order: Order) -> str | None:
    """Return why the order is invalid for any cloud, or None."""
    longest = f"{order.name}-{order.count}" if order.count > 1 else order.name
    if not 1 <= order.count <= MAX_COUNT:
        return f"{order.count} instances: one command makes 1 to {MAX_COUNT}."
    if "none" in order.networks and len(order.networks) > 1:
        return "Network none means no network: it cannot be combined with other networks."
    if "none" in order.networks and order.security_groups:
        return "Security groups apply to ports: they cannot be combined with network none."
    if order.user_data and len(_encoded(order.user_data)) > MAX_USER_DATA_CHARACTERS:
        most = MAX_USER_DATA_CHARACTERS // 4 * 3
        return f"The user data has {len(order.user_data)} bytes; the cloud accepts at most {most}."
    return fault_of_name(longest if order.name else "")


def _encoded(user_data: bytes) -> str:
    return base64.b64encode(user_data).decode("ascii")


def request_of(
    order: Order, image: CloudImage, flavor: Flavor, request_id: str | None = None
) -> ServerRequest:
    """Return the request for the driver, with that mark or a new one.

    Names are not resolved yet.
    """
    return ServerRequest(
        request_id=request_id or str(uuid.uuid4()),
        name=order.name,
        cloud_image_id=image.id,
        flavor=flavor,
        networks=tuple(order.networks),
        key_name=order.key_name,
        security_groups=tuple(order.security_groups),
        user_data=_encoded(order.user_data) if order.user_data else None,
        count=order.count,
        volume_gib=order.volume_gib,
        server_group=order.server_group,
        availability_zone=order.availability_zone,
    )


def require_available(site: Site, account: Account, image: Image) -> CloudImage:
    """Return the image from the image service; raise WrongState if it cannot be deployed."""
    if image.status is not ImageStatus.AVAILABLE or image.cloud_image_id is None:
        raise WrongState(
            f"Image {printable(image.name)} ({image.id}) is {image.status}: only an available image"
            " can be deployed."
        )
    found = site.provider.get_image(image.cloud_image_id)
    if found is None or found.owner_id != image.project_id:
        raise WrongState(
            f"Image {printable(image.name)} ({image.id}) was deleted from the image service, or"
            f" no longer belongs to account {printable(account.name)} there: delete it here, and"
            " capture it again."
        )
    return found


def fault_of_size(image: CloudImage, flavor: Flavor, volume_gib: int | None = None) -> str | None:
    """Return why the image does not fit the flavor or the volume; None if it fits.

    The virtual size of an image is at least its stored size.
    """
    bytes_inside = max(image.virtual_size_bytes or 0, image.size_bytes or 0)
    disk_gib = max(image.min_disk_gib, -(-bytes_inside // _GIB))
    if volume_gib is not None and volume_gib < disk_gib:
        return (
            f"A volume of {volume_gib} GiB is too small for the image, which needs {disk_gib} GiB."
        )
    small = f"Flavor {printable(flavor.name)} is too small for the image: it has"
    if volume_gib is None and 0 < flavor.disk_gib < disk_gib:
        return f"{small} {flavor.disk_gib} GiB of disk, and the image needs {disk_gib} GiB."
    if flavor.ram_mib < image.min_ram_mib:
        return f"{small} {flavor.ram_mib} MiB of memory, and the image needs {image.min_ram_mib}."
    return None


def _send(site: Site, project_id: str, request: ServerRequest) -> None:
    """Send the request to the cloud, and record the answer."""
    task_id = request.request_id
    LOG.info(
        "%s: deployment of %d instances of image %s in project %s requested: task %s",
        site.name,
        request.count,
        request.cloud_image_id,
        project_id,
        task_id,
    )
    try:
        server_id = site.provider.request_server(project_id, request)
    except Refused:
        site.database.write(lambda connection: tasks.remove_task(connection, task_id))
        raise
    except CloudUnavailable as error:
        raise CloudUnavailable(
            f"{error} The deployment is recorded as task {task_id}.",
            error.status,
            case="recorded",
            task_id=task_id,
        ) from error
    site.database.write(
        lambda connection: tasks.update_task(
            connection,
            task_id,
            site.clock(),
            state=TaskState.RUNNING,
            stage="building",
            server_id=server_id,
        )
    )
