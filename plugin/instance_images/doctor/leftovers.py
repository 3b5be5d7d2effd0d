"""The doctor's checks of what ended captures left in the cloud."""

from collections.abc import Iterator

from instance_images.db import cloud_images as images_in_cloud
from instance_images.db import images, tasks
from instance_images.doctor.checks import UNTOUCHED
from instance_images.instants import format_instant
from instance_images.locations.site import Site
from instance_images.model import capture_journal
from instance_images.model.cloud import PartKind
from instance_images.model.findings import Finding, Severity
from instance_images.model.records import Task
from instance_images.model.volume_capture import GIVE_UP_AFTER

_ABANDONED_AT_MOST = 50  # captures that are looked up one by one


def find_leftovers(site: Site) -> Iterator[Finding]:
    """Find accounts whose ended captures have something in the cloud that is not removed yet."""
    with site.database.reading() as connection:
        found = tasks.leftovers_by_account(connection, site.name, site.clock() - UNTOUCHED)
    for account_id, count, ended_at in found:
        what = (
            f"Account {account_id}: leftovers of ended captures ({count}) are still in the cloud;"
            f" the first one ended at {format_instant(ended_at)}. Deletion is retried at growing"
            f" intervals until {GIVE_UP_AFTER.days} days after the end."
        )
        cure = (
            "The log of 'instance-images meter run' has the reason. If the owner protected the"
            " image or attached the volume, ask them to undo it."
        )
        yield Finding("images", Severity.WARNING, site.name, what, cure)


def find_abandoned(site: Site) -> Iterator[Finding]:
    """Find what captures left in the cloud for good, as far as it is still there."""
    with site.database.reading() as connection:
        found = tasks.abandoned_tasks(connection, site.name, _ABANDONED_AT_MOST)
    for task in found:
        left = [*_parts_left(site, task), *_image_left(site, task)]
        if left:
            yield Finding(
                "images",
                Severity.WARNING,
                site.name,
                f"The capture task {task.id} of project {task.project_id} left {', '.join(left)},"
                f" which could not be deleted for {GIVE_UP_AFTER.days} days; deletion is no"
                " longer retried.",
                "Remove what blocks the deletion (a protected image, an attached volume, a"
                " volume made of the snapshot), and delete it with the openstack command,"
                " volumes before snapshots.",
            )


def _parts_left(site: Site, task: Task) -> Iterator[str]:
    for kind, made_id in capture_journal.parts_made(task.journal).items():
        if site.provider.get_part(task.project_id, kind, made_id) is not None:
            yield f"{'volume snapshot' if kind is PartKind.SNAPSHOT else 'volume'} {made_id}"


def _image_left(site: Site, task: Task) -> Iterator[str]:
    with site.database.reading() as connection:
        image = images.get_image(connection, task.image_id)
        cloud_id = image.cloud_image_id
        is_known = bool(
            cloud_id and images_in_cloud.living_cloud_ids(connection, site.service, [cloud_id])
        )
    if cloud_id and not is_known and site.provider.get_image(cloud_id) is not None:
        yield f"image {cloud_id}"
