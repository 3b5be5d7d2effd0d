"""The strict cloud in memory as the suite for drivers needs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from instance_images.model.cloud import Project, ServerStatus
from instance_images.testing import Capability, CloudBench

from support.drivers.memory_world import World
from support.drivers.strict_memory_cloud import DOMAIN, LOCATION, StrictMemoryProvider


class MemoryBench(CloudBench):
    """A world, and the driver of it that is to be tested."""

    capabilities = frozenset(Capability)
    flavor = "tiny"
    patience_seconds = 0.05

    def __init__(self, driver: type[StrictMemoryProvider] = StrictMemoryProvider) -> None:
        self.driver = driver
        self.world = World()
        self._maker = StrictMemoryProvider(LOCATION, self.world)

    def new_provider(self) -> StrictMemoryProvider:
        return self.driver(LOCATION, self.world)

    def new_project(self) -> Project:
        number = len(self.world.projects) + 1
        made = Project(f"p-{number}", f"project {number}", DOMAIN.id, DOMAIN.name)
        self.world.projects[made.id] = made
        return made

    def new_server(self, project_id: str, name: str) -> str:
        return self.world.boot(project_id, name, status=ServerStatus.RUNNING)

    def new_volume_server(self, project_id: str, name: str) -> str:
        return self.world.boot(project_id, name, status=ServerStatus.RUNNING, volume=True)

    def imitate_volume(self, project_id: str, volume_id: str) -> str:
        return self.world.imitate(volume_id)

    def put_image(self, project_id: str, name: str) -> str:
        return self._maker.put(project_id, name=name).id

    def let_pass(self) -> None:
        self.world.pass_time()

    def stop(self, project_id: str, server_id: str) -> None:
        self.world.become(server_id, ServerStatus.STOPPED)

    def shelve(self, project_id: str, server_id: str) -> None:
        self.world.become(server_id, ServerStatus.SHELVED)

    def hide(self, image_id: str) -> None:
        self.world.hidden.add(image_id)

    def protect(self, image_id: str) -> None:
        self.world.protected.add(image_id)

    def unprotect(self, image_id: str) -> None:
        self.world.protected.discard(image_id)

    def publish(self, image_id: str) -> None:
        self.world.images[image_id] = replace(self.world.images[image_id], is_public=True)

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        self.world.is_down = True
        try:
            yield
        finally:
            self.world.is_down = False

    @contextmanager
    def losing_answers(self) -> Iterator[None]:
        self.world.loses_answers = True
        try:
            yield
        finally:
            self.world.loses_answers = False
