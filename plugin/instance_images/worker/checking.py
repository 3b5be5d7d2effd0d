"""Runs the checks of a worker in threads, and takes note of what fails."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from instance_images.db import checks
from instance_images.db.checks import DueCheck
from instance_images.errors import (
    CloudUnavailable,
    ConfigurationError,
    DatabaseUnavailable,
    InstanceImagesError,
)
from instance_images.locations.application import Application
from instance_images.model.requests import request_ids
from instance_images.tasks.checks import CLAIM, check
from instance_images.worker.back_off import BackOff, is_of_service
from instance_images.worker.metrics import Counts

LOG = logging.getLogger(__name__)

RENEWAL_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class _Running:
    due: DueCheck
    began_seconds: float


class Checking:
    """The checks that are at work. ``ended`` is called, in any thread, when one has ended."""

    def __init__(
        self,
        application: Application,
        holder: str,
        back_off: BackOff,
        ended: Callable[[], object],
    ) -> None:
        self.counts = Counts()
        self._application = application
        self._holder = holder
        self._back_off = back_off
        self._ended = ended
        self._running: dict[str, _Running] = {}
        self._renewing: threading.Thread | None = None
        self._renewed_seconds = 0.0

    @property
    def running(self) -> list[DueCheck]:
        """The checks that are at work now."""
        return [one.due for one in list(self._running.values())]

    def start(self, due: DueCheck) -> None:
        """Begin a check in a thread of its own, which does not keep the process from ending."""
        self._running[due.task_id] = _Running(due, time.monotonic())
        name = f"check-{due.task_id}"
        threading.Thread(target=self._work, args=(due,), name=name, daemon=True).start()

    def renew_claims(self) -> None:
        """Lengthen the claims of checks that take long, in a thread: a database may be slow."""
        now_seconds = time.monotonic()
        is_at_it = self._renewing is not None and self._renewing.is_alive()
        if is_at_it or now_seconds - self._renewed_seconds < RENEWAL_SECONDS:
            return
        self._renewed_seconds = now_seconds
        long_ones = [
            task_id
            for task_id, one in list(self._running.items())
            if now_seconds - one.began_seconds >= RENEWAL_SECONDS / 2
        ]
        if long_ones:
            self._renewing = threading.Thread(target=self._renew, args=(long_ones,), daemon=True)
            self._renewing.start()

    def release_claims(self) -> list[str]:
        """Give up the claims of what is at work still; return the ids of these tasks."""
        left = list(self._running)
        if left:
            self._application.database.write(
                lambda connection: checks.release(connection, left, self._holder)
            )
        return left

    def _renew(self, task_ids: list[str]) -> None:
        until = self._application.clock() + CLAIM
        try:
            self._application.database.write(
                lambda connection: checks.renew(connection, task_ids, self._holder, until)
            )
        except InstanceImagesError as error:
            LOG.warning("Could not renew the claims of %d tasks: %s", len(task_ids), error)

    def _work(self, due: DueCheck) -> None:
        request_ids.begin()
        began_seconds = time.monotonic()
        has_failed = True
        try:
            # A site remembers whose is what for as long as it is: each check has a new one.
            site = self._application.site(due.location)
            if check(site, due.account_id, due.task_id, self._holder):
                self._back_off.succeeded(due.location, began_seconds=began_seconds)
            has_failed = False
        except CloudUnavailable as error:
            if is_of_service(error.status, error.retry_after_seconds):
                self._leave_alone(due, began_seconds, error)
            else:
                LOG.warning("%s: Postponed task %s: %s", due.location, due.task_id, error)
        except ConfigurationError as error:
            self._leave_alone(due, began_seconds, error)
        except DatabaseUnavailable as error:
            LOG.warning("%s: Postponed task %s: %s", due.location, due.task_id, error)
        except InstanceImagesError as error:
            LOG.warning("%s: Postponed task %s: %s", due.location, due.task_id, error)
        except Exception:
            LOG.exception("%s: A fault in instance-images, at task %s", due.location, due.task_id)
        finally:
            self.counts.checked(due.location, has_failed=has_failed)
            self._running.pop(due.task_id, None)
            self._ended()

    def _leave_alone(
        self, due: DueCheck, began_seconds: float, error: CloudUnavailable | ConfigurationError
    ) -> None:
        asked_seconds = getattr(error, "retry_after_seconds", None)
        pause_seconds = self._back_off.failed(
            due.location,
            began_seconds=began_seconds,
            now_seconds=time.monotonic(),
            retry_after_seconds=asked_seconds,
        )
        LOG.warning(
            "%s: Postponed task %s, and all others here for %.0f s: %s",
            due.location,
            due.task_id,
            pause_seconds,
            error,
        )
