"""What many tests of the suite look at, made once for each bench, and how they look.

Whatever scope a driver's author gives his fixture ``bench``, what is expensive is made once for it.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import pytest

from instance_images.drivers.provider import Provider
from instance_images.model.cloud import (
    CloudImage,
    CloudImageStatus,
    Project,
    ServerRequest,
)
from instance_images.testing.cloud_bench import Capability, CloudBench

Found = TypeVar("Found")

# 255 characters that a customer may give an image here, some of which a cloud may not keep.
HOSTILE_NAME = (
    "\"double\" 'single' `tick` <b>&amp;</b> =1+1 ../../x %2f%00 ?a=b&c#d ; -- $(id) ünï ☕"
    " \U0001f98a"
).ljust(255, "x")
# What names nothing and nobody, and must be answered so.
STRANGE_REFERENCES = (
    "no such thing",
    "",
    ".*",
    "%",
    "*",
    "../projects",
    "a/b?c=d&e=f#g",
    "00000000-0000-4000-8000-000000000000",
    "line\nbreak \x1b[31m",
    "fox \U0001f98a",
    "x" * 300,
)


@dataclass(frozen=True)
class Captured:
    """A capture that has ended: its mark, the name it was given, and the image at every look."""

    request_id: str
    name: str
    server_id: str
    answered_id: str
    looks: list[CloudImage]

    @property
    def image(self) -> CloudImage:
        """The image as it was last seen."""
        return self.looks[-1]


class Scene:
    """Two customers of the bench's cloud, and what they have."""

    def __init__(self, bench: CloudBench) -> None:
        self.bench = bench
        self._patience_seconds = bench.patience_seconds
        self.volume_capture: Any = None  # kept here by volume_contract, which knows its type

    @property
    def provider(self) -> Provider:
        """The driver under test."""
        return self.bench.provider

    @cached_property
    def home(self) -> Project:
        """The project that most is done in."""
        return self.bench.new_project()

    @cached_property
    def stranger(self) -> Project:
        """The project of somebody else."""
        return self.bench.new_project()

    @cached_property
    def web(self) -> str:
        """A running instance of ours, ``web``."""
        return self.bench.new_server(self.home.id, "web")

    @cached_property
    def theirs(self) -> str:
        """A running instance of the stranger's, ``theirs``."""
        return self.bench.new_server(self.stranger.id, "theirs")

    @cached_property
    def twin(self) -> str:
        """An instance of ours that may be stopped, ``twin``."""
        return self.bench.new_server(self.home.id, "twin")

    @cached_property
    def public_image(self) -> str:
        """An image that the operator offers to everybody."""
        image_id = self.bench.put_image(self.stranger.id, "linux")
        self.bench.publish(image_id)
        return image_id

    @cached_property
    def their_image(self) -> str:
        """An image that the stranger has made without us."""
        return self.bench.put_image(self.stranger.id, "theirs")

    @cached_property
    def captured(self) -> Captured:
        """A capture of ``web`` that has ended, under a name that may do harm."""
        mark = str(uuid.uuid4())
        made = self.provider.request_capture(self.home.id, self.web, HOSTILE_NAME, mark)
        return Captured(mark, HOSTILE_NAME, self.web, made, self.until_active(made))

    def until_active(self, image_id: str) -> list[CloudImage]:
        """Return every look at the image until it is active and its size is known."""
        looks: list[CloudImage] = []

        def is_active() -> bool:
            image = self.provider.get_image(image_id)
            assert image is not None, f"image {image_id} is not there, or is there no more"
            looks.append(image)
            assert image.status is not CloudImageStatus.LOST
            return image.status is CloudImageStatus.ACTIVE and bool(image.size_bytes)

        self.wait(is_active, f"image {image_id} to be active")
        return looks

    def order(self, name: str, count: int = 1, image_id: str | None = None) -> ServerRequest:
        """Return a new request for instances from the captured image, or another."""
        return ServerRequest(
            request_id=str(uuid.uuid4()),
            name=name,
            cloud_image_id=self.captured.image.id if image_id is None else image_id,
            flavor=self.provider.find_flavor(self.home.id, self.bench.flavor),
            networks=tuple(self.bench.networks),
            key_name=None,
            count=count,
        )

    def wait(self, look: Callable[[], Found | None], what: str) -> Found:
        """Look until there is something to see, and return it; fail when patience has ended.

        Who has waited in vain once looks only once from then on.
        """
        deadline = time.monotonic() + self._patience_seconds
        while not (found := look()):
            if time.monotonic() >= deadline:
                self._patience_seconds = 0
                pytest.fail(f"waited {self.bench.patience_seconds:.0f} s for {what}")
            self.bench.let_pass()
        return found


_SCENES: WeakKeyDictionary[CloudBench, Scene] = WeakKeyDictionary()


def can(bench: CloudBench, capability: Capability) -> bool:
    """Return whether the bench claims the capability."""
    return capability in bench.capabilities


def require(bench: CloudBench, capability: Capability) -> None:
    """Skip the test of what the bench does not claim."""
    if not can(bench, capability):
        pytest.skip(f"this bench does not claim {capability}")


class Contract:
    """What all parts of the suite have. ``bench`` is the fixture of a driver's author."""

    @pytest.fixture
    def provider(self, bench: CloudBench) -> Provider:
        """The driver under test."""
        return bench.provider

    @pytest.fixture
    def scene(self, bench: CloudBench) -> Scene:
        """The scene of the bench, made when it is first asked for."""
        if bench not in _SCENES:
            _SCENES[bench] = Scene(bench)
        return _SCENES[bench]
