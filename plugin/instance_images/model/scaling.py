"""Scaling groups as values, and what may be done to them. Pure.

A group makes new instances from one image. To change it never touches the instances that the group
has, unless that is asked for.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from instance_images.errors import UsageError
from instance_images.names import printable

_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_.-]{0,254}")


class GroupStatus(StrEnum):
    """What matters to us of the status of a group and its stack."""

    READY = "ready"
    CHANGING = "changing"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Member:
    """An instance of a group. ``id`` is what the group knows it by.

    ``cloud_image_id`` is the image that it was made from, None where its disk is a volume.
    """

    id: str
    server_id: str
    name: str
    status: str
    cloud_image_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingGroup:
    """A scaling group in a stack of its project.

    ``name`` is the stack's, ``group`` its name in the stack; ``project_name`` is for people, and no
    driver's business. ``cloud_image_id`` is what new
    instances are made from, an id or a name, as far as the stack tells. ``desired_size`` is what
    the group returns to when it is updated, None if it stays as large as it is. ``size`` is how
    many members it has; ``members`` are their instances, where they were asked for.
    ``keeps_members`` where a new image can leave them alone. ``fault`` says why no image can be
    chosen, or None.
    """

    id: str
    name: str
    project_id: str
    group: str
    status: GroupStatus
    reason: str
    cloud_image_id: str | None
    flavor: str | None
    min_size: int | None
    max_size: int | None
    desired_size: int | None
    size: int
    keeps_members: bool
    fault: str | None
    members: Sequence[Member] = ()
    project_name: str = ""


@dataclass(frozen=True, slots=True)
class Rollout:
    """How current instances are replaced: so many at a time, with a pause after each batch."""

    batch_size: int = 1
    pause_seconds: int = 0


@dataclass(frozen=True, slots=True)
class GroupRequest:
    """The sizes of a group that is to be made, and the seconds that it rests after scaling.

    ``request_id`` names the request, so that its repetition finds the group; empty without a key.
    """

    name: str
    min_size: int
    max_size: int
    desired_size: int
    cooldown_seconds: int
    request_id: str = ""


def group_request(
    name: str,
    min_size: int = 1,
    max_size: int = 3,
    desired_size: int | None = None,
    cooldown_seconds: int = 60,
) -> GroupRequest:
    """Return the request for a group; what is left out is chosen."""
    desired_size = min_size if desired_size is None else desired_size
    return GroupRequest(name, min_size, max_size, desired_size, cooldown_seconds)


def rollout_of(
    *, replace: bool, batch_size: int | None, pause_seconds: int | None
) -> Rollout | None:
    """Return how current instances are replaced, None where they stay. Raises UsageError."""
    if replace:
        return Rollout(batch_size or 1, pause_seconds or 0)
    if batch_size is not None or pause_seconds is not None:
        raise UsageError(
            "Batch size and pause apply to the replacement of instances: request the"
            " replacement, too."
        )
    return None


def fault_of_group(request: GroupRequest) -> str | None:
    """Return why there can be no such group, or None if there can."""
    if not _NAME.fullmatch(request.name):
        return (
            f"{printable(request.name)!r} is not a valid name of a scaling group: begin with a"
            " letter, and continue with letters, digits, '.', '-' and '_', 255 characters at"
            " most."
        )
    if not 0 <= request.min_size <= request.desired_size <= request.max_size:
        return (
            f"The sizes are inconsistent: minimum {request.min_size}, desired"
            f" {request.desired_size}, maximum {request.max_size}. They must not decrease."
        )
    return None


def is_group_name(reference: str) -> bool:
    """Return whether a group can have that name."""
    return _NAME.fullmatch(reference) is not None


ASK_TO_REPLACE = "The request must allow the replacement of instances."


def fault_of_image_change(
    group: ScalingGroup, cloud_image_id: str, rollout: Rollout | None, present: Collection[str]
) -> str | None:
    """Return why the group's image cannot be changed in this way now, or None if it can.

    ``present`` are the images of its members that the image service still has.
    """
    if group.fault:
        return group.fault
    if group.status is GroupStatus.CHANGING:
        return "It is being updated or is scaling: try again when that has ended."
    others = [member for member in group.members if member.cloud_image_id != cloud_image_id]
    if rollout is None and others and not group.keeps_members:
        return (
            f"Its stack cannot tell new instances from the {len(others)} existing ones: all would"
            f" be replaced. Scaling groups created here can keep theirs. {ASK_TO_REPLACE}"
        )
    lost = [member for member in others if member.cloud_image_id not in present]
    if rollout is None and lost:
        return (
            f"The image of {len(lost)} of its instances is gone, so that the group cannot keep"
            f" them as they are. {ASK_TO_REPLACE}"
        )
    return None


def is_done(group: ScalingGroup, cloud_image_id: str, rollout: Rollout | None) -> bool:
    """Return whether the group is already what it is to be."""
    return (
        group.status is GroupStatus.READY
        and group.cloud_image_id == cloud_image_id
        and (rollout is None or all(m.cloud_image_id == cloud_image_id for m in group.members))
    )


def kept_images(group: ScalingGroup, rollout: Rollout | None) -> Mapping[str, str]:
    """Return the image of each member that is to stay as it is."""
    if rollout is not None:
        return {}
    return {member.id: member.cloud_image_id or "" for member in group.members}
