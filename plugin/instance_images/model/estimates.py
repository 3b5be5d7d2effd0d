"""How large an image will be and how long its capture takes, judged by earlier ones. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class PastCapture:
    """A capture that went well: of which instance, what was stored, and how long it took."""

    source_instance_id: str
    is_of_volume: bool
    size_bytes: int
    duration_seconds: int


class Basis(StrEnum):
    """What the expected size of an image is taken from."""

    LAST_CAPTURE = "last_capture"  # the latest one of the same instance
    SIMILAR = "similar"  # the mean of the account's others whose disks are of the same kind
    DISK = "disk"  # the size of the disk, which is the maximum


@dataclass(frozen=True, slots=True)
class ExpectedSize:
    """The expected size of an image, None where the cloud does not tell even the disk's."""

    size_bytes: int | None
    basis: Basis


def expected_size(
    past: Sequence[PastCapture],
    *,
    source_instance_id: str,
    is_of_volume: bool,
    disk_bytes: int | None,
) -> ExpectedSize:
    """Return how large an image of the instance is expected to be.

    ``past`` are the captures of its own account, the latest first: those of others tell nobody
    anything. A mean above the size of the disk counts as that size.
    """
    same_kind = [capture for capture in past if capture.is_of_volume is is_of_volume]
    for capture in same_kind:
        if capture.source_instance_id == source_instance_id:
            return ExpectedSize(capture.size_bytes, Basis.LAST_CAPTURE)
    if not same_kind:
        return ExpectedSize(disk_bytes, Basis.DISK)
    mean_bytes = sum(capture.size_bytes for capture in same_kind) // len(same_kind)
    if disk_bytes is not None:
        mean_bytes = min(mean_bytes, disk_bytes)
    return ExpectedSize(mean_bytes, Basis.SIMILAR)


def seconds_left(
    past: Sequence[PastCapture],
    *,
    source_instance_id: str,
    is_of_volume: bool,
    elapsed_seconds: int,
) -> int | None:
    """Return the seconds that a capture under way will still take; None where nothing is known.

    ``past`` are the location's own captures, the latest first. Its speed is all bytes over all
    seconds of those whose disk is of the same kind; its size is expected to be that of the latest
    capture of the same instance, or else their mean.
    """
    same_kind = [capture for capture in past if capture.is_of_volume is is_of_volume]
    stored_bytes = sum(capture.size_bytes for capture in same_kind)
    if stored_bytes == 0:
        return None
    of_instance = [c.size_bytes for c in same_kind if c.source_instance_id == source_instance_id]
    expected_bytes = of_instance[0] if of_instance else stored_bytes // len(same_kind)
    duration_seconds = sum(max(1, capture.duration_seconds) for capture in same_kind)
    needed_seconds = -(-expected_bytes * duration_seconds // stored_bytes)
    return max(0, needed_seconds - elapsed_seconds)
