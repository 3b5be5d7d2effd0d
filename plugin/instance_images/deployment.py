"""Deploys a new instance from an image of the account."""

import uuid
from collections.abc import Sequence

from instance_images import tasks
from instance_images.domain import Account, Image, ImageStatus, TaskKind, TaskState
from instance_images.errors import CloudUnavailable, Refused, UsageError, WrongState
from instance_images.names import fault_of_name, printable
from instance_images.provider import CloudImage, Flavor, ServerRequest
from instance_images.settling import settle
from instance_images.site import Site, require_enabled, resolve_image

_GIB = 2**30


def deploy(
    site: Site,
    account: Account,
    reference: str,
    *,
    name: str,
    flavor_reference: str,
    networks: Sequence[str] = (),
    key_name: str | None = None,
    project: str | None = None,
) -> str:
    """Start to make an instance from the account's image; return the task's id.

    ``project``: id or name of the account's project to make it in; None for the image's own.
    ``networks``: names or ids; empty lets the cloud choose, ``["none"]`` attaches none. Raises
    FeatureNotEnabled, UsageError (the name), NotFound, WrongState and Refused with nothing made;
    CloudUnavailable with the request recorded in the task.
    """
    require_enabled(site)
    fault = fault_of_name(name)
    if fault:
        raise UsageError(fault)
    settle(site, account.id)
    with site.database.reading() as connection:
        image = resolve_image(connection, site, account, reference)
    found = _require_available(site, account, image)
    project_id = site.directory.project_of(account, project).id if project else image.project_id
    flavor = site.provider.find_flavor(project_id, flavor_reference)
    fault = fault_of_flavor(found, flavor)
    if fault:
        raise Refused(f"Flavor {printable(flavor.name)} is too small for the image: {fault}")
    request = ServerRequest(str(uuid.uuid4()), name, found.id, flavor, tuple(networks), key_name)
    if project_id != image.project_id:
        site.provider.share_image(found.id, [project_id])
    _send(site, project_id, image, request)
    return request.request_id


def _require_available(site: Site, account: Account, image: Image) -> CloudImage:
    if image.status is not ImageStatus.AVAILABLE or image.cloud_image_id is None:
        raise WrongState(
            f"Image {printable(image.name)} ({image.id}) is {image.status}: only an available image"
            " can be deployed."
        )
    found = site.provider.get_image(image.cloud_image_id)
    if found is None or found.owner_id != image.project_id:
        raise WrongState(
            f"Image {printable(image.name)} ({image.id}) is no longer in the image service as one"
            f" of account {printable(account.name)}: delete it here, and capture it again."
        )
    return found


def fault_of_flavor(image: CloudImage, flavor: Flavor) -> str | None:
    """Return why an instance of the flavor cannot hold the image, or None if it can."""
    disk_gib = max(image.min_disk_gib, -(-(image.virtual_size_bytes or 0) // _GIB))
    if 0 < flavor.disk_gib < disk_gib:
        return f"it has {flavor.disk_gib} GiB of disk, and the image needs {disk_gib} GiB."
    if flavor.ram_mib < image.min_ram_mib:
        return f"it has {flavor.ram_mib} MiB of memory, and the image needs {image.min_ram_mib}."
    return None


def _send(site: Site, project_id: str, image: Image, request: ServerRequest) -> None:
    """Record the task, ask the cloud, record its answer."""
    task_id = request.request_id
    with site.database.writing() as connection:
        tasks.insert_task(
            connection, task_id, image.id, TaskKind.DEPLOY, site.clock(), project_id=project_id
        )
    try:
        server_id = site.provider.request_server(project_id, request)
    except Refused:
        with site.database.writing() as connection:
            tasks.remove_task(connection, task_id)
        raise
    except CloudUnavailable as error:
        raise CloudUnavailable(
            f"{error} The deployment is recorded as task {task_id}: 'instance-images task show"
            f" {task_id}' finds out what became of it.",
            error.status,
        ) from error
    with site.database.writing() as connection:
        tasks.update_task(
            connection,
            task_id,
            site.clock(),
            state=TaskState.RUNNING,
            stage="building",
            server_id=server_id,
        )
