"""Reads a location completely, and corrects our record where the cloud holds something else.

Three steps: what is unfinished is settled, what differs is found, and all of it is written down in
one transaction, with the instant of the reading. If anything cannot be read, nothing is written.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from instance_images.db import accounts, images, readings
from instance_images.db import cloud_images as images_in_cloud
from instance_images.db.billing_queue import tell
from instance_images.db.engine import after_commit
from instance_images.errors import CloudUnavailable, ConfigurationError, Refused
from instance_images.locations.account_names import refresh_names
from instance_images.locations.sharing import keep_ownership
from instance_images.locations.site import Site, require_scope
from instance_images.model.deletion import vanished_at
from instance_images.model.image_events import Event, Learning, Source
from instance_images.model.outcomes import Available, Deleted, Failed, Postponed
from instance_images.model.records import UNFINISHED, Image, TaskKind
from instance_images.model.volume_capture import Abandon
from instance_images.names import printable
from instance_images.sync.adopt import adopt
from instance_images.sync.compare import (
    Change,
    Comparison,
    Listed,
    compare,
    list_cloud,
    require_most,
)
from instance_images.sync.restore import restore
from instance_images.sync.updates import Learned, learned
from instance_images.tasks.leftovers import tidy
from instance_images.tasks.recording import NOT_BY_US, Observation, record, record_vanished
from instance_images.tasks.settling import observe, settle

LOG = logging.getLogger(__name__)

# What money depends on. An instance that is being made does not keep an hour open.
_IMAGE_TASKS = (TaskKind.CREATE, TaskKind.DELETE)


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was seen of a location. ``read_at`` is the instant before it was begun.

    ``problems``: what could not be seen or done of single accounts, one sentence for each.
    """

    read_at: datetime
    observations: Sequence[Observation]
    differences: Comparison
    listed: Listed
    problems: Sequence[str] = ()


def read_location(site: Site, *, act: bool, accept_missing: bool = False) -> Reading:
    """Read all of the location; with ``act``, bring its captures and deletions forward.

    Without ``act`` nothing is changed, in the cloud or on record: the tasks are looked at only.
    What is wrong with single tasks and projects is among the reading's problems. An image's task
    that could not be looked at keeps no hour open: what comes of it is learned late, and posted as
    an adjustment. Raises CloudUnavailable or ConfigurationError where the images of the location
    cannot be read completely, and ImagesMissing, unless ``accept_missing``, where most are gone:
    then nothing was done.
    """
    require_scope(site)
    read_at = site.clock()
    listed = list_cloud(site)
    if not accept_missing:
        require_most(site, listed)
    if act:
        observations = settle(site, None, _IMAGE_TASKS, Source.RUN)
        refresh_names(site)
    else:
        observations = observe(site, None, _IMAGE_TASKS)
    differences = compare(site, listed)
    problems = [*problems_of(observations), *_problems_of_images(differences)]
    return Reading(read_at, observations, differences, listed, problems)


def follow_up(site: Site) -> list[str]:
    """Do what no hour waits for: deployments, leftovers of captures, sharing; return the problems.

    To be called when the hours are closed. What fails here is done by the next run.
    """
    seen: list[Observation] = []
    try:
        seen += settle(site, None, (TaskKind.DEPLOY,), Source.RUN)
    except (CloudUnavailable, ConfigurationError, Refused) as error:
        LOG.warning("%s: Postponed the deployments: %s", site.name, error)
    seen += tidy(site)
    keep_ownership(site)
    return list(problems_of(seen))


def problems_of(observations: Iterable[Observation]) -> Iterator[str]:
    """Yield a sentence for each account of which something is postponed or given up."""
    postponed: dict[str, list[Observation]] = {}
    abandoned: dict[str, list[Observation]] = {}
    for seen in observations:
        if isinstance(seen.decision, Abandon):
            abandoned.setdefault(seen.image.account_id, []).append(seen)
        elif isinstance(seen.decision, Postponed) and seen.task.state in UNFINISHED:
            postponed.setdefault(seen.image.account_id, []).append(seen)
    for account_id, found in postponed.items():
        yield (
            f"Account {account_id}: postponed {_counted(found, 'task')},"
            f" {_example(found)}{found[0].task.kind} {_why(found[0])}"
        )
    for account_id, found in abandoned.items():
        yield (
            f"Account {account_id}: gave up the leftovers of {_counted(found, 'ended capture')},"
            f" {_example(found)}{_why(found[0])}"
        )


def _problems_of_images(differences: Comparison) -> Iterator[str]:
    by_account: dict[str, list[Image]] = {}
    for image in differences.doubtful:
        by_account.setdefault(image.account_id, []).append(image)
    for account_id, found in by_account.items():
        yield (
            f"Account {account_id}: the image service does not list {len(found)} of its images"
            f" (such as image {found[0].id}), and fails when asked for them. They stay billed"
            " until it answers."
        )


def _counted(found: Sequence[Observation], noun: str) -> str:
    return f"{len(found)} {noun}{'' if len(found) == 1 else 's'}"


def _example(found: Sequence[Observation]) -> str:
    return "" if len(found) == 1 else "such as "


