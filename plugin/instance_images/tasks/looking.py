"""Looks at what the cloud has of a task, and decides what comes next. Changes nothing."""

import logging
from collections.abc import Sequence
from datetime import datetime

from instance_images.db import cloud_images as images_in_cloud
from instance_images.errors import CloudUnavailable, ConfigurationError, Refused
from instance_images.locations.site import Site
from instance_images.model import capture_journal
from instance_images.model.capture import next_of_capture, reason_of_full_quota
from instance_images.model.capture_journal import Step
from instance_images.model.cloud import CapturePart, CloudImage, CloudImageStatus, Server
from instance_images.model.deadlines import fault_of_delay
from instance_images.model.deletion import next_of_deletion
from instance_images.model.deployment import next_of_deployment
from instance_images.model.outcomes import Continues, Failed
from instance_images.model.records import UNFINISHED, Image, Task, TaskKind
from instance_images.model.volume_capture import Seen, next_of_leftovers, next_of_volume_capture
from instance_images.tasks import volume_steps
from instance_images.tasks.image_lookup import find_in_cloud
from instance_images.tasks.recording import Decision, Observation

LOG = logging.getLogger(__name__)

# Only of these the instance tells more: no bill waits for the compute service.
_UNDER_WAY = (CloudImageStatus.QUEUED, CloudImageStatus.SAVING)


def look_at(
    site: Site, task: Task, image: Image, last_read_at: datetime | None, seen_at: datetime
) -> Observation:
    """Return what the cloud has of the task at ``seen_at``, and what is decided from it.

    ``last_read_at`` is when the location was last read completely, None if it never was. Raises
    CloudUnavailable, ConfigurationError or Refused as the driver does.
    """
    if task.kind is TaskKind.DEPLOY:
        servers = _servers_of(site, task)
        made = next_of_deployment(task, servers, site.clock(), site.deadlines)
        return Observation(
            task=task,
            image=image,
            decision=made,
            seen_at=seen_at,
            server_ids=[s.id for s in servers],
        )
    if task.kind is TaskKind.CREATE:
        return _observe_capture(site, task, image, seen_at)
    found = find_in_cloud(site, image)
    cloud_image_id = found.id if found else image.cloud_image_id
    decision = next_of_deletion(task, found is None, last_read_at, site.clock())
    return Observation(
        task=task, image=image, decision=decision, seen_at=seen_at, cloud_image_id=cloud_image_id
    )


def _observe_capture(site: Site, task: Task, image: Image, seen_at: datetime) -> Observation:
    is_of_volume = capture_journal.is_of_volume(task.journal)
    decision: Decision
    found: CloudImage | None = None
    last = Step.UPLOAD if is_of_volume else Step.CAPTURE
    asked_at = capture_journal.asked_at(task.journal, last)
    if not is_of_volume or asked_at:
        since = capture_journal.first_asked_at(task.journal, last) or task.started_at
        found = find_in_cloud(site, image, since, asked_at)
    cloud_image_id = found.id if found else image.cloud_image_id
    parts: Sequence[CapturePart] = ()
    if is_of_volume:
        parts = volume_steps.find_parts(site, task, image)
    if task.state not in UNFINISHED:
        seen = Seen(parts, found if found and _is_left(site, task, found) else None)
        decision = next_of_leftovers(task, image, seen, site.clock())
    elif is_of_volume:
        decision = next_of_volume_capture(task, Seen(parts, found), site.clock())
    else:
        source = None
        if found is not None and found.status in _UNDER_WAY:
            source = site.provider.get_server(task.project_id, image.source_instance_id)
        is_known = image.cloud_image_id is not None
        decision = next_of_capture(task, found, source, is_known, site.clock())
    if isinstance(decision, Continues):
        fault = fault_of_delay(task, decision.stage, site.deadlines, site.clock())
        decision = Failed(fault) if fault else decision
    if isinstance(decision, Failed) and decision.is_unexplained:
        decision = _explained(site, task, decision)
    return Observation(
        task=task,
        image=image,
        decision=decision,
        seen_at=seen_at,
        cloud_image_id=cloud_image_id,
        found=found,
    )


def _is_left(site: Site, task: Task, found: CloudImage) -> bool:
    """Return whether the image of an ended capture is its own still, and nobody has it on record.

    It may have been given to another project, or adopted: then it is billed, and its owner's.
    """
    with site.database.reading() as connection:
        living = images_in_cloud.living_cloud_ids(connection, site.service, [found.id])
    return found.owner_id == task.project_id and found.id not in living


def _explained(site: Site, task: Task, failed: Failed) -> Failed:
    """Name the quota that is used up; where there is none, or it cannot be read, change nothing."""
    try:
        quota = site.provider.full_quota(task.project_id)
    except (CloudUnavailable, ConfigurationError, Refused) as error:
        LOG.warning("Could not check quotas after capture %s failed: %s", task.id, error)
        return failed
    return failed if quota is None else Failed(reason_of_full_quota(task, quota))


def _servers_of(site: Site, task: Task) -> Sequence[Server]:
    """Return the instances of a deploy: by their ids, several or unknown ones by the mark first.

    An instance that was there is gone only if the cloud says so when asked for its id: Nova's lists
    leave out, without a word, what is in a cell that does not answer.
    """
    found: Sequence[Server] = ()
    if task.count > 1 or task.server_id is None:
        found = site.provider.find_requested_servers(task.project_id, task.id, task.started_at)
    listed = {server.id for server in found}
    unlisted = [id for id in task.server_ids if id not in listed]
    confirmed = [site.provider.get_server(task.project_id, id) for id in unlisted]
    return [*(server for server in confirmed if server), *found]
