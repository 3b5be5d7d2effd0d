"""The options of the message broker, whose notifications 'listen' takes. A part of ``config``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oslo_config import cfg

# Read by oslo.messaging itself, from the same files.
DRIVER_SECTION = "oslo_messaging_rabbit"

EVENTS_OPTS = [
    cfg.ListOpt(
        "topics",
        default=["notifications"],
        help="Topics that the image services publish to: what [oslo_messaging_notifications] topics"
        " says in theirs. 'listen' takes those of priority info.",
    ),
    cfg.StrOpt(
        "exchange",
        default="glance",
        help="Exchange that the image services publish to: control_exchange in theirs.",
    ),
    cfg.StrOpt(
        "queue",
        default="instance-images",
        help="Name of the queue of each location, with a dot and the location's name behind it. It"
        " is this product's own, beside those of other consumers, which miss nothing by it. It"
        " stays when 'listen' ends, and grows until 'listen' runs again: delete it where you give"
        " that up.",
    ),
]

URL_OPT = cfg.StrOpt(
    "events_url",
    secret=True,
    help="Where the image service of this location sends its notifications, such as"
    " rabbit://USER:PASSWORD@HOST:5672/VHOST, for 'instance-images listen' (extra 'events')."
    " Nothing depends on it: what is not told by a notification, the hourly run finds. Options of"
    f" the connection, such as those for TLS, are read from a section [{DRIVER_SECTION}].",
)


@dataclass(frozen=True, slots=True)
class EventSettings:
    """Where notifications are published, and the files with more options of the broker's driver."""

    topics: tuple[str, ...] = ("notifications",)
    exchange: str = "glance"
    queue: str = "instance-images"
    config_files: tuple[Path, ...] = ()


DEFAULT_EVENTS = EventSettings()


def event_settings(group: Any, paths: list[Path]) -> EventSettings:
    """Return the values of [events]."""
    return EventSettings(tuple(group.topics), group.exchange, group.queue, tuple(paths))
