"""Lets a notification wait whose image the image service does not answer for.

A message that cannot be dealt with is given again, before all others of its queue. Where the image
service answers for other images, the fault is with this one: its notification is recorded and tried
again, and the queue goes on. Nothing is lost: it is in the database before its message is
acknowledged, and every reading looks at the image besides.
"""

import logging
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from instance_images.db import notices
from instance_images.errors import (
    CloudUnavailable,
    ConfigurationError,
    InstanceImagesError,
    Refused,
)
from instance_images.events.notifications import take_notice
from instance_images.events.unconfirmed import Doubt, Watch
from instance_images.instants import format_instant
from instance_images.locations.site import Site
from instance_images.model.cloud import Notice
from instance_images.sync.updates import Learned

LOG = logging.getLogger(__name__)

ATTEMPTS = 3
RETRY_EVERY = timedelta(minutes=5)
# By then, readings have seen what there was to see.
GIVEN_UP_AFTER = timedelta(days=7)
# A round that finds many unanswered must not keep the process from being stopped.
_IMAGES_AT_A_TIME = 10
_SECONDS_AT_A_TIME = 20.0
_REMEMBERED = 1000

_UNANSWERED = (CloudUnavailable, ConfigurationError)
_Told = tuple[str, str, datetime]


class Postponing:
    """Takes the notifications of one location. ``site``: makes a new site for each.

    ``take`` belongs to one thread and ``retry`` to one, which may be another.
    """

    def __init__(
        self, site: Callable[[], Site], watch: Watch, warn: Callable[[str], object]
    ) -> None:
        self._site = site
        self._watch = watch
        self._warn = warn
        self._failures: dict[_Told, int] = {}  # the broker may give others between two attempts
        self._retried_at: datetime | None = None
        self._last_image_id = ""

    def take(self, site: Site, notice: Notice) -> list[Learned]:
        """Deal with a notification, or let it wait; return what was new.

        Raises CloudUnavailable, ConfigurationError and DatabaseUnavailable where the message is to
        be given again, and Refused where nothing can follow from it.
        """
        try:
            news = take_notice(site, notice, self._watch)
        except _UNANSWERED as error:
            if not self._is_to_wait(site, notice):
                raise
            self._postpone(site, notice, error)
            news = []
        except Refused:
            self._watch.doubt(Doubt.REFUSED, notice.image.id)
            raise
        self._failures.pop(_told(notice), None)
        return news

    def _is_to_wait(self, site: Site, notice: Notice) -> bool:
        """Return whether the image alone is at fault, for long enough or already."""
        failures = self._failures.pop(_told(notice), 0) + 1
        self._failures[_told(notice)] = failures
        if len(self._failures) > _REMEMBERED:
            del self._failures[next(iter(self._failures))]
        with site.database.reading() as connection:
            waits = notices.is_postponed(connection, site.name, notice.image.id)
        return (waits or failures >= ATTEMPTS) and _answers(site)

    def _postpone(self, site: Site, notice: Notice, error: InstanceImagesError) -> None:
        now = site.clock()
        kept = site.database.write(
            lambda connection: notices.postpone(connection, site.name, notice, now)
        )
        then = (
            "It is retried every 5 minutes; others are processed."
            if kept
            else "It is not kept, because too many wait already; the next run reads the image."
        )
        LOG.warning(
            "%s: Postponed a notification about image %s: %s", site.name, notice.image.id, error
        )
        self._warn(
            f"{site.name}: a notification about image {notice.image.id} waits, because the image"
            f" service fails for this image: {error} {then}"
        )

    def retry(self, tell: Callable[[Learned], object]) -> None:
        """Try again what waits, if it is time to; ``tell`` is called with what was new."""
        site = self._site()
        now = site.clock()
        if self._retried_at is not None and timedelta(0) <= now - self._retried_at < RETRY_EVERY:
            return
        self._retried_at = now
        with site.database.reading() as connection:
            waiting = notices.postponed(connection, site.name)
        by_image: dict[str, list[notices.Postponed]] = {}
        for one in waiting:
            by_image.setdefault(one.notice.image.id, []).append(one)
        unanswered = 0
        until_seconds = time.monotonic() + _SECONDS_AT_A_TIME
        for image_id in self._in_turn(list(by_image)):
            if unanswered >= _IMAGES_AT_A_TIME or time.monotonic() > until_seconds:
                break
            self._last_image_id = image_id
            if not all(self._retried(site, one, now, tell) for one in by_image[image_id]):
                unanswered += 1

    def _in_turn(self, image_ids: list[str]) -> list[str]:
        """Begin where the last round ended: images that do not answer keep none from its turn."""
        if self._last_image_id in image_ids:
            first = image_ids.index(self._last_image_id) + 1
            return image_ids[first:] + image_ids[:first]
        return image_ids

    def _retried(
        self,
        site: Site,
        one: notices.Postponed,
        now: datetime,
        tell: Callable[[Learned], object],
    ) -> bool:
        """Try one again; return whether the image service answers for its image."""
        image_id = one.notice.image.id
        try:
            for news in take_notice(site, one.notice, self._watch):
                tell(news)
        except _UNANSWERED as error:
            if now - one.postponed_at < GIVEN_UP_AFTER:
                LOG.info(
                    "%s: the image service still fails for image %s: %s", site.name, image_id, error
                )
                return False
            LOG.warning("%s: Gave up a notification about image %s: %s", site.name, image_id, error)
            self._warn(
                f"{site.name}: gave up a notification about image {image_id}, which waited since"
                f" {format_instant(one.postponed_at)}. The hourly runs have read the image."
            )
        except InstanceImagesError as error:
            LOG.warning("%s: Skipped a notification about image %s: %s", site.name, image_id, error)
        site.database.write(lambda connection: notices.forget(connection, one.key))
        return True


def _told(notice: Notice) -> _Told:
    return notice.image.id, notice.kind, notice.happened_at


def _answers(site: Site) -> bool:
    """Return whether the image service answers for an image that nobody has."""
    try:
        site.provider.get_image(str(uuid.uuid4()))
    except _UNANSWERED:
        return False
    except InstanceImagesError:
        return True  # to refuse is to answer
    return True
