"""What a reading of a location has taught, as it is told to the operator. Pure."""

from dataclasses import dataclass
from datetime import datetime

from instance_images.instants import format_instant
from instance_images.model.records import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """One thing about one image, and since when it is so.

    ``event``: available, deleted, changed, renamed, adopted, restored, or a task's kind with
    ``failed``.
    """

    location: str
    event: str
    image_id: str
    cloud_image_id: str | None
    name: str
    account_id: str
    size_bytes: int | None
    effective_at: datetime
    note: str

    @property
    def sentence(self) -> str:
        """All of it on one line, for the terminal."""
        return f"{self.log_line}. {self.note}".rstrip()

    @property
    def log_line(self) -> str:
        """What happened to which image, without a name that a customer gave."""
        return (
            f"{self.location}: image {self.image_id} of account {self.account_id}: {self.event}"
            f" since {format_instant(self.effective_at)}"
        )


def learned(
    event: str,
    image: Image,
    effective_at: datetime,
    note: str = "",
    *,
    size_bytes: int | None = None,
) -> Learned:
    """Return what was learned of the image; its size is the one on record if none is given."""
    return Learned(
        location=image.location,
        event=event,
        image_id=image.id,
        cloud_image_id=image.cloud_image_id,
        name=image.name,
        account_id=image.account_id,
        size_bytes=image.size_bytes if size_bytes is None else size_bytes,
        effective_at=effective_at,
        note=note,
    )