def _why(seen: Observation) -> str:
    assert isinstance(seen.decision, Postponed | Abandon)
    return f"task {seen.task.id}: {seen.decision.reason}"


def synchronize(
    site: Site,
    *,
    dry_run: bool = False,
    accept_missing: bool = False,
    report: Callable[[str], None] = LOG.warning,
) -> list[Learned]:
    """Read the location and correct our record, or with ``dry_run`` say what would be corrected.

    ``report`` is called with each problem of a single account. Raises CloudUnavailable or
    ConfigurationError where the location cannot be read completely: then nothing was written.
    """
    reading = read_location(site, act=not dry_run, accept_missing=accept_missing)
    if dry_run:
        with site.database.rehearsing() as connection:
            news = record_reading(connection, site, reading)
        problems = list(reading.problems)
    else:
        news = site.database.write(lambda connection: record_reading(connection, site, reading))
        problems = [*reading.problems, *follow_up(site)]
    for problem in problems:
        report(problem)
    return news


def record_reading(connection: sa.Connection, site: Site, reading: Reading) -> list[Learned]:
    """Write down what the reading has shown, and that it was complete; return what was new."""
    images_in_cloud.keep_service(connection, site.service, reading.listed.services)
    record(connection, reading.observations, Source.RUN)
    last_read_at = readings.last_read_at(connection, site.name)
    learning = Learning(reading.read_at, Source.LISTING)
    news = [
        *outcomes(reading.observations),
        *_record_vanished(connection, reading.differences, last_read_at, learning),
        *restore(connection, site, reading.differences.returned, learning),
        *record_changes(connection, site, reading.differences, last_read_at, learning),
        *adopt(connection, site, reading.differences.strangers, last_read_at, learning),
    ]
    readings.set_last_read_at(connection, site.name, reading.read_at, site.adoption.mode)
    after_commit(connection, partial(_log, news))
    return news


def _log(news: Sequence[Learned]) -> None:
    for one in news:
        LOG.info("%s", one.log_line)


def outcomes(observations: Iterable[Observation]) -> Iterator[Learned]:
    """Yield what became of the tasks that have ended."""
    for seen in observations:
        match seen.decision:
            case Available(size_bytes=size_bytes, available_at=available_at):
                yield learned("available", seen.image, available_at, size_bytes=size_bytes)
            case Deleted(deleted_at):
                yield learned("deleted", seen.image, deleted_at)
            case Failed(reason):
                yield learned(f"{seen.task.kind} failed", seen.image, seen.seen_at, reason)


def _record_vanished(
    connection: sa.Connection,
    differences: Comparison,
    last_read_at: datetime | None,
    learning: Learning,
) -> Iterator[Learned]:
    for image in differences.vanished:
        deleted_at = vanished_at(image, last_read_at)
        if record_vanished(connection, image, deleted_at, learning):
            yield learned("deleted", image, deleted_at, NOT_BY_US)


def record_changes(
    connection: sa.Connection,
    site: Site,
    differences: Comparison,
    last_read_at: datetime | None,
    learning: Learning,
) -> Iterator[Learned]:
    """Write down new owners, sizes and names, unless another process has done so."""
    yield from _record_states(connection, site, differences, last_read_at, learning)
    yield from _record_names(connection, differences, learning)


def _record_states(
    connection: sa.Connection,
    site: Site,
    differences: Comparison,
    last_read_at: datetime | None,
    learning: Learning,
) -> Iterator[Learned]:
    for change in differences.changed:
        owner = accounts.lock_account(connection, site.name, change.owner)
        if images.update_state(
            connection,
            change.image,
            account_key=owner.account_key,
            project_id=change.found.owner_id,
            size_bytes=change.found.size_bytes,
            virtual_size_bytes=change.found.virtual_size_bytes,
        ):
            changed_at = _changed_at(change, last_read_at, learning.learned_at)
            tell(connection, change.image.id, Event.CHANGED, changed_at, learning)
            note = _note_of_change(change)
            yield learned("changed", change.image, changed_at, note)


def _changed_at(change: Change, last_read_at: datetime | None, read_at: datetime) -> datetime:
    """Return when the image changed: as the image service says, but after it was last read."""
    available_at = change.image.available_at
    assert available_at is not None
    earliest = max(available_at, last_read_at or available_at)
    return max(earliest, min(change.found.changed_at, read_at))


def _note_of_change(change: Change) -> str:
    notes = []
    if change.image.project_id != change.found.owner_id:
        notes.append(f"Its owner is now project {change.found.owner_id}.")
    if change.image.size_bytes != change.found.size_bytes:
        notes.append(f"Its size is now {change.found.size_bytes} bytes.")
    return " ".join(notes) or f"Its disk is now {change.found.virtual_size_bytes} bytes."


def _record_names(
    connection: sa.Connection, differences: Comparison, learning: Learning
) -> Iterator[Learned]:
    """Take over the names that images were given in the image service."""
    for image, name in differences.renamed:
        if images.rename_image(connection, image, name):
            note = f"Its name is now {printable(name)}."
            yield learned("renamed", image, learning.learned_at, note)
