"""What may come of a task."""

from dataclasses import dataclass
from datetime import datetime, timedelta

# A request whose answer never came may still be on its way, or held by another process.
GRACE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Continues:
    """The work goes on, in this stage, with this percentage of the stages passed."""

    stage: str
    progress: int


@dataclass(frozen=True, slots=True)
class Available:
    """All bytes of the image are in the image service since ``available_at``."""

    size_bytes: int
    virtual_size_bytes: int | None
    available_at: datetime


@dataclass(frozen=True, slots=True)
class Deployed:
    """The instance runs."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """The image is gone; its deletion was accepted at ``deleted_at``."""

    deleted_at: datetime


@dataclass(frozen=True, slots=True)
class DeleteAgain:
    """The image is still there, and nobody can be waiting for the answer any more."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The work has come to nothing, for this reason.

    ``is_unexplained`` where the cloud made away with an image and tells nobody why.
    """

    reason: str
    is_unexplained: bool = False


@dataclass(frozen=True, slots=True)
class Postponed:
    """Nothing can be seen or done for the task now, for a reason that is its own or its project's.

    The task stays as it is, and is looked at again by the next command or run. ``was_seen``: its
    image was there, and then something failed.
    """

    reason: str
    was_seen: bool = False
