"""``instance-images listen``: receive notifications of the image services."""

from __future__ import annotations

import logging
import signal
from collections.abc import Mapping
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING

import click

from instance_images.commands.options import locations_of, locations_option, pass_invocation
from instance_images.errors import ConfigurationError, InstanceImagesError

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images.events.broker import Consumer, Handler
    from instance_images.events.postponing import Postponing
    from instance_images.events.unconfirmed import Watch

LOG = logging.getLogger(__name__)


@click.command()
@locations_option
@pass_invocation
def listen(invocation: Invocation, location: str | None) -> None:
    """Receive notifications of the image services until stopped.

    With it, the begin and end of images that are made, changed or deleted outside this product are
    known to the second; without it, to the hourly run. Restarts lose nothing. Requires
    [location:NAME] events_url and the extra 'events'.

    Example: instance-images listen --location RegionOne
    """
    from instance_images.events.broker import Consumer
    from instance_images.events.postponing import Postponing
    from instance_images.events.unconfirmed import Watch

    urls = _urls(invocation, location)
    watches = {name: Watch(name, invocation.clock) for name in urls}
    postponing = {
        name: Postponing(partial(invocation.application.site, name), watch, _warn)
        for name, watch in watches.items()
    }
    sources = {
        name: (url, _handler(invocation, name, watches[name], postponing[name]))
        for name, url in urls.items()
    }

    def report(name: str) -> None:
        click.echo(f"Listening to the image service of {name}.", err=True)

    consumer = Consumer(invocation.application.settings.events, sources)
    _stop_by_signals(consumer)
    click.echo(f"Waiting for the message broker of {', '.join(urls)}.", err=True)

    def report_doubts(*, at_once: bool = False) -> None:
        for watch in watches.values():
            watch.report(_warn, at_once=at_once)
        for name, watch in watches.items():
            _record(invocation, name, watch)

    def tick() -> None:
        report_doubts()
        for name, one in postponing.items():
            _retry(name, one)

    with invocation.announced("listen"):
        consumer.run(report, tick)
    report_doubts(at_once=True)
    click.echo("Stopped. Unprocessed notifications stay in their queue.", err=True)


def _urls(invocation: Invocation, location: str | None) -> dict[str, str]:
    """Return the brokers of the locations that have one."""
    from instance_images.events.broker import same_broker

    settings = invocation.application.settings
    everywhere = settings.event_urls
    wanted = locations_of(invocation, location)
    urls = {name: url for name, url in everywhere.items() if name in wanted}
    if not urls:
        raise ConfigurationError(
            "Configuration: no location has events_url: set it in [location:NAME]."
        )
    if sharing := same_broker(everywhere):
        raise ConfigurationError(
            f"Configuration: the events_url of {' and '.join(sharing)} name the same broker, so"
            " that notifications cannot be assigned to a location: give each location its own"
            " virtual host, or set events_url for one of them only."
        )
    return urls


def _warn(sentence: str) -> None:
    click.echo(f"Warning: {sentence}", err=True)


def _record(invocation: Invocation, name: str, watch: Watch) -> None:
    """Record what the image service did not confirm, for the doctor and the metrics."""
    from instance_images.db import notices

    def write(reasons: Mapping[str, int]) -> None:
        now = invocation.clock()
        invocation.application.database.write(
            lambda connection: notices.count(connection, name, reasons, now)
        )

    try:
        watch.save(write)
    except InstanceImagesError as error:
        LOG.warning("%s: Postponed the counts of notifications: %s", name, error)


def _retry(name: str, postponing: Postponing) -> None:
    try:
        postponing.retry(lambda news: click.echo(news.sentence))
    except InstanceImagesError as error:
        LOG.warning("%s: Postponed the retry of waiting notifications: %s", name, error)


def _handler(invocation: Invocation, name: str, watch: Watch, postponing: Postponing) -> Handler:
    from instance_images.errors import Refused
    from instance_images.events.unconfirmed import Doubt

    def handle(event_type: str, payload: object) -> None:
        # A site caches owners as long as it exists: use a new one for each notification.
        site = invocation.application.site(name)
        try:
            notice = site.provider.read_notification(event_type, payload)
        except ValueError as error:
            watch.doubt(Doubt.UNREADABLE)
            watch.report(_warn)
            if not watch.may_ask("", is_on_record=False):
                return  # limits the log under a flood of notifications
            watch.in_vain("", is_on_record=False)
            raise Refused(str(error)) from error
        for news in postponing.take(site, notice) if notice else ():
            click.echo(news.sentence)
        watch.report(_warn)

    return handle


def _stop_by_signals(consumer: Consumer) -> None:
    """Stop cleanly on SIGINT and SIGTERM."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        consumer.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
