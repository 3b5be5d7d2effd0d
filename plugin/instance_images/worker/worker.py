"""The loop of the worker: looks for tasks that are due, and has each checked in a thread.

It holds nothing that is not on record: a worker that is killed loses nothing, and several workers
need not know of each other. The loop itself asks no cloud and writes nothing, so that it goes on
while clouds and writers hang.
"""

import logging
import os
import queue
import random
import socket
import time
import uuid
from collections import Counter
from collections.abc import Sequence

from instance_images.config.worker import WorkerSettings
from instance_images.db import checks
from instance_images.db.checks import DueCheck
from instance_images.errors import DatabaseUnavailable, InstanceImagesError
from instance_images.locations.application import Application
from instance_images.worker.back_off import BackOff
from instance_images.worker.checking import Checking
from instance_images.worker.choosing import choose
from instance_images.worker.metrics import publish
from instance_images.worker.supervision import notify

LOG = logging.getLogger(__name__)

SECONDS_TO_END = 30.0
METRICS_SECONDS = 15.0
DUE_AT_ONCE = 200
_JITTER = 0.25
_MOST_SECONDS_WITHOUT_DATABASE = 15.0


class Worker:
    """Advances the tasks of some locations until it is stopped."""

    def __init__(
        self, application: Application, locations: Sequence[str], settings: WorkerSettings
    ) -> None:
        self._application = application
        self._locations = list(locations)
        self._settings = settings
        self._is_stopping = False
        # A signal's handler may put something in at any instant; an Event would be locked then.
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._back_off = BackOff()
        self._checking = Checking(application, _name(), self._back_off, self._wake)
        self._due: list[DueCheck] = []
        self._next_poll_seconds = 0.0
        self._failed_polls = 0
        self._next_metrics_seconds = 0.0

    def stop(self) -> None:
        """End soon: begin nothing more. May be called by a signal's handler."""
        self._is_stopping = True
        self._wake()

    def run(self) -> None:
        """Work until stopped; then wait for the checks that are at work, and release their claims.

        Raises ConfigurationError where the configuration or the schema cannot be used.
        """
        for name in self._locations:
            self._application.site(name)
        notify("READY=1")
        while not self._is_stopping:
            notify("WATCHDOG=1")
            self._poll()
            self._begin()
            self._checking.renew_claims()
            self._publish()
            self._sleep(self._next_poll_seconds - time.monotonic())
        notify("STOPPING=1")
        self._end()

    def _poll(self) -> None:
        """Look for what is due, if it is time to; a database that fails is asked again later."""
        now_seconds = time.monotonic()
        if now_seconds < self._next_poll_seconds:
            return
        names = [n for n in self._locations if not self._back_off.waits(n, now_seconds)]
        pause_seconds = self._settings.poll_seconds
        try:
            self._due = self._due_at(names)
            self._failed_polls = 0
        except DatabaseUnavailable as error:
            LOG.warning("Postponed all tasks: %s", error)
            self._due = []
            self._failed_polls += 1
            grown_seconds = pause_seconds * 2**self._failed_polls
            pause_seconds = max(min(grown_seconds, _MOST_SECONDS_WITHOUT_DATABASE), pause_seconds)
        # Several workers do not look at the same instants, and do not begin with the same tasks.
        pause_seconds *= random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311
        self._next_poll_seconds = now_seconds + pause_seconds
        random.shuffle(self._due)

    def _due_at(self, names: Sequence[str]) -> list[DueCheck]:
        """Return what is due at the locations, the oldest; of no location so much that others wait.

        One query, and another one for each location that alone has more than is asked for.
        """
        left, found = list(names), dict[str, DueCheck]()
        now = self._application.clock()
        with self._application.database.reading() as connection:
            while left:
                due = checks.due_checks(connection, left, now, DUE_AT_ONCE)
                found |= {one.task_id: one for one in due}
                if len(due) < DUE_AT_ONCE:
                    break
                [(fullest, _)] = Counter(one.location for one in due).most_common(1)
                left.remove(fullest)
        return list(found.values())

    def _begin(self) -> None:
        """Begin as many of the checks that are due as threads are free."""
        if not self._due:
            return
        now_seconds = time.monotonic()
        chosen = choose(
            [one for one in self._due if not self._back_off.waits(one.location, now_seconds)],
            self._checking.running,
            threads=self._settings.threads,
            most_at=self._most_at,
            now=self._application.clock(),
        )
        begun = {one.task_id for one in chosen}
        self._due = [one for one in self._due if one.task_id not in begun]
        for one in chosen:
            self._checking.start(one)

    def _most_at(self, location: str) -> int:
        """Return how many threads the location may hold: half of them, or one while it fails."""
        if self._back_off.is_failing(location):
            return 1
        threads = self._settings.threads
        return threads if len(self._locations) == 1 else max(threads // 2, 1)

    def _publish(self) -> None:
        path, now_seconds = self._settings.textfile, time.monotonic()
        if path is None or now_seconds < self._next_metrics_seconds or self._failed_polls:
            return
        self._next_metrics_seconds = now_seconds + METRICS_SECONDS
        now = self._application.clock()
        try:
            with self._application.database.reading() as connection:
                backlogs = checks.backlogs(connection, now)
            publish(path, self._locations, self._checking.counts, backlogs, now)
        except OSError as error:
            LOG.warning(
                "Could not write the metrics %s: %s. Create the directory and make it writable"
                " for this user, or correct textfile in [worker].",
                path,
                error.strerror,
            )
        except DatabaseUnavailable as error:
            LOG.warning("Could not write the metrics %s: %s", path, error)

    def _end(self) -> None:
        until_seconds = time.monotonic() + SECONDS_TO_END
        while self._checking.running and time.monotonic() < until_seconds:
            notify("WATCHDOG=1")
            self._checking.renew_claims()
            self._sleep(1.0)
        try:
            left = self._checking.release_claims()
        except InstanceImagesError as error:
            LOG.warning("Could not release the claims of the checks at work: %s", error)
            return
        if left:
            LOG.warning("Stopped with %d checks at work: %s", len(left), ", ".join(left))

    def _wake(self) -> None:
        self._wakes.put(None)

    def _sleep(self, seconds: float) -> None:
        """Wait so long, or until a check has ended or the worker is stopped."""
        try:
            self._wakes.get(timeout=max(seconds, 0.0))
            while True:
                self._wakes.get_nowait()
        except queue.Empty:
            pass


def _name() -> str:
    """Return a name for this process that no other one has, for the claims."""
    return f"{socket.gethostname()[:32]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
