"""What a location's driver must do, in our types and units. Knows no cloud.

A driver is named by an entry point in the group ``instance_images.providers`` and is called as
``driver(location)``. It raises the errors named here and no others; it never retries a request
that may have taken effect.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from instance_images.cloud_objects import (
    CapturePart,
    CloudImage,
    CloudImageStatus,
    Domain,
    Flavor,
    MarkedPart,
    OfferedImage,
    PartKind,
    Project,
    RootVolume,
    Server,
    ServerRequest,
)
from instance_images.config import Location
from instance_images.domain import Account
from instance_images.errors import NotFound, Refused
from instance_images.findings import Finding
from instance_images.instants import Clock
from instance_images.scaling import GroupRequest, Rollout, ScalingGroup

_NO_GROUPS = "This location has no scaling groups: its cloud does not offer them."


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
        """Return which quota the project has used up, so that no upload is taken, for a person.

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
    def find_captured(self, project_id: str, request_id: str) -> Sequence[CloudImage]:
        """Return the project's images that are marked with the request id.

        There are several where a request was repeated and the first came to something late.
        """

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

    def examine(
        self, *, project_ids: Collection[str], max_images: int, clock: Clock
    ) -> Iterable[Finding]:
        """Yield what is wrong with the credentials and the services, for the doctor.

        ``project_ids`` own images, ``max_images`` is what an account may hold. A driver that keeps
        this is asked for its own project: what it raises is a finding.
        """
        self.find_project(None)
        return ()

    def kept_name(self, name: str) -> str:
        """Return the name that the image service keeps for an image that we named so."""
        return name

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

    # What not every driver can: the methods below may be left out.

    def freezes_file_systems(self, project_id: str, server: Server) -> bool:
        """Return whether a capture of the running instance certainly freezes its file systems."""
        return False

    def find_root_volume(self, project_id: str, server_id: str) -> RootVolume:
        """Return the volume that is the instance's primary disk.

        A driver that has this method has all those that follow.
        """
        raise Refused("This location's driver captures no instance whose primary disk is a volume.")

    def request_snapshot(self, project_id: str, volume_id: str, request_id: str) -> str:
        """Start to take a snapshot of a volume that may be in use; return the snapshot's id."""
        raise NotImplementedError

    def request_volume(self, project_id: str, snapshot_id: str, request_id: str) -> str:
        """Start to make a volume of the snapshot; return the volume's id."""
        raise NotImplementedError

    def label_volume(self, project_id: str, volume_id: str, request_id: str) -> None:
        """Have an image that is made of the volume marked with the request id.

        The image also gets the properties that say how the disk is to be booted, and no others.
        To do it again changes nothing.
        """
        raise NotImplementedError

    def request_upload(self, project_id: str, volume_id: str, name: str, disk_format: str) -> str:
        """Start to make an image of the volume; return the image's id."""
        raise NotImplementedError

    def complete_image(
        self, project_id: str, cloud_image_id: str, request_id: str, minima: Mapping[str, int]
    ) -> None:
        """Give the image its mark and what it needs: ``min_disk`` in GiB, ``min_ram`` in MiB.

        To do it again changes nothing. Raises NotFound.
        """
        raise NotImplementedError

    def find_parts(
        self, project_id: str, request_id: str, made_ids: Mapping[PartKind, str]
    ) -> Sequence[CapturePart]:
        """Return the project's snapshots and volumes that are marked with the request id.

        Those of ``made_ids`` are among them even without the mark, which their owner can take away.
        """
        return ()

    def list_parts(self) -> Iterable[MarkedPart]:
        """Yield the snapshots and volumes of all projects that are marked with a request id."""
        return ()

    def delete_part(self, project_id: str, part: CapturePart, *, force: bool = False) -> None:
        """Start to delete a snapshot or volume; one that is gone already is no error.

        With ``force`` also one that is stuck in a state of transition, if the credentials can.
        Raises Refused while it is still used.
        """
        raise NotImplementedError
