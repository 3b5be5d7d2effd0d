"""The doctor's check of the worker: it keeps up with the tasks, where there is one."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from instance_images.config.settings import Location
from instance_images.db import checks, runs
from instance_images.instants import format_instant
from instance_images.locations.application import Application
from instance_images.model.findings import Finding, Severity

OVERDUE = timedelta(minutes=5)


def check_worker(application: Application, locations: Sequence[Location]) -> Iterator[Finding]:
    """Find tasks whose check is overdue; then tell whether a worker is running at all.

    Without a worker and without such tasks all is well: it is optional.
    """
    now = application.clock()
    with application.database.reading() as connection:
        backlogs = checks.backlogs(connection, now)
        is_running = any(run.command == "work" for run in runs.active(connection))
    names = {location.name for location in locations}
    late = [one for one in backlogs if one.location in names and now - one.oldest > OVERDUE]
    for one in late:
        yield Finding(
            "worker",
            Severity.WARNING,
            one.location,
            f"Tasks that are due for a check: {one.count}, the first since"
            f" {format_instant(one.oldest)}.",
            "See the log of 'instance-images work' for what fails. If nothing does, raise [worker]"
            " threads or start another worker."
            if is_running
            else "Start a worker, or have 'instance-images meter run' run every hour.",
        )
    if late and not is_running:
        yield Finding(
            "worker",
            Severity.WARNING,
            None,
            "No worker is running: tasks advance only when somebody looks, and with the hourly"
            " run.",
            "Run 'systemctl enable --now instance-images-worker.service'.",
        )
