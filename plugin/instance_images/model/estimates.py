"""How long a capture will still take, judged by those that went well before. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PastCapture:
    """A capture that went well: of which instance, what was stored, and how long it took."""

    source_instance_id: str
    is_of_volume: bool
    size_bytes: int
    duration_seconds: int


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
