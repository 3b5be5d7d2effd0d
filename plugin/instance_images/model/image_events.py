"""What happened to an image that changes its bill, and when and where it was learned. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Event(StrEnum):
    """What happened to an image.

    ``CHANGED``: its size or its account is another one since then. ``RESTORED``: it was deleted on
    record, and is there again since then.
    """

    AVAILABLE = "available"
    CHANGED = "changed"
    DELETED = "deleted"
    RESTORED = "restored"


class Source(StrEnum):
    """Where it was learned from.

    A customer's command, a worker, the hourly run, a listing, a notice of the image service, or by
    hand.
    """

    COMMAND = "command"
    WORKER = "worker"
    RUN = "run"
    LISTING = "listing"
    NOTICE = "notice"
    HAND = "hand"


@dataclass(frozen=True, slots=True)
class Learning:
    """When and where something was learned, which may be long after it happened."""

    learned_at: datetime
    source: Source
