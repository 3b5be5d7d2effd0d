"""Takes the steps of a volume's capture, and removes what any ended capture left in the cloud.

What is about to be made is written down first, by the one process that may do so; then the cloud is
asked, and its answer is written down. A process that finds a step asked for and no answer looks for
what came of it, and asks again only when nobody can be waiting for the answer.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from instance_images.db import images, tasks
from instance_images.errors import CloudUnavailable, ConfigurationError, Refused
from instance_images.locations.site import Site
from instance_images.model import capture_journal
from instance_images.model.capture_journal import Journal, Step
from instance_images.model.cloud import CapturePart, CloudImage, PartKind
from instance_images.model.outcomes import Available
from instance_images.model.records import UNFINISHED, Image, ImageStatus, Task, TaskState
from instance_images.model.volume_capture import AFTER, Ask, Remove, own_parts

LOG = logging.getLogger(__name__)

TOO_MANY_REQUESTS = 429  # the one failure after which nothing can have been begun


def find_parts(site: Site, task: Task, image: Image) -> list[CapturePart]:
    """Return the parts of the capture that are in the block storage.

    They are looked up by their ids, and by the mark only where an answer was lost. While the
    capture is under way, the last one decides: where there is a volume, the snapshot is left out.
    """
    found: list[CapturePart] = []
    for kind in (PartKind.VOLUME, PartKind.SNAPSHOT):
        step = capture_journal.STEP_OF[kind]
        made_id = capture_journal.made_by(task.journal, step)
        if made_id is not None:
            part = site.provider.get_part(task.project_id, kind, made_id)
            found += [part] if part else []
        if capture_journal.may_have_made_more(task.journal, step):
            found += site.provider.find_parts(task.project_id, kind, image.id)
        has_volume = kind is PartKind.VOLUME and (made_id or own_parts(task, found))
        if has_volume and task.state in UNFINISHED:
            break
    return own_parts(task, found)


def take(site: Site, task: Task, image: Image, ask: Ask) -> None:
    """Ask the cloud for the step, unless another process does.

    Raises Refused where the cloud will not take it, CloudUnavailable where the outcome is unknown;
    either is on record.
    """
    if ask.step is Step.UPLOAD:
        site.provider.label_volume(task.project_id, ask.source_id, image.id)
    known = _with_source(task.journal, ask)
    asking = _written(site, task, capture_journal.asked(known, ask.step, site.clock()), ask.step)
    if asking is None:
        return
    try:
        made_id = _request(site, asking, image, ask)
    except (Refused, ConfigurationError, CloudUnavailable) as error:
        if not isinstance(error, CloudUnavailable) or error.status == TOO_MANY_REQUESTS:
            _written(site, asking, capture_journal.not_asked(asking.journal, ask.step))
        raise
    _record_made(site, asking, image, ask.step, made_id)
    LOG.info("%s: task %s: %s %s requested", site.name, task.id, ask.step, made_id)


def _with_source(written: Journal, ask: Ask) -> Journal:
    """Return the journal with the part that the step is taken with: it counts by its id now."""
    for kind, step in capture_journal.STEP_OF.items():
        if ask.step is AFTER[kind]:
            return capture_journal.made(written, step, ask.source_id)
    return written


def _request(site: Site, task: Task, image: Image, ask: Ask) -> str:
    provider, project_id = site.provider, task.project_id
    match ask.step:
        case Step.SNAPSHOT:
            return provider.request_snapshot(project_id, ask.source_id, image.id)
        case Step.VOLUME:
            return provider.request_volume(project_id, ask.source_id, image.id)
        case Step.UPLOAD:
            disk_format = task.journal["disk_format"]
            return provider.request_upload(project_id, ask.source_id, image.name, disk_format)
        case Step.CAPTURE:
            raise AssertionError("the compute service is asked once, by whoever made the task")


def _written(
    site: Site, task: Task, written: dict[str, Any], asked: Step | None = None
) -> Task | None:
    """Return the task with its new journal; None if another process has changed it."""
    values: dict[str, Any] = {}
    if asked is not None:
        stage = f"{asked} requested"
        values = {"state": TaskState.RUNNING, "stage": stage}
        if stage != task.stage:
            values["stage_began_at"] = site.clock()
    is_ours = site.database.write(
        lambda connection: tasks.write_journal(connection, task, written, site.clock(), **values)
    )
    return replace(task, journal=written) if is_ours else None


def _record_made(site: Site, task: Task, image: Image, step: Step, made_id: str) -> None:
    """Write down what was made. Where the capture has ended meanwhile, it is left to be removed."""

    def write(connection: Any) -> None:
        written = capture_journal.made(task.journal, step, made_id)
        if tasks.write_journal(connection, task, written, site.clock()) and step is Step.UPLOAD:
            images.update_image(
                connection, image.id, expected=[ImageStatus.CREATING], cloud_image_id=made_id
            )

    site.database.write(write)


def complete(site: Site, task: Task, image: Image, found: CloudImage, outcome: Available) -> bool:
    """Give the uploaded image what it still lacks; return False if another process is at it.

    The instant at which it became active is kept before: what is changed now changes it there.
    """
    if "active_since" not in task.journal:
        written = capture_journal.active_since(task.journal, outcome.available_at)
        if _written(site, task, written) is None:
            return False
    minima = {"min_disk": task.journal["size_gib"], "min_ram": task.journal["min_ram_mib"]}
    site.provider.complete_image(task.project_id, found.id, image.id, minima)
    return True


def remove(site: Site, task: Task, leftovers: Remove) -> str:
    """Delete what a capture has left; return why something of it could not be deleted now."""
    provider, project_id = site.provider, task.project_id
    deletions: list[Callable[[], object]] = [
        partial(provider.delete_part, project_id, part, force=leftovers.force)
        for part in leftovers.parts
    ]
    if leftovers.image is not None:
        deletions.insert(0, partial(provider.delete_image, project_id, leftovers.image.id))
    refusals = []
    for delete in deletions:
        try:
            delete()
        except Refused as error:
            refusals.append(str(error))
            LOG.warning("Could not remove leftovers of image %s: %s", task.image_id, error)
    return " ".join(refusals)
