"""Brings unfinished tasks forward: looks at the cloud, decides, acts, records.

There is no daemon: every command settles what its account has under way, and the hourly run
settles everything. Two processes may settle the same task at once; the record takes the first.
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from instance_images.db import cloud_images as images_in_cloud
from instance_images.db import images, readings, tasks
from instance_images.errors import (
    CloudUnavailable,
    ConfigurationError,
    InstanceImagesError,
    ProjectUnavailable,
    Refused,
)
from instance_images.locations.sharing import share_new
from instance_images.locations.site import Site
from instance_images.model import journal
from instance_images.model.capture import (
    images_of_request,
    next_of_capture,
    reason_of_full_quota,
)
from instance_images.model.cloud import CapturePart, CloudImage, CloudImageStatus, Server
from instance_images.model.deadlines import fault_of_delay, fault_of_postponement
from instance_images.model.deletion import next_of_deletion
from instance_images.model.deployment import next_of_deployment
from instance_images.model.journal import Step
from instance_images.model.learning import Source
from instance_images.model.outcomes import (
    Available,
    Continues,
    DeleteAgain,
    Deleted,
    Deployed,
    Failed,
    Postponed,
)
from instance_images.model.records import UNFINISHED, Image, Task, TaskKind
from instance_images.model.volume_capture import (
    LATE,
    Abandon,
    Ask,
    Complete,
    Remove,
    Seen,
    Watch,
    is_given_up,
    next_of_leftovers,
    next_of_volume_capture,
)
from instance_images.tasks import volume_steps
from instance_images.tasks.recording import Decision, Observation, record

LOG = logging.getLogger(__name__)

ALL_KINDS = tuple(TaskKind)
# After these there may be more to do at once.
_GOES_ON = (Ask, Complete, Remove, Failed)
# Each of them takes a step; a capture has fewer. What goes wrong in the last is done next time.
_ROUNDS = 8
# Only of these the instance tells more: no bill waits for the compute service.
_UNDER_WAY = (CloudImageStatus.QUEUED, CloudImageStatus.SAVING)
# So many ended captures a command cleans up after; there may be thousands that cannot be.
_LEFTOVERS_PER_COMMAND = 10


def settle(
    site: Site,
    account_id: str | None,
    kinds: Sequence[TaskKind] = ALL_KINDS,
    source: Source = Source.COMMAND,
    only: Collection[str] | None = None,
) -> list[Observation]:
    """Bring the unfinished tasks of one account, or of all, as far as the cloud is with them.

    ``only``: the ids of the tasks to look at, due or not. What ended captures left in the cloud is
    removed as well, of a few that are due; a run does that with ``tasks.tidying`` when hours are
    closed. What is wrong with one task or project postpones that task. Raises CloudUnavailable
    where a service fails that an unfinished task waits for; but an hour is closed without the block
    storage, which knows of nothing that is billed.
    """
    settled: list[Observation] = []
    pairs = (
        _due(site, account_id, kinds, source) if only is None else _named(site, account_id, only)
    )
    for _ in range(_ROUNDS):
        last_read_at = _last_read_at(site)
        observations = [
            _acted(
                site,
                _observe(
                    site=site,
                    task=task,
                    image=image,
                    last_read_at=last_read_at,
                    source=source,
                    account_id=account_id,
                ),
                source,
                account_id,
            )
            for task, image in pairs
        ]
        if observations:
            work = partial(record, observations=observations, source=source)
            site.database.write(work)
            _log_ends(site, observations)
        settled += observations
        going_on = [s.task.id for s in observations if isinstance(s.decision, _GOES_ON)]
        if not going_on:
            break
        pairs = _named(site, account_id, going_on)
    if source is not Source.RUN:
        share_new(site, account_id)
    return settled


def _log_ends(site: Site, observations: Iterable[Observation]) -> None:
    for seen in observations:
        if isinstance(seen.decision, Available | Deleted | Deployed | Failed):
            LOG.info(
                "%s: %s task %s of image %s ended: %s",
                site.name,
                seen.task.kind,
                seen.task.id,
                seen.image.id,
                type(seen.decision).__name__.lower(),
            )


def observe(
    site: Site, account_id: str | None, kinds: Sequence[TaskKind] = ALL_KINDS
) -> list[Observation]:
    """Look at every unfinished task of one account, or of all, as a run does; change nothing."""
    last_read_at = _last_read_at(site)
    return [
        _observe(
            site=site,
            task=task,
            image=image,
            last_read_at=last_read_at,
            source=Source.RUN,
            account_id=account_id,
        )
        for task, image in _due(site, account_id, kinds, Source.RUN)
    ]


def _due(
    site: Site, account_id: str | None, kinds: Sequence[TaskKind], source: Source
) -> list[tuple[Task, Image]]:
    with site.database.reading() as connection:
        found = tasks.unfinished_tasks(connection, site.name, account_id)
        if source is not Source.RUN:
            due = tasks.due_leftovers(
                connection, site.name, account_id, site.clock(), _LEFTOVERS_PER_COMMAND
            )
            due_ids = [task_id for task_id, _ in due]
            found += tasks.open_tasks(connection, site.name, account_id, due_ids)
        return [
            (task, images.get_image(connection, task.image_id))
            for task in found
            if task.kind in kinds
        ]


def _named(
    site: Site, account_id: str | None, task_ids: Collection[str]
) -> list[tuple[Task, Image]]:
    with site.database.reading() as connection:
        return [
            (task, images.get_image(connection, task.image_id))
            for task in tasks.open_tasks(connection, site.name, account_id, task_ids)
        ]


def _last_read_at(site: Site) -> datetime | None:
    with site.database.reading() as connection:
        return readings.last_read_at(connection, site.name)


def _observe(
    site: Site,
    task: Task,
    image: Image,
    last_read_at: datetime | None,
    source: Source,
    account_id: str | None,
) -> Observation:
    """Look at the task and decide; what is wrong with it alone, or its project, is an outcome."""
    seen_at = site.clock()
    try:
        return _look_at(site, task, image, last_read_at, seen_at)
    except Refused as error:
        return _postponed(site, task, image, seen_at, error)
    except CloudUnavailable as error:
        is_answered = error.status is not None
        if not _is_for_later(task, source, account_id, is_answered=is_answered):
            raise
        return _postponed(site, task, image, seen_at, error)


def _look_at(
    site: Site, task: Task, image: Image, last_read_at: datetime | None, seen_at: datetime
) -> Observation:
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
    is_of_volume = journal.is_of_volume(task.journal)
    decision: Decision
    found: CloudImage | None = None
    last = Step.UPLOAD if is_of_volume else Step.CAPTURE
    asked_at = journal.asked_at(task.journal, last)
    if not is_of_volume or asked_at:
        since = journal.first_asked_at(task.journal, last) or task.started_at
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


def _is_for_later(task: Task, source: Source, account_id: str | None, *, is_answered: bool) -> bool:
    """Return whether a service that failed for one task leaves the others as they are.

    A command of one account tells its caller. Whatever looks at all accounts goes on where the
    service has answered; a run reads all images after that, and closes no hour if that fails. It
    goes on without the block storage, which knows of nothing that is billed.
    """
    if task.state not in UNFINISHED:
        return True
    if source is Source.COMMAND and account_id is not None:
        return False
    if _is_unfinished_of_volume(task):
        return True
    return source is not Source.NOTICE and is_answered


def _is_unfinished_of_volume(task: Task) -> bool:
    is_of_volume = task.kind is TaskKind.CREATE and journal.is_of_volume(task.journal)
    return is_of_volume and task.state in UNFINISHED


def _postponed(
    site: Site,
    task: Task,
    image: Image,
    seen_at: datetime,
    error: InstanceImagesError,
    *,
    was_seen: bool = False,
) -> Observation:
    """Return that the task stays as it is for now; one that has stayed so for too long is ended."""
    LOG.warning("Postponed the %s task %s of image %s: %s", task.kind, task.id, image.id, error)
    is_deploy = task.kind is TaskKind.DEPLOY
    if isinstance(error, CloudUnavailable) and (is_deploy or _is_unfinished_of_volume(task)):
        return Observation(
            task=task, image=image, decision=Watch(), seen_at=seen_at
        )  # no account's trouble, and no bill's
    fault = None
    if task.state in UNFINISHED:
        fault = fault_of_postponement(task, str(error), site.deadlines, site.clock())
    decision = Failed(fault) if fault else Postponed(str(error), was_seen)
    return Observation(task=task, image=image, decision=decision, seen_at=seen_at)


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


def find_in_cloud(
    site: Site, image: Image, since: datetime | None = None, asked_at: datetime | None = None
) -> CloudImage | None:
    """Return what the image service has of our image: by its id, or else by our request's mark.

    ``since`` and ``asked_at``: when the first and the last request for it were sent, as far as that
    is known better than by the image's record. Raises ConfigurationError rather than call an image
    gone that the credentials cannot see.
    """
    if image.cloud_image_id is not None:
        found = site.provider.get_image(image.cloud_image_id)
    else:
        found = find_by_mark(site, image.project_id, image.id, since or image.created_at, asked_at)
    if found is None:
        require_sight(site, {image.project_id})
    return found


def find_by_mark(
    site: Site,
    project_id: str,
    image_id: str,
    since: datetime,
    asked_at: datetime | None = None,
) -> CloudImage | None:
    """Return what the image service has of a capture whose image is not on record yet.

    It belongs to the project, and was made when the request was under way, which its owner cannot
    write: the oldest such image counts. He can put the mark on an image that he uploads meanwhile,
    and so have that one in its place, for which he pays what it really takes. One that is on record
    bears the mark of an attempt that was given up, and was adopted since.
    """
    until = None if asked_at is None else asked_at + LATE
    marked = images_of_request(site.provider.find_captured(project_id, image_id), since, until)
    if not marked:
        return None
    with site.database.reading() as connection:
        known = images_in_cloud.known_cloud_ids(
            connection, site.service, [one.id for one in marked]
        )
    return next((one for one in marked if one.id not in known), None)


def require_sight(site: Site, project_ids: set[str]) -> None:
    """Raise ConfigurationError unless the credentials see the images of all these projects."""
    if not project_ids or site.provider.sees_all_accounts():
        return
    own = site.provider.find_project(None).id
    unseen = project_ids - {own}
    if unseen:
        raise ConfigurationError(
            f"The credentials of {site.location.cloud!r} see only the images of project {own}, but"
            f" there are images of {len(unseen)} other projects on record: use credentials with"
            " the admin role."
        )


def _acted(site: Site, seen: Observation, source: Source, account_id: str | None) -> Observation:
    """Do in the cloud what was decided; return what came of it."""
    task, image, decision = seen.task, seen.image, seen.decision
    try:
        match decision:
            case DeleteAgain() if seen.cloud_image_id is not None:
                site.provider.delete_image(image.project_id, seen.cloud_image_id)
                return replace(seen, decision=Deleted(site.clock()))
            case Ask():
                volume_steps.take(site, task, image, decision)
            case Complete(outcome) if seen.found is not None:
                if volume_steps.complete(site, task, image, seen.found, outcome):
                    return replace(seen, decision=outcome)
            case Remove():
                refusal = volume_steps.remove(site, task, decision)
                seen = replace(seen, decision=Watch(refusal)) if refusal else seen
    except ProjectUnavailable as error:
        seen = _postponed(site, task, image, seen.seen_at, error, was_seen=True)
    except Refused as error:
        return replace(seen, decision=Failed(str(error)))
    except CloudUnavailable as error:
        if not _is_for_later(task, source, account_id, is_answered=True):
            raise
        seen = _postponed(site, task, image, seen.seen_at, error, was_seen=True)
    return _given_up(site, seen)


def _given_up(site: Site, seen: Observation) -> Observation:
    """Give up what an ended capture has left, and what could not be removed for days."""
    if seen.task.state in UNFINISHED or not is_given_up(seen.task, site.clock()):
        return seen
    match seen.decision:
        case Postponed(reason) | Watch(reason):
            why = reason or "The cloud has not come to an end with deleting it."
            LOG.warning("Gave up the leftovers of capture %s: %s", seen.task.id, why)
            return replace(seen, decision=Abandon(why))
    return seen
