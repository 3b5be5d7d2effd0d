"""The words of the product as values: accounts, images, tasks, limits.

Pure: imports nothing but the standard library. Sizes are bytes, instants aware UTC datetimes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class ImageStatus(StrEnum):
    """The statuses of an image, in the order of its life."""

    CREATING = "creating"
    AVAILABLE = "available"
    ERROR = "error"
    DELETING = "deleting"
    DELETED = "deleted"


# What counts against the limit. An image in error holds no slot, a deleted one is history.
HOLDING = (ImageStatus.CREATING, ImageStatus.AVAILABLE, ImageStatus.DELETING)


class Consistency(StrEnum):
    """What the captured disk is like inside: as after a power cut, frozen, or after a shutdown."""

    CRASH = "crash"
    FILESYSTEM = "filesystem"
    OFFLINE = "offline"
    UNKNOWN = "unknown"  # of an image that somebody else made


class Origin(StrEnum):
    """Where an image is from: captured here, or found in the cloud and adopted."""

    CAPTURED = "captured"
    ADOPTED = "adopted"


class AccountScope(StrEnum):
    """Who the paying customer is: one Keystone project, or a domain with all its projects."""

    PROJECT = "project"
    DOMAIN = "domain"


class AdoptMode(StrEnum):
    """Which images are adopted; each mode includes those before it."""

    NONE = "none"
    MARKED = "marked"  # images that carry this product's mark
    SNAPSHOTS = "snapshots"  # those that show any trace of an instance
    PRIVATE = "private"  # all that a project owns


@dataclass(frozen=True, slots=True)
class AdoptionPolicy:
    """What is adopted at a location, and the ids of the projects of which nothing is."""

    mode: AdoptMode = AdoptMode.NONE
    excluded_project_ids: frozenset[str] = frozenset()


NO_ADOPTION = AdoptionPolicy()


class TaskKind(StrEnum):
    """What a task does to its image."""

    CREATE = "create"
    DELETE = "delete"
    DEPLOY = "deploy"


class TaskState(StrEnum):
    """The states of a task: ``pending`` until the cloud has taken the request."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


UNFINISHED = (TaskState.PENDING, TaskState.RUNNING)


@dataclass(frozen=True, slots=True)
class Account:
    """The paying customer: the id of a Keystone project or domain, and its name when last seen.

    ``domain_name`` is the domain that it is in (or is), None where that was not told.
    """

    id: str
    name: str
    domain_name: str | None = None
    scope: AccountScope = AccountScope.PROJECT


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A custom image captured from an instance's primary disk, as our record has it.

    ``cloud_image_id`` is the image service's own id, None until the cloud has taken the request.
    ``task_id`` names the task that changed the image last, empty where there was none.
    ``project_id`` is the project that owns
    it in the image service. ``missed_at`` is the reading that found it gone, where it was deleted
    outside this product, ``restored_at`` the last one that found an ended one there again.
    """

    id: str
    name: str
    account_id: str
    location: str
    source_instance_id: str
    source_instance_name: str
    size_bytes: int | None
    status: ImageStatus
    consistency: Consistency
    created_at: datetime
    available_at: datetime | None
    deleted_at: datetime | None
    error: str | None
    task_id: str
    cloud_image_id: str | None
    virtual_size_bytes: int | None
    project_id: str
    origin: Origin
    missed_at: datetime | None = None
    restored_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Background work on one image. ``progress`` is the percentage of its stages passed.

    What a request makes in the cloud is marked, so that it is found again: an image with our
    image's id, an instance with the id of the task. ``started_at`` is the instant just before the
    request was sent. ``server_id`` is the first instance that a deploy made. ``project_id`` is the
    project that it works in. ``stage_began_at`` is when its stage was last seen to change.
    ``journal`` says what was asked for, and what was made in the cloud for it so far.
    ``has_leftovers`` where some of that is to be removed when the task has ended. ``request_id`` is
    that of the command that asked for it last. ``look_at`` is the instant of its next check, None
    where nothing is left to do.
    """

    id: str
    kind: TaskKind
    image_id: str
    state: TaskState
    stage: str
    progress: int
    attempts: int
    error: str | None
    created_at: datetime
    updated_at: datetime
    started_at: datetime
    server_id: str | None
    project_id: str
    stage_began_at: datetime
    journal: Mapping[str, Any]
    has_leftovers: bool = False
    request_id: str | None = None
    user_id: str | None = None
    look_at: datetime | None = None

    @property
    def count(self) -> int:
        """How many instances a deploy was asked to make."""
        return int(self.journal.get("count", 1))

    @property
    def server_ids(self) -> Sequence[str]:
        """The instances that a deploy made, as far as they are known."""
        known: Sequence[str] = self.journal.get("server_ids", ())
        return known or ([self.server_id] if self.server_id else [])


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How many images an account may hold in a location, where that is from, how many it holds."""

    account_id: str
    account_name: str
    location: str
    max_images: int
    source: str
    held: int


@dataclass(frozen=True, slots=True)
class DefaultLimit:
    """How many images an account without a limit of its own may hold in a location.

    ``source`` says where it is changed: ``keystone``, ``operator`` (set in this product), or the
    configuration of the ``location`` or of all (``default``).
    """

    location: str
    max_images: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequest:
    """A capture that was asked for: everything about it that is known before the cloud is asked."""

    image_id: str
    task_id: str
    name: str
    source_instance_id: str
    source_instance_name: str
    project_id: str
    consistency: Consistency
    requested_at: datetime
    journal: Mapping[str, Any] = field(default_factory=dict)
    image_service: str = ""


@dataclass(frozen=True, slots=True)
class TaskReport:
    """A task as it is shown. The times are of its last attempt; what is left may be unknown."""

    task: Task
    image_name: str
    location: str
    elapsed_seconds: int
    estimated_seconds_left: int | None
