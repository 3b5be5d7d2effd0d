"""What comes next in the capture of a volume, and what an ended capture has left behind. Pure.

The block storage cannot be asked for an image of a volume in use. So a snapshot is taken of it, a
volume is made of the snapshot, and that is uploaded. Each step is asked for once the one before is
ready. What it made is known by its id; where the answer was lost, by what it was made of.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from instance_images.model import capture_journal
from instance_images.model.capture_journal import Step
from instance_images.model.cloud import (
    CapturePart,
    CloudImage,
    CloudImageStatus,
    PartKind,
    PartStatus,
)
from instance_images.model.outcomes import GRACE, Available, Continues, Failed
from instance_images.model.records import Image, ImageStatus, Task

# How long after a request without an answer something may still come of it, and how long what is
# left of an ended capture may be busy with something.
LATE = timedelta(minutes=10)

# The longest time between two looks at what cannot be deleted, and how long it is tried at all.
LONGEST_PAUSE = timedelta(days=1)
GIVE_UP_AFTER = timedelta(days=7)

_GIB = 2**30
_NEVER = datetime.max.replace(tzinfo=UTC)
_PROGRESS = {PartKind.SNAPSHOT: 10, PartKind.VOLUME: 30}
_UPLOAD_PROGRESS = 60
_UPLOAD_ENDED = "upload ended"
AFTER = {PartKind.SNAPSHOT: Step.VOLUME, PartKind.VOLUME: Step.UPLOAD}


@dataclass(frozen=True, slots=True)
class Seen:
    """What the cloud has of a capture: the parts that belong to it, and its image."""

    parts: Sequence[CapturePart]
    image: CloudImage | None

    def part(self, kind: PartKind) -> CapturePart | None:
        """Return the part of the kind; of several, because it was asked for twice, the first."""
        return next((part for part in self.parts if part.kind is kind), None)


@dataclass(frozen=True, slots=True)
class Ask:
    """The cloud is to be asked for the step; ``source_id`` is what it is made of."""

    step: Step
    source_id: str


@dataclass(frozen=True, slots=True)
class Complete:
    """All bytes are there: the image is to be given its mark and minima, and is available then."""

    outcome: Available


@dataclass(frozen=True, slots=True)
class Remove:
    """What an ended capture has left is to be deleted.

    By force where the cloud has had time enough to come to an end with it.
    """

    image: CloudImage | None
    parts: Sequence[CapturePart]
    force: bool = False


@dataclass(frozen=True, slots=True)
class Watch:
    """Something is being deleted, or may still come of a request without an answer.

    ``refusal``: why what is left could not be deleted now.
    """

    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Abandon:
    """What is left of an ended capture is given up: it could not be deleted for days."""

    reason: str


@dataclass(frozen=True, slots=True)
class Clean:
    """Nothing of the capture is left but its image, if that is available."""


def own_parts(task: Task, found: Sequence[CapturePart]) -> list[CapturePart]:
    """Return the parts that belong to the capture: those on record first, then the oldest.

    A part belongs to a capture if its id is on record, or by descent: a snapshot of the root
    volume, a volume of such a snapshot. Parts that are not on record were found by their mark,
    which anybody in the project can write, so that what they were made of decides, and when.
    """
    made = capture_journal.parts_made(task.journal)
    snapshots = _own_of_kind(task, found, PartKind.SNAPSHOT, {task.journal["volume_id"]})
    snapshot_ids = {part.id for part in snapshots}
    if PartKind.SNAPSHOT in made:
        snapshot_ids.add(made[PartKind.SNAPSHOT])
    return snapshots + _own_of_kind(task, found, PartKind.VOLUME, snapshot_ids)


def _own_of_kind(
    task: Task, found: Sequence[CapturePart], kind: PartKind, source_ids: Container[str | None]
) -> list[CapturePart]:
    made_id = capture_journal.made_by(task.journal, capture_journal.STEP_OF[kind])
    own = {
        part.id: part
        for part in found
        if part.kind is kind
        and (part.id == made_id or (part.source_id in source_ids and _is_in_time(task, part)))
    }
    return sorted(own.values(), key=lambda p: (p.id != made_id, p.created_at or _NEVER, p.id))


def _is_in_time(task: Task, part: CapturePart) -> bool:
    """Return whether the part was made in this attempt, and not long after it was asked for."""
    asked_at = capture_journal.asked_at(task.journal, capture_journal.STEP_OF[part.kind])
    if asked_at is None:
        return False
    return part.created_at is None or (
        task.started_at - GRACE <= part.created_at <= asked_at + LATE
    )


def next_of_volume_capture(
    task: Task, seen: Seen, now: datetime
) -> Continues | Ask | Complete | Failed:
    """Decide about the capture of a root volume, from the last thing that there is of it."""
    if seen.image is not None:
        return _next_of_image(task, seen, seen.image, now)
    if capture_journal.made_by(task.journal, Step.UPLOAD):
        return Failed(
            "The image disappeared from the image service before it was available: either the"
            " block storage could not upload it (a common cause is too little space for the"
            " images), or it was deleted there.",
            is_unexplained=True,
        )
    for kind in (PartKind.VOLUME, PartKind.SNAPSHOT):
        part = seen.part(kind)
        if part is not None:
            return _next_of_part(task, part, now)
        if capture_journal.made_by(task.journal, capture_journal.STEP_OF[kind]):
            return Failed(f"The {kind} that was made for the capture disappeared.")
    return _ask(task, Step.SNAPSHOT, task.journal["volume_id"], now)


def _next_of_part(task: Task, part: CapturePart, now: datetime) -> Continues | Ask | Failed:
    match part.status:
        case PartStatus.READY:
            return _ask(task, AFTER[part.kind], part.id, now)
        case PartStatus.WORKING:
            return Continues(f"{part.kind} {part.word}", max(task.progress, _PROGRESS[part.kind]))
        case _:
            return Failed(
                f"The {part.kind} that was made for the capture is {part.word}: the block storage"
                " could not make or read it, or it was deleted there."
            )


def _ask(task: Task, step: Step, source_id: str, now: datetime) -> Continues | Ask:
    """Ask for the step, unless it was asked for just now: then its answer is on its way."""
    asked_at = capture_journal.asked_at(task.journal, step)
    if asked_at is not None and now - asked_at < GRACE:
        return Continues(task.stage, task.progress)
    return Ask(step, source_id)


def _next_of_image(
    task: Task, seen: Seen, image: CloudImage, now: datetime
) -> Continues | Complete | Failed:
    if image.status is CloudImageStatus.LOST:
        return Failed("The image service lost the image before it was available.")
    if image.status is not CloudImageStatus.ACTIVE:
        return _next_of_upload(task, seen, image, now)
    fault = fault_of_upload(image, task.journal["size_gib"], task.journal["disk_format"])
    if fault:
        return Failed(fault)
    seen_at = capture_journal.instant_of(task.journal, "active_since")
    assert image.size_bytes is not None
    return Complete(
        Available(
            size_bytes=image.size_bytes,
            virtual_size_bytes=image.virtual_size_bytes,
            available_at=seen_at or min(max(image.changed_at, task.updated_at), now),
        )
    )


def _next_of_upload(task: Task, seen: Seen, image: CloudImage, now: datetime) -> Continues | Failed:
    """Decide about an image without its bytes, by what the volume is doing.

    The block storage may have been restarted: then nobody sends the bytes any more. The image was
    looked at before the volume, so that it may be complete when the volume is seen at rest.
    """
    volume = seen.part(PartKind.VOLUME)
    if volume is None or volume.status is PartStatus.WORKING:
        return Continues(f"image {image.status}", max(task.progress, _UPLOAD_PROGRESS))
    if task.stage != _UPLOAD_ENDED or now - task.stage_began_at < GRACE:
        return Continues(_UPLOAD_ENDED, max(task.progress, _UPLOAD_PROGRESS))
    return Failed(
        f"The upload of the volume ended, the volume is {volume.word}, and the image is still"
        f" {image.status}: the block storage was interrupted."
    )


def fault_of_upload(image: CloudImage, size_gib: int, disk_format: str) -> str | None:
    """Return why the image cannot hold all of a volume of that size, or None if it can."""
    disk_bytes = size_gib * _GIB
    if image.size_bytes is None or image.size_bytes <= 0:
        return "The image service holds 0 bytes of the image: it cannot be used."
    if disk_format == "raw" and image.size_bytes != disk_bytes:
        return (
            f"The image service holds {image.size_bytes} bytes of a volume of {disk_bytes}: the"
            " upload was cut short."
        )
    if image.virtual_size_bytes not in (None, disk_bytes):
        return (
            f"The disk in the image has {image.virtual_size_bytes} bytes, the volume {disk_bytes}."
        )
    if not image.checksum:
        return (
            "The image service has no checksum of the image, so its bytes did not pass through it:"
            " the operator turns off image_upload_use_cinder_backend in Cinder."
        )
    return None


def is_given_up(task: Task, now: datetime) -> bool:
    """Return whether what an ended capture has left is left to the operator from now on."""
    return now - task.updated_at >= GIVE_UP_AFTER


def next_of_leftovers(
    task: Task, image: Image, seen: Seen, now: datetime
) -> Remove | Watch | Clean:
    """Decide about what a capture that has ended left in the cloud.

    The image itself stays where it is available, and is left to its deletion where that is under
    way. A snapshot is deleted when the volume that was made of it is gone.
    """
    is_kept = image.status in (ImageStatus.AVAILABLE, ImageStatus.DELETING)
    in_the_way = None if is_kept else seen.image
    volumes = [part for part in seen.parts if part.kind is PartKind.VOLUME]
    parts = [p for p in volumes or seen.parts if p.status is not PartStatus.DELETING]
    if in_the_way is not None or parts:
        return Remove(in_the_way, parts, force=now - task.updated_at >= LATE)
    asked_at = capture_journal.unanswered_since(task.journal)
    may_come = False
    if asked_at is not None and image.cloud_image_id is None:
        may_come = now - asked_at < LATE
    return Watch() if seen.parts or may_come else Clean()
