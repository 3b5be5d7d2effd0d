"""A worker in this process, on sites of the test's own, whose clock runs fast.

Due times are whole seconds, and what is lost is looked for after minutes: no test waits so long.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from instance_images.config.worker import WorkerSettings
from instance_images.locations.application import Application
from instance_images.locations.site import Site
from instance_images.worker.worker import Worker

from support.worlds.ledger_world import at

_LOOK_SECONDS = 0.02
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class FastClock:
    """Shows instants from noon on, ``speed`` seconds in each second; it is wrong by ``skew``."""

    speed: float
    skew: timedelta = timedelta(0)
    began_seconds: float = field(default_factory=time.monotonic)

    def __call__(self) -> datetime:
        """Return its instant."""
        passed_seconds = (time.monotonic() - self.began_seconds) * self.speed
        return (at("1T12:00") + timedelta(seconds=passed_seconds) + self.skew).replace(
            microsecond=0
        )


class SomeApplication(Application):
    """An application with these sites."""

    def __init__(self, sites: Mapping[str, Site]) -> None:
        self.sites = sites
        first = next(iter(sites.values()))
        self.clock = first.clock
        self.database = first.database

    def site(self, location_name: str | None) -> Site:
        """Return the site of that name."""
        assert location_name is not None
        return self.sites[location_name]


def run_worker(
    sites: Mapping[str, Site],
    until: Callable[[], bool],
    threads: int = 2,
) -> Worker:
    """Run a worker on the sites until a condition holds, and return it when it has ended."""
    settings = WorkerSettings(threads=threads, poll_seconds=0.02)
    worker = Worker(SomeApplication(sites), list(sites), settings)
    has_ended = threading.Event()
    failures: list[str] = []

    def watch() -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not has_ended.wait(_LOOK_SECONDS) and not until():
            if time.monotonic() > deadline:
                failures.append("the worker was not done in time")
                break
        worker.stop()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        worker.run()
    finally:
        has_ended.set()
        watcher.join()
    assert not failures, failures
    return worker
