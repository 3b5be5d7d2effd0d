"""The cloud in memory as a driver that is installed, for commands that load it by its name.

``provider = memory`` in a location's section connects to the cloud of that location's name, which
the test reaches in ``CLOUDS``. In another process it is empty. ``cloud`` says how it is: ``up``,
``down`` (every call fails as with a real cloud), ``faulty`` (a driver with a bug) or ``stuck`` (no
listing of it ends before ``RELEASED`` is set).
"""

import threading
from collections.abc import Iterator
from pathlib import Path

from instance_images.config.settings import Location
from instance_images.drivers.provider import Provider
from instance_images.instants import Clock, system_clock
from instance_images.model.cloud import CloudImage, CloudImageStatus
from instance_images.model.records import Account

from support.clouds.memory_cloud import MemoryProvider

CLOUDS: dict[str, Provider] = {}
RELEASED = threading.Event()


class FaultyProvider(MemoryProvider):
    """Has a bug, and tells a secret in the error."""

    def _answer(self) -> None:
        raise RuntimeError("no answer from https://admin:hunter2@keystone.example:5000/v3")


class StuckProvider(MemoryProvider):
    """Answers no listing of images until it is released."""

    def list_images(self) -> Iterator[CloudImage]:
        if not RELEASED.wait(60):
            raise TimeoutError("nobody has released the cloud in memory")
        return super().list_images()


class SlowProvider(MemoryProvider):
    """Is still busy with every capture that it is asked for, whichever process has begun it."""

    def get_image(self, cloud_image_id: str) -> CloudImage | None:
        saving = CloudImageStatus.SAVING
        return CloudImage(
            id=cloud_image_id,
            name="",
            owner_id="acme",
            status=saving,
            size_bytes=None,
            virtual_size_bytes=None,
            min_disk_gib=0,
            min_ram_mib=0,
            changed_at=self.clock(),
        )


_KINDS = {"faulty": FaultyProvider, "stuck": StuckProvider}


def connect_slow(location: Location) -> Provider:
    """Return a cloud in which no capture ends."""
    return SlowProvider(location, system_clock)


def connect(location: Location, clock: Clock = system_clock) -> Provider:
    """Return the location's cloud."""
    kind = _KINDS.get(location.cloud, MemoryProvider)
    cloud = CLOUDS.setdefault(location.name, kind(location, clock))
    assert isinstance(cloud, MemoryProvider)
    cloud.is_down = location.cloud == "down"
    return cloud


def owner(location: str, account: str = "a") -> Account:
    """Return an account of the location's cloud."""
    cloud = CLOUDS[location]
    assert isinstance(cloud, MemoryProvider)
    return cloud.account(account)


def install(directory: Path) -> Path:
    """Install the driver in a directory that is to stand in sys.path."""
    described = directory / "memory_cloud-1.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: memory-cloud\nVersion: 1\n")
    (described / "entry_points.txt").write_text(
        "[instance_images.providers]\nmemory = support.clouds.installed_memory_cloud:connect\n"
        "slow-memory = support.clouds.installed_memory_cloud:connect_slow\n"
    )
    return directory
