"""What a capture's task has written down of its work in the cloud: the words of its journal. Pure.

What is about to be made is written down before the cloud is asked for it, and its id afterwards: a
process that dies in between leaves a question that the next one answers by looking for the mark.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from instance_images.instants import format_instant, parse_instant
from instance_images.model.cloud import PartKind, RootVolume

Journal = Mapping[str, Any]


class Step(StrEnum):
    """What a capture asks the cloud to make, in this order for a volume, ``CAPTURE`` else."""

    CAPTURE = "capture"  # by the compute service, as one request
    SNAPSHOT = "snapshot"  # of the root volume
    VOLUME = "volume"  # of the snapshot
    UPLOAD = "upload"  # of that volume, to the image service


STEP_OF = {PartKind.SNAPSHOT: Step.SNAPSHOT, PartKind.VOLUME: Step.VOLUME}


def of_server(now: datetime) -> dict[str, Any]:
    """Return the journal of a capture that the compute service is about to be asked for."""
    return asked({}, Step.CAPTURE, now)


def of_volume(root: RootVolume, disk_format: str) -> dict[str, Any]:
    """Return the journal of a capture of a root volume, nothing of which has been asked for."""
    return {
        "volume_id": root.id,
        "size_gib": root.size_gib,
        "min_ram_mib": root.min_ram_mib,
        # Cinder refuses to convert what it cannot read.
        "disk_format": "raw" if root.is_encrypted else disk_format,
    }


def is_of_volume(journal: Journal) -> bool:
    """Return whether the capture goes by way of the block storage."""
    return "volume_id" in journal


def asked(journal: Journal, step: Step, now: datetime) -> dict[str, Any]:
    """Return the journal with the step about to be asked for, for the first time or again."""
    asked_before = journal.get("asked", {})
    written = {**journal, "asked": {**asked_before, step: format_instant(now)}}
    if step in asked_before:
        first = {step: asked_before[step], **journal.get("first_asked", {})}
        written["first_asked"] = first
    return written


def not_asked(journal: Journal, step: Step) -> dict[str, Any]:
    """Return the journal without a step that the cloud has certainly not begun."""
    return {**journal, "asked": {s: at for s, at in journal["asked"].items() if s != step}}


def made(journal: Journal, step: Step, cloud_id: str) -> dict[str, Any]:
    """Return the journal with the id of what the step has made; empty where that is nothing."""
    return {**journal, "made": {**journal.get("made", {}), step: cloud_id}}


def active_since(journal: Journal, instant: datetime) -> dict[str, Any]:
    """Return the journal with the instant at which all bytes were in the image service."""
    return {**journal, "active_since": format_instant(instant)}


def instant_of(journal: Journal, name: str) -> datetime | None:
    """Return an instant that was written down under the name."""
    return parse_instant(journal[name]) if name in journal else None


def asked_at(journal: Journal, step: Step) -> datetime | None:
    """Return when the cloud was last asked for the step."""
    return instant_of(journal.get("asked", {}), step)


def first_asked_at(journal: Journal, step: Step) -> datetime | None:
    """Return when the cloud was first asked for the step in this attempt."""
    return instant_of(journal.get("first_asked", {}), step) or asked_at(journal, step)


def made_by(journal: Journal, step: Step) -> str | None:
    """Return the id of what the step has made, as far as it is known."""
    found: str | None = journal.get("made", {}).get(step)
    return found


def may_have_made_more(journal: Journal, step: Step) -> bool:
    """Return whether the step may have made something whose id is not on record.

    Its answer may be lost; or it was asked for twice, and the first request came to something late.
    """
    is_unanswered = asked_at(journal, step) is not None and made_by(journal, step) is None
    return is_unanswered or step in journal.get("first_asked", {})


def parts_made(journal: Journal) -> dict[PartKind, str]:
    """Return the ids of the snapshot and the volume that were made, as far as they are known."""
    found = {kind: made_by(journal, STEP_OF[kind]) for kind in PartKind}
    return {kind: made_id for kind, made_id in found.items() if made_id}


def unanswered_since(journal: Journal) -> datetime | None:
    """Return when the last step was asked for, if no answer is on record; else None.

    The steps before it were answered, or seen: each is made of what the one before has made.
    """
    steps = [step for step in Step if step in journal.get("asked", {})]
    if not steps or steps[-1] in journal.get("made", {}):
        return None
    return asked_at(journal, steps[-1])
