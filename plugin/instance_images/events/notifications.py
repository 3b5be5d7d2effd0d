"""Takes what the image service tells by itself into our record, one notice at a time.

A notice says what happened and when, to the second. What is so now, the image service is asked: so
it does no harm if notices come late, twice or in another order, or are not true. What no notice
told, the next reading of the location finds.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from instance_images.db import accounts, images, readings, tasks
from instance_images.db import cloud_images as images_in_cloud
from instance_images.db.news import tell, tell_begin
from instance_images.locations.site import Site
from instance_images.model.adoption import is_eligible
from instance_images.model.cloud import CloudImage, CloudImageStatus, Notice, NoticeKind
from instance_images.model.learning import Event, Learning, Source
from instance_images.model.records import AdoptionPolicy, Image, ImageStatus, Origin, TaskKind
from instance_images.sync.adopt import adopt
from instance_images.sync.compare import Stranger, compare_image, eligible
from instance_images.sync.reconcile import outcomes, record_changes
from instance_images.sync.updates import Learned, learned
from instance_images.tasks.recording import NOT_BY_US, record_deleted, record_vanished
from instance_images.tasks.settling import find_in_cloud, require_sight, settle


def take_notice(site: Site, notice: Notice) -> list[Learned]:
    """Bring our record up to what the notice tells; return what was new, nothing the second time.

    Raises CloudUnavailable, ConfigurationError and DatabaseUnavailable where that cannot be done
    now: the notice is to be given again. Refused where it never can be.
    """
    image = _on_record(site, notice.image)
    if image is None:
        return _adopt(site, notice) if notice.kind is NoticeKind.ACTIVE else []
    news: list[Learned] = []
    if image.status is ImageStatus.CREATING and notice.kind is not NoticeKind.CHANGED:
        settled = settle(site, image.account_id, source=Source.NOTICE, only={image.task_id})
        news += outcomes(settled)
        image = _on_record(site, notice.image) or image
    match notice.kind:
        case NoticeKind.ACTIVE:
            return news + _correct_begin(site, image, notice)
        case NoticeKind.CHANGED:
            return news + _change(site, image, notice)
        case NoticeKind.DELETED:
            return news + _end(site, image, notice)


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
    return site.database.write(lambda connection: list(work(connection)))


# ------------------------------------------------------------------- images that others made


def _adopt(site: Site, notice: Notice) -> list[Learned]:
    """Take an image that is not on record into its owner's account, if that is the policy.

    What its owner has made of its properties since it became active changes nothing. If it is gone
    by now, it is taken as one that has ended at once; a notice of its end says when it did.
    """
    if not is_eligible(notice.image, site.adoption):
        return []
    found = site.provider.get_image(notice.image.id)
    if found is None:
        require_sight(site, {notice.image.owner_id})
        candidate = notice.image
    else:
        claims = notice.image.claims
        candidate = replace(found, claims=claims, changed_at=notice.happened_at)
    if not eligible(site, {candidate.id: candidate}):
        return []
    stranger = Stranger(site.account_of_project(candidate.owner_id), candidate)
    if found is None:
        return _adopt_ended(site, stranger, notice)

    def work(connection: sa.Connection) -> list[Learned]:
        last_read_at = readings.last_read_at(connection, site.name)
        return adopt(connection, site, [stranger], last_read_at, _learning(site))

    return _write(site, work)


def _adopt_ended(site: Site, stranger: Stranger, notice: Notice) -> list[Learned]:
    """Take an image into its owner's account that came and went before anybody looked."""
    began_at = notice.happened_at
    if stranger.found.claims.looks_shelved:
        return []  # most likely the disk of an instance that was unshelved

    def work(connection: sa.Connection) -> Iterable[Learned]:
        since = readings.adopting_since(connection, site.name, site.adoption.mode)
        if since is None or began_at < since:
            return
        for one in adopt(connection, site, [stranger], began_at, _learning(site)):
            image = images.get_image(connection, one.image_id)
            record_vanished(connection, image, began_at, _learning(site))
            yield replace(one, note="It was deleted before it could be seen.")

    return _write(site, work)


# ----------------------------------------------------------------------- images on record


