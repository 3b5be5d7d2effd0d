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

_SYNC = "Run 'instance-images image sync', and look at what it says."


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
        last = "never" if read_at is None else f"last at {format_instant(read_at)}"
        yield Finding(
            "images",
            Severity.WARNING,
            site.name,
            f"The location was read completely {last}.",
            "See that 'instance-images meter run' is run every hour, and what it says.",
        )


def _stuck(site: Site) -> Iterator[Finding]:
    with site.database.reading() as connection:
        found = tasks.unfinished_tasks(connection, site.name, None)
    for task in found:
        if site.clock() - task.updated_at > UNTOUCHED:
            what = (
                f"The {task.kind} task {task.id} of image {task.image_id} is in stage"
                f" {task.stage!r} and nothing was seen of it since"
                f" {format_instant(task.updated_at)}."
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
            f"Image {found.id} of project {found.owner_id} bears this product's mark, {stored}, and"
            " is not on record.",
            f"Run 'instance-images image sync'; if it stays, see whether anybody needs it, and else"
            f" delete it: 'openstack image delete {found.id}'.",
        )


def _unsized(site: Site, found: CloudImage) -> Finding:
    told = "no size" if found.size_bytes is None else f"{found.size_bytes} bytes as its size"
    return Finding(
        "images",
        Severity.ERROR,
        site.name,
        f"Image {found.id} of project {found.owner_id} is active, and the image service tells"
        f" {told}: it is neither adopted nor billed.",
        "See what its store holds (its locations tell where), and correct the size in the database"
        f" of the image service, or delete it: 'openstack image delete {found.id}'.",
    )


def _returned(site: Site, found: CloudImage) -> Finding:
    return Finding(
        "images",
        Severity.WARNING,
        site.name,
        f"Image {found.id} of project {found.owner_id} has ended on record, and the image service"
        " holds its bytes. The next reading restores it, and bills it from then on.",
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
            f"The {kind} {one.part.id} of project {one.project_id} bears this product's mark, of"
            f" image {printable(one.request_id)}, and no capture on record uses it or will remove"
            " it.",
            "Anybody in the project can write such a mark: ask its owner. If nobody needs it, and"
            " no other installation of this product works in this cloud, delete it, volumes before"
            f" snapshots: 'openstack {kind} delete {one.part.id}'.",
        )


def _captures_at_work(site: Site) -> set[str]:
    """Return the images whose captures are under way, or are still being cleaned up after."""
    with site.database.reading() as connection:
        found = tasks.open_tasks(connection, site.name, None)
    return {task.image_id for task in found if task.kind is TaskKind.CREATE}
