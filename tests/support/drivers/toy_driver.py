"""A driver for the toy cloud, whose instances have their disks in images and nowhere else."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from instance_images.config.settings import Location
from instance_images.drivers.provider import Provider
from instance_images.errors import CloudUnavailable, NotFound, Refused
from instance_images.model.cloud import (
    Claims,
    CloudImage,
    CloudImageStatus,
    Flavor,
    Project,
    Server,
    ServerRequest,
    ServerStatus,
)

from support.drivers import toy_cloud

MIB = 2**20
STATES = {"on": ServerStatus.RUNNING, "off": ServerStatus.STOPPED, "new": ServerStatus.BUILDING}


class ToyProvider(Provider):
    """Drives the toy cloud at the address that ``cloud`` names in the location's section."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._client = toy_cloud.Client(location.cloud)

    def _ask(self, request: Callable[..., Any], *arguments: str, **values: Any) -> Any:
        """Send one request, once; turn the library's error into ours."""
        try:
            return request(*arguments, **values)
        except toy_cloud.Down as error:
            raise CloudUnavailable(
                f"The cloud of location {self._location.name} cannot be reached: {error}."
                " Try again when it answers."
            ) from error

    def _own(self, kind: str, project_id: str, **like: str) -> Any:
        return self._ask(self._client.all, kind, project=project_id, **like)

    def find_project(self, reference: str | None) -> Project:
        projects = self._ask(self._client.all, "project")
        wanted = "own" if reference is None else reference
        for project in projects:
            if wanted in (project["id"], project["name"]):
                return Project(project["id"], project["name"])
        raise NotFound("Account", str(reference), "Give the id or name of a project.")

    def sees_all_accounts(self) -> bool:
        return True

    def find_server(self, project_id: str, reference: str) -> Server:
        machines = self._own("machine", project_id)
        for key in ("id", "name"):
            found = [machine for machine in machines if machine[key] == reference]
            if len(found) > 1:
                ids = ", ".join(machine["id"] for machine in found)
                raise Refused(f"{len(found)} instances have that name: give the id of one of {ids}")
            if found:
                return server_of(found[0])
        raise NotFound("Instance", reference, f"Project {project_id} has none of that id or name.")

    def get_server(self, project_id: str, server_id: str) -> Server | None:
        found = self._own("machine", project_id, id=server_id)
        return server_of(found[0]) if found else None

    def find_flavor(self, project_id: str, reference: str) -> Flavor:
        sizes = self._ask(self._client.all, "size")
        for size in sizes:
            if reference in (size["id"], size["name"]):
                return Flavor(size["id"], size["name"], ram_mib=size["mib"], disk_gib=0)
        known = ", ".join(size["name"] for size in sizes)
        raise NotFound("Flavor", reference, f"There are: {known}.")

    def request_capture(self, project_id: str, server_id: str, name: str, request_id: str) -> str:
        if self.get_server(project_id, server_id) is None:
            raise NotFound("Instance", server_id, f"Project {project_id} has none of that id.")
        values = {"project": project_id, "name": name, "mark": request_id, "of": server_id}
        return str(self._ask(self._client.add, "disc", state="copying", mib=None, **values))

    def find_captured(self, project_id: str, request_id: str) -> Sequence[CloudImage]:
        return [image_of(found) for found in self._own("disc", project_id, mark=request_id)]

    def get_image(self, cloud_image_id: str) -> CloudImage | None:
        found = self._ask(self._client.all, "disc", id=cloud_image_id)
        return image_of(found[0]) if found else None

    def list_images(self) -> Iterator[CloudImage]:
        yield from map(image_of, self._ask(self._client.all, "disc"))

    def delete_image(self, project_id: str, cloud_image_id: str) -> bool:
        image = self.get_image(cloud_image_id)
        if image is None:
            return False
        if image.owner_id != project_id:
            raise Refused(f"Image {cloud_image_id} belongs to another project than {project_id}.")
        self._ask(self._client.remove, "disc", cloud_image_id)
        return True

    def request_server(self, project_id: str, request: ServerRequest) -> str:
        chosen = (request.key_name, request.server_group, request.availability_zone)
        if request.networks or request.security_groups or any(chosen):
            raise Refused("This cloud has one network and no choices: leave the options out.")
        if self.get_image(request.cloud_image_id) is None:
            raise NotFound("Image", request.cloud_image_id, "It is not there any more.")
        numbers = range(1, request.count + 1)
        names = [f"{request.name}-{n}" for n in numbers] if request.count > 1 else [request.name]
        values = {"project": project_id, "state": "new", "mark": request.request_id}
        ids = [str(self._ask(self._client.add, "machine", name=name, **values)) for name in names]
        return ids[0]

    def find_requested_servers(
        self, project_id: str, request_id: str, since: datetime
    ) -> Sequence[Server]:
        found = map(server_of, self._own("machine", project_id, mark=request_id))
        return sorted(found, key=lambda server: (len(server.name), server.name))


def server_of(machine: toy_cloud.Thing) -> Server:
    """Return the machine in our words."""
    status = STATES.get(machine["state"], ServerStatus.OTHER)
    owner = machine["project"]
    return Server(
        id=machine["id"],
        name=machine["name"],
        project_id=owner,
        status=status,
        task_state=None,
        is_volume_backed=False,
        addresses=(),
        fault=None,
    )


def image_of(disc: toy_cloud.Thing) -> CloudImage:
    """Return the disc in our words and units."""
    is_full = disc["state"] == "full"
    return CloudImage(
        id=disc["id"],
        name=disc["name"],
        owner_id=disc["project"],
        status=CloudImageStatus.ACTIVE if is_full else CloudImageStatus.SAVING,
        size_bytes=disc["mib"] * MIB if is_full else None,
        virtual_size_bytes=None,
        min_disk_gib=0,
        min_ram_mib=0,
        changed_at=datetime.fromtimestamp(int(disc["changed"]), UTC),
        created_at=datetime.fromtimestamp(int(disc["made"]), UTC),
        claims=Claims(disc.get("mark"), disc.get("of"), looks_captured="of" in disc),
    )
