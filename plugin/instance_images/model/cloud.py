"""What a driver tells of a cloud, and what it is asked for, as values in our types and units. Pure.

Sizes in the names' units, instants aware UTC datetimes, ids as the cloud has them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from instance_images.names import is_storable_id


@dataclass(frozen=True, slots=True)
class Domain:
    """A group of projects with one owner."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Project:
    """What images and instances belong to in the cloud, and the domain that it is in.

    ``domain_id`` is empty in a cloud without domains, ``domain_name`` None where it was not told.
    Nobody can work in a project that is not ``is_enabled``; what it has stays its own.
    """

    id: str
    name: str
    domain_id: str = ""
    domain_name: str | None = None
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class IdentityService:
    """Where tokens are from: host, port and path of the service; the credentials' project there.

    ``address`` is None where the catalog does not tell. ``role_names`` are those in the project.
    """

    address: str | None
    project_id: str
    role_names: Sequence[str] = ()


class CloudImageStatus(StrEnum):
    """What the image service says of an image, in four words."""

    QUEUED = "queued"  # known, no bytes yet
    SAVING = "saving"  # bytes are arriving
    ACTIVE = "active"  # all bytes are there
    LOST = "lost"  # deleted, killed or otherwise of no use


@dataclass(frozen=True, slots=True)
class Claims:
    """What an image says of itself. Its owner can write and change all of it: it proves nothing.

    ``request_id`` is the mark of a capture, ``source_instance_id`` the instance it is said to be
    from, ``looks_captured`` whether anything speaks for an instance's disk, ``looks_shelved``
    whether that might be the disk of a shelved one. What no record can have for an id is none.
    """

    request_id: str | None = None
    source_instance_id: str | None = None
    looks_captured: bool = False
    looks_shelved: bool = False

    def __post_init__(self) -> None:
        """Drop ids that would make a database refuse the whole statement they are looked up by."""
        for name in ("request_id", "source_instance_id"):
            if getattr(self, name) is not None and not is_storable_id(getattr(self, name)):
                object.__setattr__(self, name, None)


NO_CLAIMS = Claims()
MAX_SIZE_BYTES = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudImage:
    """An image as the image service has it.

    ``size_bytes`` is what is stored, ``virtual_size_bytes`` the size of the disk inside; None
    while unknown. ``changed_at`` is the service's time of the last change of any kind,
    ``created_at`` that of its beginning, None where the driver does not know. ``is_public`` where
    the operator offers it to everybody: only he can say so.
    ``checksum`` is what the service has computed of all the bytes, None before it has. A size of
    more than 2^63 - 1 bytes, which no database can hold, counts as unknown.
    """

    id: str
    name: str
    owner_id: str
    status: CloudImageStatus
    size_bytes: int | None
    virtual_size_bytes: int | None
    min_disk_gib: int
    min_ram_mib: int
    changed_at: datetime
    created_at: datetime | None = None
    is_public: bool = False
    claims: Claims = NO_CLAIMS
    checksum: str | None = None

    def __post_init__(self) -> None:
        """Bound the sizes, whichever driver or notification they come from."""
        if self.size_bytes is not None and self.size_bytes > MAX_SIZE_BYTES:
            object.__setattr__(self, "size_bytes", None)
        if self.virtual_size_bytes is not None and self.virtual_size_bytes > MAX_SIZE_BYTES:
            object.__setattr__(self, "virtual_size_bytes", None)


class NoticeKind(StrEnum):
    """What happened to an image."""

    ACTIVE = "active"  # all bytes have arrived
    CHANGED = "changed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Notice:
    """What the image service told by itself: what happened, and the image as it was then.

    ``happened_at`` is the service's own time of it.
    """

    kind: NoticeKind
    image: CloudImage
    happened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedImage:
    """An image that can be deployed, with what its properties tell of the system inside."""

    id: str
    name: str
    owner_id: str
    size_bytes: int
    min_disk_gib: int
    min_ram_mib: int
    os_type: str | None = None
    os_distro: str | None = None
    os_version: str | None = None
    architecture: str | None = None


class ServerStatus(StrEnum):
    """What matters to us of an instance's status."""

    RUNNING = "running"
    STOPPED = "stopped"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    SHELVED = "shelved"
    RESCUED = "rescued"
    BUILDING = "building"
    FAILED = "failed"
    DELETED = "deleted"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """An instance. ``task_state`` is the cloud's word for what is being done to it, or None.

    ``is_volume_backed`` where its primary disk is a volume of the block storage. ``fault`` is the
    cloud's own message where the instance failed. ``cloud_status`` is its own word for the status.
    """

    id: str
    name: str
    project_id: str
    status: ServerStatus
    task_state: str | None
    is_volume_backed: bool
    addresses: tuple[str, ...]
    fault: str | None
    cloud_status: str = ""


@dataclass(frozen=True, slots=True)
class Shelf:
    """A shelved instance with an image of its disk: its project, and how large that can be.

    ``max_bytes`` is None where the cloud does not tell.
    """

    project_id: str
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class RootVolume:
    """The volume that is an instance's primary disk; ``min_ram_mib`` is from its first image."""

    id: str
    size_gib: int
    is_encrypted: bool
    min_ram_mib: int


class PartKind(StrEnum):
    """What is made in the block storage to capture a volume, and removed afterwards."""

    SNAPSHOT = "snapshot"
    VOLUME = "volume"


class PartStatus(StrEnum):
    """What matters to us of the status of a part."""

    READY = "ready"
    WORKING = "working"  # being made, or used
    DELETING = "deleting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturePart:
    """A snapshot or a volume of the block storage. ``word`` is the cloud's own status.

    ``source_id`` is what the cloud made it of: the volume of a snapshot, the snapshot of a volume,
    None for anything else. ``created_at`` is the block storage's own time, None where the driver
    does not know it. Owners can write names and marks, but neither of these two.
    """

    kind: PartKind
    id: str
    status: PartStatus
    word: str
    source_id: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MarkedPart:
    """A snapshot or volume with a mark: whose it is, and the request id that the mark names."""

    part: CapturePart
    project_id: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Flavor:
    """The size of an instance. ``disk_gib`` is 0 where the image alone decides."""

    id: str
    name: str
    ram_mib: int
    disk_gib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRequest:
    """Instances to be made, ``count`` of them and all alike.

    One has the name as it is, several have ``NAME-1``, ``NAME-2`` and so on. ``networks``,
    ``security_groups`` and ``server_group`` hold ids, or names until they are resolved.
    ``networks`` is empty to let the cloud choose, and ``("none",)`` for an instance without a
    network. ``user_data`` is base64. With ``volume_gib`` the primary disk is a new volume of that
    size, which is deleted with the instance; else it is the flavor's. ``request_id`` marks the
    instances, so that they are found again after a crash.
    """

    request_id: str
    name: str
    cloud_image_id: str
    flavor: Flavor
    networks: Sequence[str]
    key_name: str | None
    security_groups: Sequence[str] = ()
    user_data: str | None = None
    count: int = 1
    volume_gib: int | None = None
    server_group: str | None = None
    availability_zone: str | None = None
