"""What a location's driver must do, in our types and units. Knows no cloud.

A driver is named by an entry point in the group ``instance_images.providers`` and is called as
``driver(location)``. It raises the errors named here and no others; it never retries a request
that may have taken effect. ``instance_images.testing`` tests what is said here on any driver, and
``doc/source/contributor/drivers.md`` says it to a driver's author.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from instance_images.config.settings import Location
from instance_images.drivers.optional import DomainPart, ScalingPart, VolumePart
from instance_images.errors import NotFound
from instance_images.instants import Clock
from instance_images.model.cloud import (
    CloudImage,
    CloudImageStatus,
    Flavor,
    IdentityService,
    Notice,
    OfferedImage,
    Project,
    Server,
    ServerRequest,
    Shelf,
)
from instance_images.model.findings import Finding
from instance_images.model.records import Account
from instance_images.model.requests.caller import Caller


class Provider(DomainPart, ScalingPart, VolumePart, ABC):
    """Drives one location.

    Every method raises CloudUnavailable where a service cannot be reached or fails, and
    ConfigurationError where it rejects the credentials; ProjectUnavailable where they are good and
    one project alone cannot be worked in. A method that changes something raises
    Refused (or one of its kinds) only where nothing was changed; after CloudUnavailable the
    outcome is unknown, and the caller looks: once where it has the status of an answer, for a while
    where none came; with status 429 nothing was begun. A refusal says why, in one sentence.

    Projects are named by their ids. In a project there is what belongs to it and nothing else: a
    thing of another project is answered as one that is not there, whatever the credentials may
    see, and nothing is done to it. References are a customer's words: they may hold anything, and
    match a whole id or a whole name or nothing. Methods may be called from several threads at once.
    """

    @abstractmethod
    def __init__(self, location: Location) -> None:
        """Keep the location; connect on first use only."""

    def for_caller(self, caller: Caller) -> "Provider":
        """Return a driver of the same location for one request of the caller.

        It looks up what the request names, and makes instances and stacks, with the caller's rights
        and no others. What outlives the request it asks with the credentials of the location, as
        this one. A driver of a cloud without identities keeps this.
        """
        return self

    @abstractmethod
    def find_project(self, reference: str | None) -> Project:
        """Return the project of that id or name, or the credentials' own if it is None.

        Raises NotFound, Refused where several have the name, and ConfigurationError where the
        credentials are for no project.
        """

    def identity_service(self) -> IdentityService | None:
        """Return where the location's tokens are from, None where it has no such service.

        The API serves a location only if that is where its callers' tokens are from.
        """
        return None

    def account_limit(self, account: Account) -> int | None:
        """Return how many images the cloud's own operator allows the account here.

        None where he has not said, -1 where he allows any number. What cannot be read is an error
        (CloudUnavailable, ConfigurationError), never None: nobody gets past a limit by an outage.
        """
        return None

    def default_limit(self) -> int | None:
        """Return how many images the cloud's own operator allows an account he says nothing of.

        None where he has not said, -1 for any number; errors as ``account_limit`` has them.
        """
        return None

    def full_quota(self, project_id: str) -> str | None:
        """Return which quota the project has used up, so that no upload is taken, for a person.

        None if it has not, or the service has none: a capture that vanished has another reason.
        """
        return None

    @abstractmethod
    def sees_all_accounts(self) -> bool:
        """Return whether an image that cannot be seen is certainly not there, for any account."""

    def image_service(self) -> str | None:
        """Return what names the image service, so that two locations that share it say the same.

        An id of an image counts at its image service alone. It stays the same for as long as the
        service does, and has up to 200 characters. None where the location has one of its own.
        """
        return None

    @abstractmethod
    def find_server(self, project_id: str, reference: str) -> Server:
        """Return the project's instance of that id, or of that name if only one has it.

        Raises NotFound, also for an instance of another project, and Refused where several have
        the name.
        """

    def find_servers(self, project_ids: Collection[str], reference: str) -> list[Server]:
        """Return every instance of that id or name in any of the projects, each once.

        Drivers override it where the cloud answers that in one request. What this one is refused
        in a project (several instances have the name there), it refuses.
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
        """Return the project's instance of that id, None if there is none."""

    @abstractmethod
    def find_flavor(self, project_id: str, reference: str) -> Flavor:
        """Return the flavor of that id or name that the project may use. Raises NotFound."""

    def disk_bytes(self, project_id: str, server: Server) -> int | None:
        """Return the size of the primary disk of the instance, None where the cloud does not tell.

        An image of it is expected to be no larger.
        """
        return None

    def freezes_file_systems(self, project_id: str, server: Server) -> bool:
        """Return whether a capture of the running instance certainly freezes its file systems."""
        return False

    @abstractmethod
    def request_capture(self, project_id: str, server_id: str, name: str, request_id: str) -> str:
        """Start to capture the primary disk of the project's instance; return the new image's id.

        It returns at once, and the image is there from then on. It is private, belongs to the
        project, bears ``kept_name(name)``, and is marked with the request id from its first
        moment. Raises WrongState where the instance cannot be captured now, and Refused.
        """

    @abstractmethod
    def find_captured(self, project_id: str, request_id: str) -> Sequence[CloudImage]:
        """Return the project's own images that are marked with the request id, in any order.

        It finds an image of any status as soon as it is there: after a lost answer this decides
        whether there is one. There are several where a request was repeated and the first came to
        something late.
        """

    @abstractmethod
    def get_image(self, cloud_image_id: str) -> CloudImage | None:
        """Return the image, of whatever project, None if the service has none of that id.

        An image whose deletion was accepted is gone, even if its bytes are removed later.
        """

    @abstractmethod
    def list_images(self) -> Iterator[CloudImage]:
        """Yield all images that the credentials see, each once; raise, rather than end early.

        That includes public and hidden ones, and those of every status but deleted. An image that
        is made or deleted meanwhile may be among them or not.
        """

    def read_notification(self, event_type: str, payload: object) -> Notice | None:
        """Return what a notification from the cloud's message broker tells of an image.

        None where it tells of nothing that matters here. Asks the cloud for nothing. Raises
        ValueError where the payload is not what the event type promises. A driver of a cloud that
        sends no notifications keeps this.
        """
        return None

    def shelved(self, instance_ids: Collection[str]) -> Mapping[str, str]:
        """Return those of the instances that are shelved, each with the id of its project.

        A shelved instance has its disk in an image that goes away with it: that is not a
        customer's image. Instances that are not there are left out. Drivers of clouds that do not
        shelve keep this.
        """
        return {}

    def shelf_of(self, instance_ids: Collection[str]) -> Mapping[str, Shelf]:
        """Return those of the instances that are shelved and have their disk in an image.

        Drivers override it where the cloud tells how large that image can be: an owner can put a
        larger one in its place, which would be stored for nothing.
        """
        return {one: Shelf(project) for one, project in self.shelved(instance_ids).items()}

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
        """Return the name that the image service keeps for an image that we named so.

        Asks no service, and keeps what it has returned. The name is one of 1 to 255 characters
        without control characters.
        """
        return name

    def list_os_images(self, project_id: str) -> Sequence[OfferedImage]:
        """Return what the provider offers everybody in the project, without hidden images.

        An image that a customer has opened to everybody is none of them, whatever its name: besides
        public images, these are those of the location's ``os_image_projects``.
        """
        return []

    def offered_images(
        self, project_id: str, cloud_image_ids: Sequence[str]
    ) -> Sequence[OfferedImage]:
        """Return those of the images that are there and active, in any order.

        The ids are of images that the project may use. Drivers override it where the image service
        answers that in one request.
        """
        found = [self.get_image(cloud_image_id) for cloud_image_id in cloud_image_ids]
        return [
            OfferedImage(
                id=image.id,
                name=image.name,
                owner_id=image.owner_id,
                size_bytes=image.size_bytes or 0,
                min_disk_gib=image.min_disk_gib,
                min_ram_mib=image.min_ram_mib,
            )
            for image in found
            if image and image.status is CloudImageStatus.ACTIVE
        ]

    @abstractmethod
    def delete_image(self, project_id: str, cloud_image_id: str) -> bool:
        """Delete the project's image; return whether there was one.

        False means that nobody has an image of that id: its bill ends. Raises Refused where the
        image is protected or belongs to another project, WrongState where the store still needs it.
        """

    def resolve_request(self, project_id: str, request: ServerRequest) -> ServerRequest:
        """Return the request with ids in place of names; change nothing.

        A resolved request is returned as it is. Raises NotFound, with what there is, for whatever
        the project cannot use, and Refused where several have the name. A driver that keeps this
        has ``request_server`` find out.
        """
        return request

    @abstractmethod
    def request_server(self, project_id: str, request: ServerRequest) -> str:
        """Start to make the instances, all or none; return the id of the first.

        The request is one that ``resolve_request`` returned. Each instance is marked with its
        request id. Raises NotFound and Refused, also for an image that is not there.
        """

    @abstractmethod
    def find_requested_servers(
        self, project_id: str, request_id: str, since: datetime
    ) -> Sequence[Server]:
        """Return the project's instances that are marked with the request id, by name.

        They were asked for at ``since`` or later. Deleted ones are left out; ``NAME-2`` comes
        before ``NAME-10``.
        """
