"""Which images that somebody made without this product become images of an account. Pure.

An image's properties are its owner's to write and to change, so they can only widen what is
adopted: whose an image is and what it costs rests on its id, its owner and its size. An image that
was adopted stays so, whatever becomes of its properties.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from instance_images.model import capture_journal
from instance_images.model.cloud import CloudImage, CloudImageStatus, Shelf
from instance_images.model.outcomes import GRACE
from instance_images.model.records import AdoptionPolicy, AdoptMode, Task
from instance_images.model.volume_capture import LATE


def is_stored(found: CloudImage) -> bool:
    """Return whether the image service holds bytes of the image, and says whose they are."""
    is_there = found.status is CloudImageStatus.ACTIVE and bool(found.owner_id)
    return is_there and (found.size_bytes or 0) > 0


def is_eligible(found: CloudImage, policy: AdoptionPolicy) -> bool:
    """Return whether an image that is not on record is to be adopted, by itself alone.

    Only the operator can make an image public; to make it community, shared or hidden, or to call
    it something else, is the owner's choice and changes nothing.
    """
    if not is_stored(found) or found.is_public or found.owner_id in policy.excluded_project_ids:
        return False
    return policy.mode is AdoptMode.PRIVATE or _claims_enough(found, policy.mode)


def _claims_enough(found: CloudImage, mode: AdoptMode) -> bool:
    is_marked = found.claims.request_id is not None
    if mode is AdoptMode.SNAPSHOTS:
        return is_marked or found.claims.looks_captured
    return mode is AdoptMode.MARKED and is_marked


def shelves(candidates: Iterable[CloudImage], shelved: Mapping[str, Shelf]) -> set[str]:
    """Return the ids of the images that hold the disks of shelved instances.

    ``shelved``: instances that are shelved. An instance has one such image, and any image of its
    project can claim to be it: the smallest is believed, so that to claim it gains nothing, and
    none that is larger than the instance's disk can be.
    """
    claiming: dict[str, list[CloudImage]] = {}
    for found in candidates:
        instance_id = found.claims.source_instance_id
        shelf = shelved.get(instance_id or "")
        if (
            instance_id is not None
            and shelf is not None
            and found.claims.looks_shelved
            and shelf.project_id == found.owner_id
            and (shelf.max_bytes is None or (found.size_bytes or 0) <= shelf.max_bytes)
        ):
            claiming.setdefault(instance_id, []).append(found)
    return {
        min(images, key=lambda one: (one.size_bytes or 0, began_at(one), one.id)).id
        for images in claiming.values()
    }


@dataclass(frozen=True, slots=True)
class Expectation:
    """A capture whose image is not known yet: what marks it, and from and until when it may come.

    It is by our own record and our own clock: nothing that an owner writes makes one or keeps it.
    """

    request_id: str
    since: datetime
    until: datetime


def expectation_of(task: Task) -> Expectation | None:
    """Return from and until when an image of the capture may come; None where none can.

    That is after the cloud was asked for it, and for a short time: what the capture has left
    besides, and for how long it cannot be removed, brings no image.
    """
    is_of_volume = capture_journal.is_of_volume(task.journal)
    last = capture_journal.Step.UPLOAD if is_of_volume else capture_journal.Step.CAPTURE
    asked_at = capture_journal.asked_at(task.journal, last)
    if asked_at is None:
        return None
    first = capture_journal.first_asked_at(task.journal, last) or asked_at
    return Expectation(task.image_id, first, asked_at + LATE)


def is_expected(found: CloudImage, expected: Iterable[Expectation], now: datetime) -> bool:
    """Return whether the image may be that of a capture whose image is not known yet.

    ``expected``: the captures of its owner. The cloud's clock may be a little behind ours.
    """
    return any(
        found.claims.request_id == one.request_id
        and began_at(found) >= one.since - GRACE
        and now < one.until
        for one in expected
    )


def began_at(found: CloudImage) -> datetime:
    """Return when the image was made, as far as the driver can tell."""
    return found.created_at or found.changed_at


def adopted_at(
    found: CloudImage, *, last_read_at: datetime | None, was_adopting: bool, read_at: datetime
) -> datetime:
    """Return from when on an adopted image is billed: never from before anybody could know.

    That is when it was last changed, if that was after the last complete reading and the same kind
    of images was adopted then already; else the reading that found it.
    """
    if last_read_at is None or not was_adopting or found.changed_at < last_read_at:
        return read_at
    return min(found.changed_at, read_at)
