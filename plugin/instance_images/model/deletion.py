"""Whether an image is deleted, and when that was, decided from what the cloud has. Pure."""

from datetime import datetime

from instance_images.model import capture_journal
from instance_images.model.outcomes import GRACE, Continues, DeleteAgain, Deleted
from instance_images.model.records import Image, Task


def next_of_deletion(
    task: Task, is_gone: bool, last_read_at: datetime | None, now: datetime
) -> Continues | Deleted | DeleteAgain:
    """Decide about a deletion whose answer was not received.

    If the image is gone, its deletion was accepted when it was asked for; but not before the
    location was last read completely, for then the image was still there. Readings since the task
    was postponed did not see it.
    """
    if is_gone:
        seen_at = capture_journal.instant_of(task.journal, "seen_at") or last_read_at
        return Deleted(min(max(task.started_at, seen_at or task.started_at), now))
    if now - task.started_at < GRACE:
        return Continues(task.stage, task.progress)
    return DeleteAgain()


def vanished_at(image: Image, last_read_at: datetime | None) -> datetime:
    """Return when an available image that is gone was deleted, as far as anybody can know.

    That is the last time that it was seen: the last complete reading of the location, or, if
    there was none since, the instant at which it became available.
    """
    assert image.available_at is not None
    return max(image.available_at, last_read_at or image.available_at)
