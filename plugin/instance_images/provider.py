"""What a location's driver must do, in our types and units. Knows no cloud.

A driver is named by an entry point in the group ``instance_images.providers`` and is called as
``driver(location)``. It raises the errors named here and no others; it never retries a request
that may have taken effect.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from instance_images.config import Location
from instance_images.domain import Account
from instance_images.errors import Refused
from instance_images.scaling import GroupRequest, Rollout, ScalingGroup

_NO_GROUPS = "This location has no scaling groups: its cloud does not offer them."


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


@dataclass(frozen=True, slots=True)
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
        """Return the image, None if the service has none of that id."""

    @abstractmethod
    def list_images(self) -> Iterator[CloudImage]:
        """Yield all images that the credentials see; raise, rather than end early."""

    def list_os_images(self, project_id: str) -> Sequence[OfferedImage]:
        """Return what the provider offers everybody in the project, without hidden images."""
        return []

    def offered_images(
        self, project_id: str, cloud_image_ids: Sequence[str]
    ) -> Sequence[OfferedImage]:
        """Return those of the images that can be deployed in the project.

        Drivers override it where the image service answers that in one request.
        """
        found = [self.get_image(cloud_image_id) for cloud_image_id in cloud_image_ids]
        return [
            OfferedImage(
                image.id,
                image.name,
                image.owner_id,
                image.size_bytes or 0,
                image.min_disk_gib,
                image.min_ram_mib,
            )
            for image in found
            if image and image.status is CloudImageStatus.ACTIVE
        ]

    @abstractmethod
    def delete_image(self, project_id: str, cloud_image_id: str) -> bool:
        """Delete the image; return whether there was one.

        Raises Refused where it is protected, WrongState where the store still needs it.
        """

    def resolve_request(self, project_id: str, request: ServerRequest) -> ServerRequest:
        """Return the request with ids in place of names; change nothing.

        Raises NotFound, with what there is, for whatever the project cannot use. A driver that
        keeps this has ``request_server`` find out.
        """
        return request

    @abstractmethod
    def request_server(self, project_id: str, request: ServerRequest) -> str:
        """Start to make the instances, all or none; return the id of the first.

        The request is one that ``resolve_request`` returned. Raises NotFound and Refused.
        """

    @abstractmethod
    def find_requested_servers(
        self, project_id: str, request_id: str, since: datetime
    ) -> Sequence[Server]:
        """Return the project's instances that are marked with the request id, by name.

        They were asked for at ``since`` or later.
        """

    def offers_scaling_groups(self) -> bool:
        """Return whether the cloud has scaling groups, and the driver the methods below."""
        return False

    def list_scaling_groups(self, project_id: str) -> Sequence[ScalingGroup]:
        """Return the project's scaling groups by name, without their members."""
        raise Refused(_NO_GROUPS)

    def find_scaling_group(
        self, project_id: str, reference: str, group: str | None = None
    ) -> ScalingGroup:
        """Return the scaling group in the project's stack of that id or name, with its members.

        ``group`` names one where the stack has several. Raises NotFound, also for a stack of
        another project, and Refused.
        """
        raise Refused(_NO_GROUPS)

    def create_scaling_group(
        self, project_id: str, group: GroupRequest, server: ServerRequest
    ) -> str:
        """Start to make a scaling group of such instances; return its id. Raises Refused.

        No two groups of a project have one name, so that a repeated request makes no second one.
        """
        raise Refused(_NO_GROUPS)

    def change_group_image(
        self, group: ScalingGroup, cloud_image_id: str, rollout: Rollout | None
    ) -> None:
        """Have the group, as it was found, make new instances from the image.

        With a rollout its members are replaced; without, they are not touched. To repeat it
        changes nothing. Raises WrongState where the group is busy, and Refused.
        """
        raise Refused(_NO_GROUPS)

    def stacks_using_image(self, project_id: str, cloud_image_id: str) -> Sequence[str]:
        """Return the names of the project's stacks that cannot do without the image."""
        return []
