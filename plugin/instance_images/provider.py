"""What a location's driver must do, in our types and units. Knows no cloud.

A driver is named by an entry point in the group ``instance_images.providers`` and is called as
``driver(location)``. It raises the errors named here and no others; it never retries a request
that may have taken effect.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from instance_images.config import Location
from instance_images.domain import Account
from instance_images.errors import NotFound, Refused


@dataclass(frozen=True, slots=True)
class Domain:
    """A group of projects with one owner."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Project:
    """What images and instances belong to in the cloud, and the domain that it is in.

    ``domain_id`` is empty in a cloud without domains, ``domain_name`` None where it was not told.
    """

    id: str
    name: str
    domain_id: str = ""
    domain_name: str | None = None


class CloudImageStatus(StrEnum):
    """What the image service says of an image, in four words."""

    QUEUED = "queued"  # known, no bytes yet
    SAVING = "saving"  # bytes are arriving
    ACTIVE = "active"  # all bytes are there
    LOST = "lost"  # deleted, killed or otherwise of no use


@dataclass(frozen=True, slots=True)
class CloudImage:
    """An image as the image service has it.

    ``size_bytes`` is what is stored, ``virtual_size_bytes`` the size of the disk inside; None
    while unknown. ``changed_at`` is the service's time of the last change of any kind.
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
    def find_project(self, reference: str | None) -> Project:
        """Return the project of that id or name, or the credentials' own.

        Raises NotFound, and Refused where several have the name.
        """

    def find_domain(self, reference: str) -> Domain:
        """Return the domain of that id or name. Raises NotFound.

        A driver without domains keeps this: with it, an account is always a project.
        """
        raise Refused("This cloud has no domains: set account_scope = project.")

    def list_projects(self, domain_id: str | None = None) -> Sequence[Project]:
        """Return all projects, or those of one domain, each with its domain's name.

        Raises Refused where the credentials may not list them, or the list would be cut off.
        """
        raise Refused("This driver lists no projects.")

    def account_limit(self, account: Account) -> int | None:
        """Return how many images the cloud's own operator allows the account here.

        None where he has not said, -1 where he allows any number. What cannot be read is an error
        (CloudUnavailable, ConfigurationError), never None: nobody gets past a limit by an outage.
        """
        return None

    def full_quota(self, project_id: str) -> str | None:
        """Return which quota of the image service the project has used up, for a person to read.

        None if it has not, or the service has none: a capture that vanished has another reason.
        """
        return None

    def share_image(self, cloud_image_id: str, project_ids: Collection[str]) -> None:
        """Let these projects use the image too, without their consent.

        Projects that may use it already stay as they are: repeating it changes nothing. After
        Refused and CloudUnavailable, some of them may have been let in. Needed for accounts that
        are domains.
        """
        raise Refused("This driver shares no images.")

    @abstractmethod
    def sees_all_accounts(self) -> bool:
        """Return whether an image that cannot be seen is certainly not there, for any account."""

    @abstractmethod
    def find_server(self, project_id: str, reference: str) -> Server:
        """Return the project's instance of that id, or of that name if only one has it.

        Raises NotFound, also for an instance of another project.
        """

    def find_servers(self, project_ids: Collection[str], reference: str) -> list[Server]:
        """Return every instance of that id or name in any of the projects.

        Drivers override it where the cloud answers that in one request.
        """
        found = []
        for project_id in project_ids:
            try:
                found.append(self.find_server(project_id, reference))
            except NotFound:
                continue
        return found

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
        """Return the image, None if the service has none of that id."""

    @abstractmethod
    def list_images(self) -> Iterator[CloudImage]:
        """Yield all images that the credentials see; raise, rather than end early."""

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
