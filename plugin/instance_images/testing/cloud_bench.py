"""What the suite needs of a cloud besides its driver: the adapter that a driver's author writes.

The bench does what customers and operators do without us: it makes projects, instances and foreign
images, and says what the cloud can do. It must not use the driver that is under test.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from functools import cached_property

from instance_images.drivers.provider import Provider
from instance_images.model.cloud import Project


class Capability(StrEnum):
    """What not every cloud, driver or bench can.

    What is claimed is tested. Of the first three, which are parts of the driver, a driver that
    does not claim them is tested to refuse.
    """

    DOMAINS = "domains"  # projects are in domains, and images can be shared among them
    VOLUMES = "volumes"  # instances whose primary disk is a volume can be captured
    SCALING_GROUPS = "scaling groups"  # groups of instances that are made from an image
    SHELVING = "shelving"  # the bench has ``shelve``
    STOPPING = "stopping"  # the bench has ``stop``
    SAME_NAMES = "same names"  # two instances of a project can have one name
    HIDING = "hiding"  # the bench has ``hide``
    PROTECTING = "protecting"  # the bench has ``protect`` and ``unprotect``
    PUBLISHING = "publishing"  # the bench has ``publish``
    OUTAGES = "outages"  # the bench has ``unreachable``
    LOST_ANSWERS = "lost answers"  # the bench has ``losing_answers``


class CloudBench(ABC):
    """A cloud to test a driver on. One serves any number of tests, and is not cleaned between them.

    ``flavor`` names a size that instances can be made of from any image that the bench makes or
    captures. ``networks`` is what ``ServerRequest.networks`` is to hold. ``patience_seconds`` is
    how long anything that is under way may take.
    """

    capabilities: Collection[Capability] = ()
    flavor: str = "small"
    networks: Sequence[str] = ("none",)
    patience_seconds: float = 120.0
    # Names that customers can give images in this cloud, if they want to do harm.
    foreign_names: Sequence[str] = (
        "a" * 255,
        "clear \x1b[2J the screen\nbegin\ta line, right to left \u202e gnp.exe",
        "=HYPERLINK(\"x\") 'quoted' <b>&amp; ../../etc/passwd %2e%2e%2f ?limit=1&x=#",
        "fox \U0001f98a and ☕",
    )

    @abstractmethod
    def new_provider(self) -> Provider:
        """Return a new driver of the cloud, as the application would make it."""

    @cached_property
    def provider(self) -> Provider:
        """The driver that most tests use."""
        return self.new_provider()

    @abstractmethod
    def new_project(self) -> Project:
        """Make a project that the driver's credentials may work in; its name is nobody else's."""

    @abstractmethod
    def new_server(self, project_id: str, name: str) -> str:
        """Make an instance whose primary disk is no volume; return its id when it is running."""

    @abstractmethod
    def put_image(self, project_id: str, name: str) -> str:
        """Make a private image with bytes in it, as a customer does; return its id when active.

        It has no trace of an instance, and no mark of ours.
        """

    def let_pass(self) -> None:
        """Let time pass between two looks at something that is under way."""
        time.sleep(0.1)

    def new_volume_server(self, project_id: str, name: str) -> str:
        """Make a running instance whose primary disk is a volume; return its id. (VOLUMES)."""
        raise _lacks(Capability.VOLUMES)

    def imitate_volume(self, project_id: str, volume_id: str) -> str:
        """Make a blank volume that says of itself what the project's volume says; return its id.

        It has the same name, and all else that a customer can write on a volume. (VOLUMES).
        """
        raise _lacks(Capability.VOLUMES)

    def volume_image_format(self) -> str:
        """Return the disk format to upload volumes in, as in a location's configuration."""
        return "raw"

    def stop(self, project_id: str, server_id: str) -> None:
        """Stop the instance, and wait until it is. (STOPPING)."""
        raise _lacks(Capability.STOPPING)

    def shelve(self, project_id: str, server_id: str) -> None:
        """Shelve the instance, and wait until it is. (SHELVING)."""
        raise _lacks(Capability.SHELVING)

    def hide(self, image_id: str) -> None:
        """Have ordinary lists leave the image out. (HIDING)."""
        raise _lacks(Capability.HIDING)

    def protect(self, image_id: str) -> None:
        """Have the image service refuse to delete the image. (PROTECTING)."""
        raise _lacks(Capability.PROTECTING)

    def unprotect(self, image_id: str) -> None:
        """Let the image be deleted again. (PROTECTING)."""
        raise _lacks(Capability.PROTECTING)

    def publish(self, image_id: str) -> None:
        """Have the operator offer the image to everybody. (PUBLISHING)."""
        raise _lacks(Capability.PUBLISHING)

    def unreachable(self) -> AbstractContextManager[None]:
        """Have no service of the cloud answer for the time being. (OUTAGES)."""
        raise _lacks(Capability.OUTAGES)

    def losing_answers(self) -> AbstractContextManager[None]:
        """Have captures and new instances begun, and their answers lost. (LOST_ANSWERS).

        It must hit every such request meanwhile, so that a driver that sends one again is found.
        """
        raise _lacks(Capability.LOST_ANSWERS)


def _lacks(capability: Capability) -> NotImplementedError:
    return NotImplementedError(f"A bench that claims {capability} overrides this method.")
