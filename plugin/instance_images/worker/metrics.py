"""The metrics of a worker, as a file for the textfile collector of Prometheus' node_exporter."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock

from instance_images.db.checks import Backlog

PREFIX = "instance_images_worker_"
# With the label location, but for the last.
COUNTERS = {
    "checks": "Checks of tasks that have ended.",
    "errors": "Checks that an error has ended.",
}
GAUGES = {
    "due_tasks": "Tasks whose check is due, those at work included.",
    "oldest_due_seconds": "Time since the oldest due check was due.",
    "last_poll_timestamp_seconds": "When the worker last looked for tasks that are due.",
}
_READABLE_BY_ALL = 0o644  # the exporter runs as another user


@dataclass
class Counts:
    """What the worker did since it began, by location. Safe for several threads."""

    checks: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def checked(self, location: str, *, has_failed: bool) -> None:
        """Count a check that has ended."""
        with self._lock:
            self.checks[location] += 1
            self.errors[location] += has_failed


def publish(
    path: Path,
    locations: Sequence[str],
    counts: Counts,
    backlogs: Sequence[Backlog],
    now: datetime,
) -> None:
    """Replace the file. Raises OSError."""
    from prometheus_client import CollectorRegistry, Counter, Gauge, write_to_textfile

    registry = CollectorRegistry()
    count = {
        name: Counter(PREFIX + name, told, ["location"], registry=registry)
        for name, told in COUNTERS.items()
    }
    *of_locations, last = GAUGES
    gauge = {
        name: Gauge(PREFIX + name, GAUGES[name], ["location"], registry=registry)
        for name in of_locations
    }
    backlog_of = {backlog.location: backlog for backlog in backlogs}
    for location in locations:
        backlog = backlog_of.get(location)
        age_seconds = (now - backlog.oldest).total_seconds() if backlog else 0
        count["checks"].labels(location).inc(counts.checks[location])
        count["errors"].labels(location).inc(counts.errors[location])
        gauge["due_tasks"].labels(location).set(backlog.count if backlog else 0)
        gauge["oldest_due_seconds"].labels(location).set(max(age_seconds, 0))
    Gauge(PREFIX + last, GAUGES[last], registry=registry).set(now.timestamp())
    draft = path.with_name(f".{path.name}.{os.getpid()}")  # no name that the exporter reads
    try:
        write_to_textfile(str(draft), registry)
        draft.chmod(_READABLE_BY_ALL)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
