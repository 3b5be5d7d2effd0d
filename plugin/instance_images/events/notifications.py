"""Takes notifications of the image service into our record, one at a time.

A notification supplies the time of what happened. All else comes from the image service, which is
asked: whether the image exists, whose it is, how large it is. So a notification does no harm if it
comes late, twice, out of order, or is forged. What no notification told, the next reading finds.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from instance_images.db import accounts, images, readings, tasks
from instance_images.db import cloud_images as images_in_cloud
from instance_images.db.billing_queue import tell, tell_begin
from instance_images.events.unconfirmed import Doubt, Watch
from instance_images.locations.site import Site
from instance_images.model.cloud import CloudImage, CloudImageStatus, Notice, NoticeKind
from instance_images.model.deletion import vanished_at
from instance_images.model.image_events import Event, Learning, Source
from instance_images.model.records import Image, ImageStatus, Origin, TaskKind
from instance_images.sync.adopt import adopt
from instance_images.sync.compare import Stranger, compare_image, eligible
from instance_images.sync.reconcile import outcomes, record_changes
from instance_images.sync.updates import Learned, learned
from instance_images.tasks.image_lookup import find_in_cloud, require_sight
from instance_images.tasks.recording import NOT_BY_US, record_deleted, record_vanished
from instance_images.tasks.settling import settle

LOG = logging.getLogger(__name__)


def take_notice(site: Site, notice: Notice, watch: Watch | None = None) -> list[Learned]:
    """Bring our record up to what the notice tells; return what was new, nothing the second time.

    ``watch`` counts what the image service does not confirm, and says when to ask no more. Raises
    CloudUnavailable, ConfigurationError and DatabaseUnavailable where that cannot be done
    now: the notice is to be given again. Refused where it never can be.
    """
    watch = watch or Watch(site.name, site.clock)
    image = _on_record(site, notice.image)
    owner_id = notice.image.owner_id if image is None else image.project_id
    if not _asks(image, notice):
        return _taken(site, image, notice, watch)
    if not watch.may_ask(owner_id, is_on_record=image is not None):
        watch.doubt(Doubt.TOO_MANY, notice.image.id)
        return []
    news = _taken(site, image, notice, watch)
    if not news:
        watch.in_vain(owner_id, is_on_record=image is not None)
    return news


def _asks(image: Image | None, notice: Notice) -> bool:
    """Return whether the cloud is asked about the notice: what our record answers costs nothing."""
    match image.status if image else None:
        case None:
            return notice.kind is NoticeKind.ACTIVE
        case ImageStatus.CREATING:
            return notice.kind is not NoticeKind.CHANGED
        case ImageStatus.AVAILABLE:
            return notice.kind is not NoticeKind.ACTIVE
        case ImageStatus.DELETING:
            return notice.kind is NoticeKind.DELETED
        case _:
            return False


def _taken(site: Site, image: Image | None, notice: Notice, watch: Watch) -> list[Learned]:
    if image is None:
        return _adopt(site, notice, watch) if notice.kind is NoticeKind.ACTIVE else []
    news: list[Learned] = []
    if image.status is ImageStatus.CREATING and notice.kind is not NoticeKind.CHANGED:
        settled = settle(site, image.account_id, source=Source.NOTICE, only={image.task_id})
        news += outcomes(settled)
        image = _on_record(site, notice.image) or image
    match notice.kind:
        case NoticeKind.ACTIVE:
            return news + _correct_begin(site, image, notice, watch)
        case NoticeKind.CHANGED:
            return news + _change(site, image, notice, watch)
        case NoticeKind.DELETED:
            return news + _end(site, image, notice, watch)


def _on_record(site: Site, told: CloudImage) -> Image | None:
    """Return the image that the notice is about; by our mark only where its project made it."""
    mark = told.claims.request_id
    with site.database.reading() as connection:
        known = images_in_cloud.find_by_cloud_id(connection, site.name, told.id)
        if known is None and mark:
            known = images_in_cloud.find_requested(connection, site.name, mark, told.owner_id)
        return known


def _learning(site: Site) -> Learning:
    return Learning(site.clock(), Source.NOTICE)


def _write(site: Site, work: Callable[[sa.Connection], Iterable[Learned]]) -> list[Learned]:
    news = site.database.write(lambda connection: list(work(connection)))
    for one in news:
        LOG.info("%s", one.log_line)
    return news


# ------------------------------------------------------------------- images that others made


def _adopt(site: Site, notice: Notice, watch: Watch) -> list[Learned]:
    """Take an image that is not on record into its owner's account, if that is the policy.

    An image that the image service does not have is never charged to anybody: the notification may
    be forged, and nothing else proves that the image existed.
    """
    found = site.provider.get_image(notice.image.id)
    if found is None:
        require_sight(site, {notice.image.owner_id})
        LOG.warning(
            "%s: Skipped a notification about image %s, which is neither in the image service"
            " nor on record. Nothing is charged for it.",
            site.name,
            notice.image.id,
        )
        watch.doubt(Doubt.UNKNOWN, notice.image.id)
        return []
    if found.owner_id != notice.image.owner_id:
        watch.doubt(Doubt.OTHER_OWNER, found.id)
    found = replace(found, changed_at=_activated_at(found, notice))
    if not eligible(site, {found.id: found}):
        return []
    stranger = Stranger(site.account_of_project(found.owner_id), found)

    def work(connection: sa.Connection) -> list[Learned]:
        last_read_at = readings.last_read_at(connection, site.name)
        return adopt(connection, site, [stranger], last_read_at, _learning(site))

    return _write(site, work)


def _activated_at(found: CloudImage, notice: Notice) -> datetime:
    """Return when it became active: as told, but between its creation and its last change."""
    return min(max(notice.happened_at, found.created_at or found.changed_at), found.changed_at)


# ----------------------------------------------------------------------- images on record


def begun_at(
    image: Image, happened_at: datetime, adopting_since: datetime | None
) -> datetime | None:
    """Return since when the image has really been available, None if that is on record. Pure.

    Only a notification can tell, and only that it was earlier: our record has it from when the
    image was changed last, or seen first. Of one that was restored, it cannot tell any more. It was
    not available before it was created. An adopted image is billed from no time at which it was not
    the policy to adopt it.
    """
    if image.available_at is None or not image.size_bytes or image.restored_at is not None:
        return None
    began_at = max(happened_at, image.created_at)
    if image.origin is Origin.ADOPTED:
        if adopting_since is None:
            return None
        began_at = max(began_at, adopting_since)
    return began_at if began_at < image.available_at else None


def _correct_begin(site: Site, image: Image, notice: Notice, watch: Watch) -> list[Learned]:
    """Let the image begin earlier, with the owner and the size on record.

    Where another project is told than the one on record, nothing is corrected: whose the image was
    then cannot be verified any more.
    """
    if notice.image.owner_id != image.project_id:
        watch.doubt(Doubt.OTHER_OWNER, notice.image.id)
        return []

    def work(connection: sa.Connection) -> Iterable[Learned]:
        since = readings.adopting_since(connection, site.name, site.adoption.mode)
        at = begun_at(image, notice.happened_at, since)
        if at is None or not images.correct_image(connection, image, available_at=at):
            return
        then = replace(image, available_at=at)
        account = accounts.find_account(connection, site.name, image.account_id)
        assert account is not None  # the image refers to its row
        tell_begin(connection, then, account.account_key, _learning(site))
        yield learned("available", then, at, "It became available earlier than recorded.")

    return _write(site, work)


def _change(site: Site, image: Image, notice: Notice, watch: Watch) -> list[Learned]:
    """Take over the owner, the size and the name that the image has now."""
    if image.status is not ImageStatus.AVAILABLE:
        return []
    found = site.provider.get_image(notice.image.id)
    if found is None or found.status is not CloudImageStatus.ACTIVE:
        return []  # a notice of its end tells more
    if found.owner_id != notice.image.owner_id:
        watch.doubt(Doubt.OTHER_OWNER, found.id)
    else:
        found = replace(found, changed_at=min(notice.happened_at, found.changed_at))
    differences = compare_image(site, image, found)
    learning = _learning(site)

    def work(connection: sa.Connection) -> Iterable[Learned]:
        last_read_at = readings.last_read_at(connection, site.name)
        return record_changes(connection, site, differences, last_read_at, learning)

    return _write(site, work) if differences.changed or differences.renamed else []


def _end(site: Site, image: Image, notice: Notice, watch: Watch) -> list[Learned]:
    if image.status in (ImageStatus.AVAILABLE, ImageStatus.DELETING):
        if find_in_cloud(site, image) is not None:
            watch.doubt(Doubt.STILL_THERE, notice.image.id)
            return []  # whatever was told, it is there
    elif image.status is not ImageStatus.DELETED:
        return []

    def work(connection: sa.Connection) -> Iterable[Learned]:
        return _record_end(connection, image, notice, _learning(site))

    return _write(site, work)


def _record_end(
    connection: sa.Connection, image: Image, notice: Notice, learning: Learning
) -> Iterable[Learned]:
    """Write down when the image was deleted: as told, but not before it was seen last.

    Of a deletion that went through this product, the record says when it was accepted, and of one
    that did not, only between which two readings it was.
    """
    ended_at = min(notice.happened_at, learning.learned_at)
    if image.status is ImageStatus.DELETED:
        yield from _correct_end(connection, image, ended_at, learning)
        return
    ended_at = max(ended_at, _last_seen_at(connection, image) or ended_at)
    if image.status is ImageStatus.AVAILABLE:
        if record_vanished(connection, image, ended_at, learning):
            yield learned("deleted", image, ended_at, NOT_BY_US)
    else:
        record_deleted(connection, image.id, image.task_id, ended_at, learning)
        yield learned("deleted", image, ended_at)


def _last_seen_at(connection: sa.Connection, image: Image) -> datetime | None:
    if image.available_at is None:
        return None
    return vanished_at(image, readings.last_read_at(connection, image.location))


def _correct_end(
    connection: sa.Connection, image: Image, ended_at: datetime, learning: Learning
) -> Iterable[Learned]:
    """Let an image that was deleted outside this product end later than it was seen last.

    It cannot have ended after it was missed: by the reading that did not find it any more, or by
    the request to delete it that came too late.
    """
    missed_at = _missed_at(connection, image)
    if missed_at is None or image.deleted_at is None:
        return
    ended_at = min(ended_at, missed_at)
    if image.deleted_at < ended_at and images.correct_image(connection, image, deleted_at=ended_at):
        tell(connection, image.id, Event.DELETED, ended_at, learning)
        yield learned("deleted", image, ended_at, "It was deleted later than recorded.")


def _missed_at(connection: sa.Connection, image: Image) -> datetime | None:
    if image.missed_at is not None:
        return image.missed_at
    task = tasks.get_task(connection, image.task_id) if image.task_id else None
    return task.started_at if task and task.kind is TaskKind.DELETE else None
