"""What there is in the strict cloud in memory, and how it goes on there when time passes."""

import uuid
from dataclasses import dataclass, field, replace

from instance_images.model.cloud import (
    CapturePart,
    CloudImage,
    CloudImageStatus,
    PartStatus,
    Project,
    Server,
    ServerStatus,
)
from instance_images.model.scaling import GroupStatus, ScalingGroup

from support.clouds.memory_cloud import GB


@dataclass
class Instance:
    """An instance of the cloud: what it is to everybody, and what made it."""

    server: Server
    mark: str | None = None
    image_id: str | None = None


@dataclass
class Part:
    """A snapshot or volume, whose it is, and the marks on it and for what is made of it."""

    project_id: str
    mark: str
    part: CapturePart
    label: str | None = None


@dataclass(kw_only=True)
class World:
    """All that is in the cloud, whichever driver looks at it."""

    projects: dict[str, Project] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    images: dict[str, CloudImage] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)
    groups: dict[str, ScalingGroup] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    protected: set[str] = field(default_factory=set)
    is_down: bool = False
    loses_answers: bool = False

    def boot(
        self, project_id: str, name: str, *, volume: bool = False, status: ServerStatus, **more: str
    ) -> str:
        """Make an instance."""
        made = Server(
            id=str(uuid.uuid4()),
            name=name,
            project_id=project_id,
            status=status,
            task_state=None,
            is_volume_backed=volume,
            addresses=(),
            fault=None,
        )
        self.instances[made.id] = Instance(made, **more)
        return made.id

    def imitate(self, part_id: str) -> str:
        """Make a part of nothing that bears the marks of another one."""
        like = self.parts[part_id]
        made = replace(like.part, id=str(uuid.uuid4()), source_id=None)
        self.parts[made.id] = replace(like, part=made)
        return made.id

    def become(self, server_id: str, status: ServerStatus) -> None:
        """Bring an instance into another state."""
        instance = self.instances[server_id]
        instance.server = replace(instance.server, status=status)

    def pass_time(self) -> None:
        """Complete everything that is under way."""
        for instance in self.instances.values():
            if instance.server.status is ServerStatus.BUILDING:
                self.become(instance.server.id, ServerStatus.RUNNING)
        for image in self.images.values():
            if image.status is CloudImageStatus.QUEUED:
                self.images[image.id] = replace(image, status=CloudImageStatus.SAVING)
            elif image.status is CloudImageStatus.SAVING:
                self.images[image.id] = replace(
                    image, status=CloudImageStatus.ACTIVE, size_bytes=GB, checksum="sum"
                )
        for id, part in list(self.parts.items()):
            if part.part.status is PartStatus.DELETING:
                del self.parts[id]
            else:
                part.part = replace(part.part, status=PartStatus.READY, word="available")
        for id, group in self.groups.items():
            if group.status is GroupStatus.CHANGING:
                self.groups[id] = replace(group, status=GroupStatus.READY, reason="")
