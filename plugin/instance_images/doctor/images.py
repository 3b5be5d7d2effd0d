"""The doctor's checks of images: what is stuck, what is empty, and what nobody has on record."""

from collections.abc import Iterator, Sequence
from functools import partial

from instance_images.config.settings import Location
from instance_images.db import cloud_images as images_in_cloud
from instance_images.db import images, readings, tasks
from instance_images.doctor.checks import UNTOUCHED, of_each
from instance_images.doctor.leftovers import find_abandoned, find_leftovers
from instance_images.instants import format_instant
from instance_images.locations.application import Application
from instance_images.locations.site import Site
from instance_images.model.adoption import is_stored
from instance_images.model.cloud import CloudImage, CloudImageStatus, PartKind
from instance_images.model.findings import Finding, Severity
from instance_images.model.records import TaskKind
from instance_images.names import printable

_SYNC = "Run 'instance-images image sync', and read its warnings."


def check_images(application: Application, locations: Sequence[Location]) -> Iterator[Finding]:
    """Find images and tasks that need somebody's attention."""
    yield from of_each("images", locations, partial(_look, application))


def _look(application: Application, location: Location) -> Iterator[Finding]:
    site = application.site(location.name)
    yield from _late_reading(site)
    yield from _stuck(site)
    yield from find_leftovers(site)
    yield from find_abandoned(site)
    yield from _empty(site)
    yield from _orphans(site)
    yield from _forgotten_parts(site)


def _late_reading(site: Site) -> Iterator[Finding]:
    with site.database.reading() as connection:
        read_at = readings.last_read_at(connection, site.name)
        is_used = bool(images.project_ids(connection, site.name))
    if read_at is None and not is_used:
        return
    if read_at is None or site.clock() - read_at > UNTOUCHED:
        last = "never" if read_at is None else f"{format_instant(read_at)}"
        yield Finding(
            "images",
            Severity.WARNING,
            site.name,
            f"The last complete listing of the location: {last}.",
            "Check that 'instance-images meter run' runs every hour, and read its errors.",
        )


def _stuck(site: Site) -> Iterator[Finding]:
    with site.database.reading() as connection:
        found = tasks.unfinished_tasks(connection, site.name, None)
    for task in found:
        if site.clock() - task.updated_at > UNTOUCHED:
            what = (
                f"The {task.kind} task {task.id} of image {task.image_id} is in stage"
                f" {task.stage!r} without progress since {format_instant(task.updated_at)}."
            )
            yield Finding("images", Severity.ERROR, site.name, what, _SYNC)


def _empty(site: Site) -> Iterator[Finding]:
    with site.database.reading() as connection:
        found = images.available_without_size(connection, site.name)
    for image_id, name in found:
        yield Finding(
            "images",
            Severity.ERROR,
            site.name,
            f"Image {printable(name)} ({image_id}) is available with 0 bytes: it cannot be"
            " deployed, and is not billed.",
            "Delete it, and capture the instance again.",
        )


def _orphans(site: Site) -> Iterator[Finding]:
    """Find images in the cloud that bear our mark and are on record as nothing that lives.

    Also those of which the image service tells no size; it is asked for its list once.
    """
    marked: dict[str, CloudImage] = {}
    for one in site.provider.list_images():
        if one.claims.request_id:
            marked[one.id] = one
        if one.status is CloudImageStatus.ACTIVE and (one.size_bytes is None or one.size_bytes < 0):
            yield _unsized(site, one)
    with site.database.reading() as connection:
        living = images_in_cloud.living_cloud_ids(connection, site.service, list(marked))
        known = images_in_cloud.known_cloud_ids(connection, site.service, list(marked))
        waiting = images_in_cloud.captures_without_image(connection, site.service, site.clock())
    for found in marked.values():
        if found.id in living or found.owner_id in waiting:
            continue
        if found.id in known and is_stored(found):
            yield _returned(site, found)
            continue
        if found.owner_id in site.adoption.excluded_project_ids:
            continue
        stored = "holds bytes" if found.status is CloudImageStatus.ACTIVE else "is incomplete"
        yield Finding(
            "images",
            Severity.WARNING,
            site.name,
            f"Image {found.id} of project {found.owner_id} carries this product's mark and"
            f" {stored}, but is not on record.",
            "Run 'instance-images image sync'; if the finding remains and nobody needs the"
            f" image, delete it: 'openstack image delete {found.id}'.",
        )


def _unsized(site: Site, found: CloudImage) -> Finding:
    told = "no size" if found.size_bytes is None else f"{found.size_bytes} bytes as its size"
    return Finding(
        "images",
        Severity.ERROR,
        site.name,
        f"Image {found.id} of project {found.owner_id} is active, but the image service reports"
        f" {told}: it is neither adopted nor billed.",
        "Check what its store holds (see the image's locations), and correct the size in the"
        " database of the image service, or delete the image: 'openstack image delete"
        f" {found.id}'.",
    )


def _returned(site: Site, found: CloudImage) -> Finding:
    return Finding(
        "images",
        Severity.WARNING,
        site.name,
        f"Image {found.id} of project {found.owner_id} is recorded as deleted, but the image"
        " service still stores it. The next run restores it and bills it from then on.",
        "Run 'instance-images image sync'.",
    )


def _forgotten_parts(site: Site) -> Iterator[Finding]:
    """Find snapshots and volumes that bear our mark and that no capture on record will remove."""
    known = _captures_at_work(site)
    parts = list(site.provider.list_parts())
    known |= _captures_at_work(site)  # one may have begun while they were listed
    for one in parts:
        if one.request_id in known or one.part.source_id is None:
            continue  # what this product makes is a snapshot, or made of one
        kind = "volume" if one.part.kind is PartKind.VOLUME else "volume snapshot"
        yield Finding(
            "images",
            Severity.WARNING,
            site.name,
            f"The {kind} {one.part.id} of project {one.project_id} carries this product's mark"
            f" (image {printable(one.request_id)}), but no capture on record uses it or will"
            " remove it.",
            "Any user of the project can write such a mark, so ask the owner. If nobody needs it"
            " and no other installation of this product uses this cloud, delete it, volumes"
            f" before snapshots: 'openstack {kind} delete {one.part.id}'.",
        )


def _captures_at_work(site: Site) -> set[str]:
    """Return the images whose captures are under way, or are still being cleaned up after."""
    with site.database.reading() as connection:
        found = tasks.open_tasks(connection, site.name, None)
    return {task.image_id for task in found if task.kind is TaskKind.CREATE}
