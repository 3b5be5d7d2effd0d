"""The options of the worker, which advances tasks in the background. A part of ``config``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oslo_config import cfg

WORKER_OPTS = [
    cfg.IntOpt(
        "threads",
        default=8,
        min=1,
        max=64,
        help="Number of tasks that one worker checks at a time. With several locations, one of them"
        " holds at most half of the threads. Raise it if checks are late although the cloud answers"
        " fast; or run a second worker.",
    ),
    cfg.FloatOpt(
        "poll_seconds",
        default=1.0,
        min=0.1,
        max=60.0,
        help="Seconds between two looks for tasks that are due, give or take a quarter. Each is one"
        " query of an index.",
    ),
    cfg.StrOpt(
        "textfile",
        sample_default="/var/lib/node_exporter/instance_images_worker.prom",
        help="File for the textfile collector of Prometheus' node_exporter with the metrics of the"
        " worker. Each worker of a host needs a file of its own, and none may have that of"
        " [metrics]. No metrics if left out.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How a worker works, and where it writes its metrics: None for nowhere."""

    threads: int = 8
    poll_seconds: float = 1.0
    textfile: Path | None = None


DEFAULT_WORKER = WorkerSettings()


def worker_settings(group: Any, textfile: Path | None) -> WorkerSettings:
    """Return the values of [worker]; ``textfile`` is its checked value."""
    return WorkerSettings(threads=group.threads, poll_seconds=group.poll_seconds, textfile=textfile)
