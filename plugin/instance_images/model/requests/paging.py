"""Pages of a list, and which of its items are wanted. Pure.

A page begins after the last item of the one before, its *marker*: items that come or go meanwhile
are neither told twice nor hide others, and a late page costs no more than the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from instance_images.model.records import ImageStatus, TaskKind, TaskState

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted: so many items after the one with the id ``marker``.

    The order is that of their creation, and of their ids within one second.
    """

    limit: int = 100
    marker: str | None = None
    is_ascending: bool = True


@dataclass(frozen=True, slots=True)
class Listed(Generic[Item]):
    """A page's items; ``next_marker`` is the marker of the next page, None after the last."""

    items: Sequence[Item]
    next_marker: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFilter:
    """What the images wanted are equal to; None where it does not matter."""

    status: ImageStatus | None = None
    name: str | None = None
    source_instance_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """What the tasks wanted are equal to; None where it does not matter."""

    image_id: str | None = None
    state: TaskState | None = None
    kind: TaskKind | None = None
