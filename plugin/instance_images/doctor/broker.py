"""The doctor's check of what 'listen' needs, at locations that have a message broker."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial

from instance_images.config.settings import Location
from instance_images.db import notices
from instance_images.doctor.checks import of_each
from instance_images.errors import InstanceImagesError
from instance_images.instants import format_instant
from instance_images.locations.application import Application
from instance_images.model.findings import Finding, Severity

# Notifications that were not confirmed are told for so long.
RECENT = timedelta(days=1)


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
            "Give each location its own virtual host, or set events_url for one of them only.",
        )
    for host in unreachable_hosts(settings.events, location.name, urls[location.name]):
        yield Finding(
            "events",
            Severity.WARNING,
            location.name,
            f"The message broker at {host} does not accept connections: only the hourly run"
            " notices changes.",
            "Check the broker, or correct events_url.",
        )
    try:
        with application.database.reading() as connection:
            waiting = notices.waiting(connection, location.name)
            counted = notices.counts(connection, location.name)
    except InstanceImagesError:
        return  # the check of the database tells
    if waiting is not None:
        word = "notification waits" if waiting.count == 1 else "notifications wait"
        yield Finding(
            "events",
            Severity.WARNING,
            location.name,
            f"{waiting.count} {word} since {format_instant(waiting.since)}, such as one about"
            f" image {waiting.image_id}: the image service fails for this image.",
            f"'openstack image show {waiting.image_id}' shows the error. Check that 'listen' is"
            " running: it retries them every 5 minutes.",
        )
    recent = [one for one in counted if application.clock() - one.last_at < RECENT]
    if recent:
        told = ", ".join(f"{one.count} {_words(one.reason)}" for one in recent)
        yield Finding(
            "events",
            Severity.WARNING,
            location.name,
            "The image service does not confirm some notifications (the last one at"
            f" {format_instant(max(one.last_at for one in recent))}): {told}. Nothing was charged"
            " for them.",
            "A few are normal. If the numbers grow, they may be forged: change the passwords of"
            " the message broker.",
        )


def _words(reason: str) -> str:
    """Return what a recorded reason means; another version may have recorded it."""
    from instance_images.events.unconfirmed import Doubt

    return next((one.value for one in Doubt if one.name.lower() == reason), reason)
