"""``instance-images work``: advance tasks in the background."""

from __future__ import annotations

import signal
from types import FrameType
from typing import TYPE_CHECKING

import click

from instance_images.commands.options import locations_of, locations_option, pass_invocation

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images.worker.worker import Worker


@click.command()
@locations_option
@pass_invocation
def work(invocation: Invocation, location: str | None) -> None:
    """Advance unfinished tasks in the background until stopped.

    Without it, a task advances when a command or request looks at it, and with the hourly run. Any
    number of workers may run, on any number of hosts. Restarts lose nothing.

    Example: instance-images work --location RegionOne
    """
    from instance_images.worker.worker import Worker

    names = locations_of(invocation, location)
    settings = invocation.application.settings.worker
    worker = Worker(invocation.application, names, settings)
    _stop_by_signals(worker)
    with invocation.announced("work"):
        click.echo(f"Working at {', '.join(names)} with {settings.threads} threads.", err=True)
        worker.run()
    click.echo("Stopped. What was not finished is on record.", err=True)


def _stop_by_signals(worker: Worker) -> None:
    """End in good order at the first signal, and at once at the second."""

    def stop(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        worker.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