def begun_at(
    image: Image,
    notice: Notice,
    policy: AdoptionPolicy,
    adopting_since: datetime | None,
) -> datetime | None:
    """Return since when the image has really been available, None if that is on record. Pure.

    Only the notice can say it, and only that it was earlier: our record has it from when the
    image was changed last, or seen first. An adopted image is billed from no time at which it was
    not the policy to adopt it.
    """
    if image.available_at is None or not notice.image.size_bytes:
        return None
    began_at = max(notice.happened_at, image.created_at)
    if image.origin is Origin.ADOPTED:
        if not is_eligible(notice.image, policy) or adopting_since is None:
            return None
        began_at = max(notice.happened_at, adopting_since)
    return began_at if began_at < image.available_at else None


def _correct_begin(site: Site, image: Image, notice: Notice) -> list[Learned]:
    owner = site.account_of_project(notice.image.owner_id)

    def work(connection: sa.Connection) -> Iterable[Learned]:
        since = readings.adopting_since(connection, site.name, site.adoption.mode)
        at = begun_at(image, notice, site.adoption, since)
        if at is None or not images.correct_image(connection, image, available_at=at):
            return
        key = accounts.lock_account(connection, site.name, owner).account_key
        then = replace(
            image,
            available_at=at,
            size_bytes=notice.image.size_bytes,
            virtual_size_bytes=notice.image.virtual_size_bytes,
        )
        tell_begin(connection, then, key, _learning(site))
        yield learned("available", then, at, "It was available before that was noticed.")

    return _write(site, work)


def _change(site: Site, image: Image, notice: Notice) -> list[Learned]:
    """Take over the owner and the name that the image has now."""
    if image.status is not ImageStatus.AVAILABLE:
        return []
    found = site.provider.get_image(notice.image.id)
    if found is None or found.status is not CloudImageStatus.ACTIVE:
        return []  # a notice of its end tells more
    if found.owner_id == notice.image.owner_id:
        found = replace(found, changed_at=notice.happened_at)
    differences = compare_image(site, image, found)
    learning = _learning(site)

    def work(connection: sa.Connection) -> Iterable[Learned]:
        last_read_at = readings.last_read_at(connection, site.name)
        return record_changes(connection, site, differences, last_read_at, learning)

    return _write(site, work) if differences.changed or differences.renamed else []


def _end(site: Site, image: Image, notice: Notice) -> list[Learned]:
    if image.status in (ImageStatus.AVAILABLE, ImageStatus.DELETING):
        if find_in_cloud(site, image) is not None:
            return []  # whatever was told, it is there
    elif image.status is not ImageStatus.DELETED:
        return []

    def work(connection: sa.Connection) -> Iterable[Learned]:
        return _record_end(connection, image, notice, _learning(site))

    return _write(site, work)


def _record_end(
    connection: sa.Connection, image: Image, notice: Notice, learning: Learning
) -> Iterable[Learned]:
    """Write down when the image was deleted.

    Of a deletion that went through this product, the record says when it was accepted, and of one
    that did not, only when the image was seen last.
    """
    ended_at = min(notice.happened_at, learning.learned_at)
    ended_at = max(ended_at, image.available_at or ended_at)
    if image.status is ImageStatus.AVAILABLE:
        if record_vanished(connection, image, ended_at, learning):
            yield learned("deleted", image, ended_at, NOT_BY_US)
    elif image.status is ImageStatus.DELETING:
        record_deleted(connection, image.id, image.task_id, ended_at, learning)
        yield learned("deleted", image, ended_at)
    elif _was_seen_longer_ago(connection, image, ended_at) and images.correct_image(
        connection, image, deleted_at=ended_at
    ):
        tell(connection, image.id, Event.DELETED, ended_at, learning)
        yield learned("deleted", image, ended_at, "It was there for longer than it was seen.")


def _was_seen_longer_ago(connection: sa.Connection, image: Image, ended_at: datetime) -> bool:
    """Return whether the record has the image end when it was last seen, and that was too early."""
    if image.deleted_at is None or image.deleted_at >= ended_at:
        return False
    if not image.task_id:
        return True
    task = tasks.get_task(connection, image.task_id)
    return task.kind is not TaskKind.DELETE or image.deleted_at < task.started_at
