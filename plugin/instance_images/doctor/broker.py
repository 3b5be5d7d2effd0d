"""The doctor's check of what 'listen' needs, at locations that have a message broker."""

from collections.abc import Iterator, Sequence
from functools import partial

from instance_images.config.settings import Location
from instance_images.doctor.checks import of_each
from instance_images.locations.application import Application
from instance_images.model.findings import Finding, Severity


def check_events(application: Application, locations: Sequence[Location]) -> Iterator[Finding]:
    """Find a broker that 'listen' cannot reach, or not tell from another location's."""
    from instance_images.events.broker import load_library

    told = [location for location in locations if location.events_url]
    if told:
        load_library()  # here, not in the threads that look
    yield from of_each("events", told, partial(_look, application))


def _look(application: Application, location: Location) -> Iterator[Finding]:
    from instance_images.events.broker import same_broker, unreachable_hosts

    settings = application.settings
    urls = settings.event_urls
    if location.name in (sharing := same_broker(urls)):
        yield Finding(
            "events",
            Severity.ERROR,
            location.name,
            f"The events_url of {' and '.join(sharing)} are one broker: 'listen' refuses it.",
            "Give each location a virtual host of its own, or events_url to one of them only.",
        )
    for host in unreachable_hosts(settings.events, location.name, urls[location.name]):
        yield Finding(
            "events",
            Severity.WARNING,
            location.name,
            f"The message broker at {host} takes no connection: nothing is told as it happens, and"
            " the hourly run alone finds it.",
            "See to the broker, or correct events_url.",
        )
