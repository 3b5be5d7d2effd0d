"""Which images that somebody made without this product become images of an account. Pure.

An image's properties are its owner's to write and to change, so they can only widen what is
adopted: whose an image is and what it costs rests on its id, its owner and its size. An image that
was adopted stays so, whatever becomes of its properties.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from instance_images.model.cloud import CloudImage, CloudImageStatus
from instance_images.model.outcomes import GRACE
from instance_images.model.records import AdoptionPolicy, AdoptMode


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


def shelves(candidates: Iterable[CloudImage], shelved: Mapping[str, str]) -> set[str]:
    """Return the ids of the images that hold the disks of shelved instances.

    ``shelved``: instances that are shelved, with their projects. An instance has one such image,
    and any image can claim to be it: the oldest is believed, the others are adopted.
    """
    claiming: dict[str, list[CloudImage]] = {}
    for found in candidates:
        instance_id = found.claims.source_instance_id
        if (
            found.claims.looks_shelved
            and instance_id is not None
            and shelved.get(instance_id) == found.owner_id
        ):
            claiming.setdefault(instance_id, []).append(found)
    return {min(images, key=lambda one: (began_at(one), one.id)).id for images in claiming.values()}


def is_expected(found: CloudImage, waiting_since: Sequence[datetime]) -> bool:
    """Return whether the image may be that of a capture whose image is not known yet.

    ``waiting_since``: when the owner's captures of that kind were asked for, by our own record; no
    mark on the image makes up for one. The cloud's clock may be a little behind ours.
    """
    return any(began_at(found) >= since - GRACE for since in waiting_since)


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
