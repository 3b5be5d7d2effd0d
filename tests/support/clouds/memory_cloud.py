"""A cloud in memory, for the tests of what is recorded and metered, on every database.

It is a driver like any other. What it does at once, the real one does in steps; what it can be
told to do (fail, leave images out of a listing) the real one does by itself.
"""

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from instance_images.config.settings import Location
from instance_images.drivers.provider import Provider
from instance_images.errors import CloudUnavailable, NotFound, ProjectUnavailable, Refused
from instance_images.instants import Clock
from instance_images.model.cloud import (
    Claims,
    CloudImage,
    CloudImageStatus,
    Domain,
    Flavor,
    Project,
    Server,
    ServerRequest,
    ServerStatus,
)
from instance_images.model.records import Account

GB = 10**9


class MemoryProvider(Provider):
    """Holds images; every account has every instance that is asked for, of a size of its own."""

    def __init__(self, location: Location, clock: Clock) -> None:
        self.location = location
        self.clock = clock
        self.images: dict[str, CloudImage] = {}
        self.marks: dict[str, str] = {}
        self.next_size_bytes = GB
        self.is_down = False
        self.unlisted: set[str] = set()
        self.shelved_instances: dict[str, str] = {}
        self.loses_answers = False
        self.fails_after_deletion = False
        self.in_listing: Callable[[], None] = lambda: None  # called when half of it was told
        self.domain_of: dict[str, str] = {}  # of the projects that are in a domain
        self.disabled: set[str] = set()  # projects
        self.shared: dict[str, set[str]] = {}
        self.unshareable: set[str] = set()  # projects
        self.attempts = 0  # to share an image
        self.listings = 0
        self.closed: set[str] = set()  # projects that nobody can work in
        self.faulty: set[str] = set()  # images that the service fails at when asked for their ids
        self.protected: set[str] = set()  # images
        self.on_delete: Callable[[str], None] = lambda image_id: None
        self.service: str | None = None  # what names its image service
        self.next_id = ""  # of the next capture's image, where it is not a new one

    def find_project(self, reference: str | None) -> Project:
        self._answer()
        project_id = (reference or "own").removeprefix("name of ")
        if project_id.startswith("no such") or (
            self.domain_of and project_id not in self.domain_of
        ):
            raise NotFound("Account", project_id, "")
        domain_id = self.domain_of.get(project_id, "")
        is_enabled = project_id not in self.disabled
        return Project(
            project_id, f"name of {project_id}", domain_id, domain_id or None, is_enabled
        )

    def find_domain(self, reference: str) -> Domain:
        self._answer()
        if reference not in self.domain_of.values():
            raise NotFound("Account", reference, "")
        return Domain(reference, reference)

    def list_projects(self, domain_id: str | None = None) -> Sequence[Project]:
        self._answer()
        self.listings += 1
        listed = [self.find_project(project_id) for project_id in self.domain_of]
        return [project for project in listed if domain_id in (None, project.domain_id)]

    def share_image(self, cloud_image_id: str, project_ids: Collection[str]) -> None:
        self._answer()
        self.attempts += 1
        if self.images[cloud_image_id].owner_id in self.unshareable:
            raise Refused("The image has too many members.")
        self.shared.setdefault(cloud_image_id, set()).update(project_ids)

    def account(self, reference: str | None) -> Account:
        """Return the account of a project, as where an account is a project."""
        project = self.find_project(reference)
        return Account(project.id, project.name, project.domain_name)

    def image_service(self) -> str | None:
        return self.service

    def sees_all_accounts(self) -> bool:
        return True

    def find_server(self, project_id: str, reference: str) -> Server:
        server = self.get_server(project_id, reference)
        if server is None:
            raise NotFound("Instance", reference, "")
        return server

    def get_server(self, project_id: str, server_id: str) -> Server | None:
        self._answer()
        self._enter(project_id)
        return Server(
            id=server_id,
            name=f"vm {server_id}",
            project_id=project_id,
            status=ServerStatus.RUNNING,
            task_state=None,
            is_volume_backed=False,
            addresses=(),
            fault=None,
        )

    def find_flavor(self, project_id: str, reference: str) -> Flavor:
        return Flavor(reference, reference, 64, 1)

    def request_capture(self, project_id: str, server_id: str, name: str, request_id: str) -> str:
        self._answer()
        image_id = self.next_id or str(uuid.uuid4())
        self.images[image_id] = CloudImage(
            id=image_id,
            name=name,
            owner_id=project_id,
            status=CloudImageStatus.SAVING,
            size_bytes=None,
            virtual_size_bytes=None,
            min_disk_gib=0,
            min_ram_mib=0,
            changed_at=self.clock(),
            created_at=self.clock(),
            claims=Claims(request_id, server_id, looks_captured=True),
        )
        self.marks[image_id] = request_id
        if self.loses_answers:
            raise CloudUnavailable("The answer of the cloud in memory was lost.")
        return image_id

    def activate(self, size_bytes: int, changed_at: datetime | None = None) -> None:
        """Complete every capture that is under way."""
        for image in self.images.values():
            if image.status is CloudImageStatus.SAVING:
                self.images[image.id] = replace(
                    image,
                    status=CloudImageStatus.ACTIVE,
                    size_bytes=size_bytes,
                    changed_at=changed_at or self.clock(),
                )

    def put(self, owner_id: str, size_bytes: int = GB, **values: Any) -> CloudImage:
        """Make an image as its owner does without us."""
        made = CloudImage(
            id=str(uuid.uuid4()),
            name="foreign",
            owner_id=owner_id,
            status=CloudImageStatus.ACTIVE,
            size_bytes=size_bytes,
            virtual_size_bytes=None,
            min_disk_gib=0,
            min_ram_mib=0,
            changed_at=self.clock(),
            created_at=self.clock(),
        )
        self.images[made.id] = replace(made, **values)
        return self.images[made.id]

    def find_captured(self, project_id: str, request_id: str) -> list[CloudImage]:
        self._answer()
        marked = [i for i, mark in self.marks.items() if mark == request_id and i in self.images]
        return [self.images[i] for i in marked if self.images[i].owner_id == project_id]

    def get_image(self, cloud_image_id: str) -> CloudImage | None:
        self._answer()
        if cloud_image_id in self.faulty:
            raise CloudUnavailable("The cloud in memory answered HTTP 500.", 500)
        return self.images.get(cloud_image_id)

    def list_images(self) -> Iterator[CloudImage]:
        self._answer()
        first = {*self.images} - self.unlisted
        yield from [self.images[image_id] for image_id in first]
        self.in_listing()
        yield from [self.images[image_id] for image_id in {*self.images} - self.unlisted - first]

    def shelved(self, instance_ids: Collection[str]) -> Mapping[str, str]:
        self._answer()
        return {
            instance_id: project_id
            for instance_id, project_id in self.shelved_instances.items()
            if instance_id in instance_ids
        }

    def delete_image(self, project_id: str, cloud_image_id: str) -> bool:
        self._answer()
        self._enter(project_id)
        self.on_delete(cloud_image_id)
        if cloud_image_id in self.protected:
            raise Refused("The image is protected.")
        was_there = self.images.pop(cloud_image_id, None) is not None
        if self.fails_after_deletion:
            raise CloudUnavailable("The answer of the cloud in memory was lost.")
        return was_there

    def request_server(self, project_id: str, request: ServerRequest) -> str:
        self._answer()
        return str(uuid.uuid4())

    def find_requested_servers(
        self, project_id: str, request_id: str, since: datetime
    ) -> Sequence[Server]:
        return []

    def _enter(self, project_id: str) -> None:
        if project_id in self.closed:
            raise ProjectUnavailable(project_id, "it is disabled.")

    def _answer(self) -> None:
        if self.is_down:
            raise CloudUnavailable("The cloud in memory is switched off.")
