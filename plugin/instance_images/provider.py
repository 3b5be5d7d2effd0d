"""What a location's driver must do, in our types and units. Knows no cloud.

A driver is named by an entry point in the group ``instance_images.providers`` and is called as
``driver(location)``. It raises the errors named here and no others; it never retries a request
that may have taken effect.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from instance_images.config import Location
from instance_images.domain import Account


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
    whether that might be the disk of a shelved one.
    """

    request_id: str | None = None
    source_instance_id: str | None = None
    looks_captured: bool = False
    looks_shelved: bool = False


NO_CLAIMS = Claims()


@dataclass(frozen=True, slots=True)
class CloudImage:
    """An image as the image service has it.

    ``size_bytes`` is what is stored, ``virtual_size_bytes`` the size of the disk inside; None
    while unknown. ``changed_at`` is the service's time of the last change of any kind,
    ``created_at`` that of its beginning, None where the driver does not know. ``is_public`` where
    the operator offers it to everybody: only he can say so.
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


class ServerStatus(StrEnum):
    """What matters to us of an instance's status."""

    RUNNING = "running"
    STOPPED = "stopped"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    BUILDING = "building"
    FAILED = "failed"
    DELETED = "deleted"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Server:
    """An instance. ``task_state`` is the cloud's word for what is being done to it, or None.

    ``is_volume_backed`` where its primary disk is a volume of the block storage. ``fault`` is the
    cloud's own message where the instance failed.
    """

    id: str
    name: str
    project_id: str
    status: ServerStatus
    task_state: str | None
    is_volume_backed: bool
    addresses: tuple[str, ...]
    fault: str | None


@dataclass(frozen=True, slots=True)
class Flavor:
    """The size of an instance. ``disk_gib`` is 0 where the image alone decides."""

    id: str
    name: str
    ram_mib: int
    disk_gib: int


@dataclass(frozen=True, slots=True)
class ServerRequest:
    """An instance to be made.

    ``networks`` holds names or ids; it is empty to let the cloud choose, and ``("none",)`` for an
    instance without a network.
    ``request_id`` marks the instance, so that it is found again after a crash.
    """

    request_id: str
    name: str
    cloud_image_id: str
    flavor: Flavor
    networks: Sequence[str]
    key_name: str | None


class Provider(ABC):
    """Drives one location.

    Every method raises CloudUnavailable where a service cannot be reached or fails, and
    ConfigurationError where it rejects the credentials. A method that changes something raises
    Refused (or one of its kinds) only where nothing was changed; after CloudUnavailable the
    outcome is unknown, and the caller looks.
    """

    @abstractmethod
    def __init__(self, location: Location) -> None:
        """Keep the location; connect on first use only."""

    @abstractmethod
    def account(self, reference: str | None) -> Account:
        """Return the account of that id or name, or the credentials' own. Raises NotFound."""

    @abstractmethod
    def sees_all_accounts(self) -> bool:
        """Return whether an image that cannot be seen is certainly not there, for any account."""

    @abstractmethod
    def find_server(self, project_id: str, reference: str) -> Server:
        """Return the project's instance of that id, or of that name if only one has it.

        Raises NotFound, also for an instance of another project.
        """

    @abstractmethod
    def get_server(self, project_id: str, server_id: str) -> Server | None:
        """Return the project's instance, None if there is none."""

    @abstractmethod
    def find_flavor(self, project_id: str, reference: str) -> Flavor:
        """Return the flavor of that id or name. Raises NotFound."""

    @abstractmethod
    def request_capture(self, project_id: str, server_id: str, name: str, request_id: str) -> str:
        """Start to capture the instance's primary disk; return the new image's id.

        The image belongs to the project and is marked with the request id. Raises WrongState
        where the instance cannot be captured now.
        """

    @abstractmethod
    def find_captured(self, project_id: str, request_id: str) -> CloudImage | None:
        """Return the project's image that is marked with the request id."""

    @abstractmethod
    def get_image(self, cloud_image_id: str) -> CloudImage | None:
        """Return the image, None if the service has none of that id.

        An image whose deletion was accepted is gone, even if its bytes are removed later.
        """

    @abstractmethod
    def list_images(self) -> Iterator[CloudImage]:
        """Yield all images that the credentials see, each once; raise, rather than end early.

        An image that is made or deleted meanwhile may be among them or not.
        """

    def shelved(self, instance_ids: Collection[str]) -> Mapping[str, str]:
        """Return those of the instances that are shelved, with their projects.

        A shelved instance has its disk in an image that goes away with it: that is not a
        customer's image. Drivers of clouds that do not shelve keep this.
        """
        return {}

    def kept_name(self, name: str) -> str:
        """Return the name that the image service keeps for an image that we named so."""
        return name

    @abstractmethod
    def delete_image(self, project_id: str, cloud_image_id: str) -> bool:
        """Delete the image; return whether there was one.

        Raises Refused where it is protected, WrongState where the store still needs it.
        """

    @abstractmethod
    def request_server(self, project_id: str, request: ServerRequest) -> str:
        """Start to make an instance; return its id. Raises NotFound and Refused."""

    @abstractmethod
    def find_requested_server(
        self, project_id: str, request_id: str, since: datetime
    ) -> Server | None:
        """Return the project's instance that is marked with the request id.

        It was asked for at ``since`` or later.
        """
