"""The options of the message broker of 'listen'. A part of ``config``."""

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
        help="Topics of the notifications, as in [oslo_messaging_notifications] topics of Glance."
        " 'listen' consumes priority info.",
    ),
    cfg.StrOpt(
        "exchange",
        default="glance",
        help="Exchange of the notifications: control_exchange of Glance.",
    ),
    cfg.StrOpt(
        "queue",
        default="instance-images",
        help="Prefix of the queue names; a queue is named PREFIX.LOCATION. The queues do not"
        " affect other consumers. A queue stays and grows while 'listen' is stopped: delete"
        " it if you no longer run 'listen'.",
    ),
]

URL_OPT = cfg.StrOpt(
    "events_url",
    secret=True,
    help="URL of the message broker that Glance of this location sends notifications to, such as"
    " rabbit://USER:PASSWORD@HOST:5672/VHOST. Used by 'instance-images listen' (extra"
    " 'events'). Optional: the hourly run finds what no notification reported. Options of"
    f" the connection, such as those for TLS, are read from a section [{DRIVER_SECTION}].",
)


@dataclass(frozen=True, slots=True)
class EventSettings:
    """The options of [events], and the files with further options of the broker's driver."""

    topics: tuple[str, ...] = ("notifications",)
    exchange: str = "glance"
    queue: str = "instance-images"
    config_files: tuple[Path, ...] = ()


DEFAULT_EVENTS = EventSettings()


def event_settings(group: Any, paths: list[Path]) -> EventSettings:
    """Return the values of [events]."""
    return EventSettings(tuple(group.topics), group.exchange, group.queue, tuple(paths))
