"""The cloud in memory with projects, instances, volumes and groups of its own: it invents nothing.

``memory_cloud`` has whatever a test of the ledger asks for. This one has what was made in it, does
its work in steps as a real cloud does, and is driven by a driver of all parts.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from instance_images.config.settings import Location
from instance_images.errors import CloudUnavailable, NotFound, Refused, WrongState
from instance_images.instants import system_clock
from instance_images.model.cloud import (
    CapturePart,
    Claims,
    CloudImage,
    CloudImageStatus,
    Domain,
    Flavor,
    MarkedPart,
    OfferedImage,
    PartKind,
    PartStatus,
    Project,
    RootVolume,
    Server,
    ServerRequest,
    ServerStatus,
)
from instance_images.model.scaling import GroupRequest, GroupStatus, Member, Rollout, ScalingGroup

from support.clouds.memory_cloud import MemoryProvider
from support.drivers.memory_world import Part, World

LOCATION = Location(
    name="memory",
    enabled=True,
    provider="memory",
    cloud="memory",
    region_name="memory",
    currency="EUR",
    max_images=None,
)
DOMAIN = Domain("domain-1", "Acme Holding")
TINY = Flavor("flavor-1", "tiny", 64, 1)


class StrictMemoryProvider(MemoryProvider):
    """Drives a world; has all parts that a driver can have."""

    def __init__(self, location: Location, world: World) -> None:
        super().__init__(location, system_clock)
        self.world = world
        self.images = world.images
        self.marks = world.marks

    def _answer(self) -> None:
        if self.world.is_down:
            raise CloudUnavailable("The cloud in memory is switched off.")

    def _lose(self) -> None:
        if self.world.loses_answers:
            raise CloudUnavailable("The answer of the cloud in memory was lost.")

    # ------------------------------------------------------------------ identity

    def find_project(self, reference: str | None) -> Project:
        self._answer()
        for project in self.world.projects.values():
            if reference in (None, project.id, project.name):
                return project
        raise NotFound("Account", str(reference), "Give the id or name of a project.")

    def find_domain(self, reference: str) -> Domain:
        self._answer()
        if reference not in (DOMAIN.id, DOMAIN.name):
            raise NotFound("Account", reference, "Give the id or name of a domain.")
        return DOMAIN

    def list_projects(self, domain_id: str | None = None) -> Sequence[Project]:
        self._answer()
        if domain_id is not None:
            self.find_domain(domain_id)
        return list(self.world.projects.values())

    def share_image(self, cloud_image_id: str, project_ids: Collection[str]) -> None:
        self._answer()
        self._image(cloud_image_id)
        self.world.members.setdefault(cloud_image_id, set()).update(project_ids)

    def _image(self, cloud_image_id: str) -> CloudImage:
        if cloud_image_id not in self.images:
            raise NotFound("Image", cloud_image_id, "It is not there.")
        return self.images[cloud_image_id]

    # ------------------------------------------------------------------ instances

    def find_server(self, project_id: str, reference: str) -> Server:
        self._answer()
        own = [i.server for i in self.world.instances.values() if i.server.project_id == project_id]
        named = [server for server in own if server.id == reference]
        named = named or [server for server in own if server.name == reference]
        if not named:
            raise NotFound("Instance", reference, "The project has none of that id or name.")
        if len(named) > 1:
            raise Refused(f"{len(named)} instances have that name: give the id of one.")
        return named[0]

    def get_server(self, project_id: str, server_id: str) -> Server | None:
        self._answer()
        found = self.world.instances.get(server_id)
        return found.server if found and found.server.project_id == project_id else None

    def find_flavor(self, project_id: str, reference: str) -> Flavor:
        self._answer()
        if reference not in (TINY.id, TINY.name):
            raise NotFound("Flavor", reference, "There is: tiny.")
        return TINY

    def shelved(self, instance_ids: Collection[str]) -> Mapping[str, str]:
        self._answer()
        servers = [i.server for i in self.world.instances.values()]
        found = [s for s in servers if s.id in instance_ids and s.status is ServerStatus.SHELVED]
        return {server.id: server.project_id for server in found}

    def request_server(self, project_id: str, request: ServerRequest) -> str:
        self._answer()
        self._image(request.cloud_image_id)
        names = [request.name]
        if request.count > 1:
            names = [f"{request.name}-{number + 1}" for number in range(request.count)]
        made = [
            self.world.boot(
                project_id,
                name,
                status=ServerStatus.BUILDING,
                mark=request.request_id,
                image_id=request.cloud_image_id,
            )
            for name in names
        ]
        self._lose()
        return made[0]

    def resolve_request(self, project_id: str, request: ServerRequest) -> ServerRequest:
        self._answer()
        wanted = [*request.networks, *request.security_groups]
        wanted += [request.key_name, request.server_group, request.availability_zone]
        for reference in wanted:
            if reference not in (None, "none"):
                raise NotFound("Anything", reference, "This cloud has none.")
        return request

    def find_requested_servers(
        self, project_id: str, request_id: str, since: datetime
    ) -> Sequence[Server]:
        self._answer()
        found = [i.server for i in self.world.instances.values() if i.mark == request_id]
        own = [server for server in found if server.project_id == project_id]
        return sorted(own, key=lambda server: (len(server.name), server.name))

    # ------------------------------------------------------------------ images

    def request_capture(self, project_id: str, server_id: str, name: str, request_id: str) -> str:
        if self.get_server(project_id, server_id) is None:
            raise NotFound("Instance", server_id, "The project has none of that id.")
        return self._begin(project_id, name, request_id, server_id)

    def _begin(
        self, project_id: str, name: str, mark: str | None, server_id: str | None = None
    ) -> str:
        claims = Claims(mark, server_id, looks_captured=True)
        queued = CloudImageStatus.QUEUED
        made = self.put(project_id, name=name, status=queued, size_bytes=None, claims=claims)
        if mark is not None:
            self.marks[made.id] = mark
        self._lose()
        return made.id

    def delete_image(self, project_id: str, cloud_image_id: str) -> bool:
        self._answer()
        image = self.images.get(cloud_image_id)
        if image is None:
            return False
        if image.owner_id != project_id:
            raise Refused("The image belongs to another project.")
        if cloud_image_id in self.world.protected:
            raise Refused("The image is protected.")
        del self.images[cloud_image_id]
        return True

    def list_os_images(self, project_id: str) -> Sequence[OfferedImage]:
        self._answer()
        public = [image.id for image in self.images.values() if image.is_public]
        return self.offered_images(project_id, [i for i in public if i not in self.world.hidden])

    # ------------------------------------------------------------------ volumes

    def find_root_volume(self, project_id: str, server_id: str) -> RootVolume:
        server = self.get_server(project_id, server_id)
        if server is None:
            raise NotFound("Instance", server_id, "The project has none of that id.")
        if not server.is_volume_backed:
            raise WrongState("The instance's primary disk is no volume.")
        return RootVolume(f"volume of {server_id}", 1, False, 0)

    def request_snapshot(self, project_id: str, volume_id: str, request_id: str) -> str:
        return self._make(PartKind.SNAPSHOT, project_id, request_id, volume_id)

    def request_volume(self, project_id: str, snapshot_id: str, request_id: str) -> str:
        return self._make(PartKind.VOLUME, project_id, request_id, snapshot_id)

    def _make(self, kind: PartKind, project_id: str, mark: str, source_id: str) -> str:
        self._answer()
        part = CapturePart(
            kind=kind,
            id=str(uuid.uuid4()),
            status=PartStatus.WORKING,
            word="creating",
            source_id=source_id,
            created_at=self.clock(),
        )
        self.world.parts[part.id] = Part(project_id, mark, part)
        return part.id

    def label_volume(self, project_id: str, volume_id: str, request_id: str) -> None:
        self._answer()
        self.world.parts[volume_id].label = request_id

    def request_upload(self, project_id: str, volume_id: str, name: str, disk_format: str) -> str:
        self._answer()
        return self._begin(project_id, name, self.world.parts[volume_id].label)

    def complete_image(
        self, project_id: str, cloud_image_id: str, request_id: str, minima: Mapping[str, int]
    ) -> None:
        self._answer()
        self.images[cloud_image_id] = replace(
            self._image(cloud_image_id),
            min_disk_gib=minima["min_disk"],
            min_ram_mib=minima["min_ram"],
        )

    def get_part(self, project_id: str, kind: PartKind, part_id: str) -> CapturePart | None:
        self._answer()
        found = self.world.parts.get(part_id)
        if found is None or found.project_id != project_id or found.part.kind is not kind:
            return None
        return found.part

    def find_parts(self, project_id: str, kind: PartKind, request_id: str) -> Sequence[CapturePart]:
        self._answer()
        return [
            part.part
            for part in self.world.parts.values()
            if part.project_id == project_id and part.part.kind is kind and part.mark == request_id
        ]

    def list_parts(self) -> Iterable[MarkedPart]:
        self._answer()
        return [MarkedPart(one.part, one.project_id, one.mark) for one in self.world.parts.values()]

    def delete_part(self, project_id: str, part: CapturePart, *, force: bool = False) -> None:
        self._answer()
        found = self.world.parts.get(part.id)
        if found is not None:
            found.part = replace(part, status=PartStatus.DELETING, word="deleting")

    # ------------------------------------------------------------------ groups

    def offers_scaling_groups(self) -> bool:
        return True

    def list_scaling_groups(self, project_id: str) -> Sequence[ScalingGroup]:
        self._answer()
        own = [group for group in self.world.groups.values() if group.project_id == project_id]
        return [replace(group, members=()) for group in sorted(own, key=lambda one: one.name)]

    def find_scaling_group(
        self, project_id: str, reference: str, group: str | None = None
    ) -> ScalingGroup:
        self._answer()
        for found in self.world.groups.values():
            if found.project_id == project_id and reference in (found.id, found.name):
                return found
        raise NotFound("Scaling group", reference, "The project has none of that id or name.")

    def require_group_rights(self, project_id: str) -> None:
        self._answer()

    def resolve_group_request(self, project_id: str, server: ServerRequest) -> ServerRequest:
        return self.resolve_request(project_id, server)

    def create_scaling_group(
        self, project_id: str, group: GroupRequest, server: ServerRequest
    ) -> str:
        self._image(server.cloud_image_id)
        if any(one.name == group.name for one in self.list_scaling_groups(project_id)):
            raise Refused(f"There is a group named {group.name} already.")
        made = ScalingGroup(
            id=str(uuid.uuid4()),
            name=group.name,
            project_id=project_id,
            group="group",
            status=GroupStatus.CHANGING,
            reason="It is being made.",
            cloud_image_id=server.cloud_image_id,
            flavor=server.flavor.name,
            min_size=group.min_size,
            max_size=group.max_size,
            desired_size=None,
            size=group.desired_size,
            keeps_members=True,
            fault=None,
            members=self._members(project_id, group.desired_size, server.cloud_image_id),
        )
        self.world.groups[made.id] = made
        return made.id

    def _members(self, project_id: str, count: int, image_id: str) -> list[Member]:
        running = ServerStatus.RUNNING
        ids = [
            self.world.boot(project_id, f"member {n}", status=running, image_id=image_id)
            for n in range(count)
        ]
        return [Member(id, id, f"member {n}", "ACTIVE", image_id) for n, id in enumerate(ids)]

    def change_group_image(
        self, group: ScalingGroup, cloud_image_id: str, rollout: Rollout | None
    ) -> None:
        found = self.find_scaling_group(group.project_id, group.id)
        if rollout is not None:
            members = self._members(found.project_id, found.size, cloud_image_id)
            found = replace(found, members=members)
        self.world.groups[found.id] = replace(
            found, cloud_image_id=cloud_image_id, status=GroupStatus.CHANGING
        )

    def stacks_using_image(self, project_id: str, cloud_image_id: str) -> Sequence[str]:
        return [
            group.name
            for group in self.list_scaling_groups(project_id)
            if group.cloud_image_id == cloud_image_id
        ]
