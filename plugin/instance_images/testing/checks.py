"""The shapes that a driver's values must have, and how a refusal must look."""

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from instance_images.drivers.provider import Provider
from instance_images.errors import NotFound, Refused
from instance_images.model.cloud import (
    CloudImage,
    CloudImageStatus,
    OfferedImage,
    Server,
    ServerStatus,
)
from instance_images.testing.cloud_bench import Capability, CloudBench


@contextlib.contextmanager
def refused(kind: type[Refused] = Refused) -> Iterator[None]:
    """Require a refusal of that kind, with a reason."""
    with pytest.raises(kind) as caught:
        yield
    assert str(caught.value).strip(), "a refusal says why"


@contextlib.contextmanager
def refused_as_ambiguous() -> Iterator[None]:
    """Require a refusal that is not mistaken for something that is not there."""
    with pytest.raises(Refused) as caught:
        yield
    assert not isinstance(caught.value, NotFound), "several are not none"
    assert str(caught.value).strip(), "a refusal says why"


def check_part(
    bench: CloudBench, capability: Capability, part: type, refusals: dict[str, Any]
) -> None:
    """Require of a part of the driver that it is there with all its methods, or refuses.

    ``refusals`` are calls that a driver without the part refuses, by the methods' names.
    """
    methods = [name for name in vars(part) if not name.startswith("_")]
    own = {name for name in methods if getattr(type(bench.provider), name) is not vars(part)[name]}
    if capability in bench.capabilities:
        assert own == set(methods), f"the driver claims {capability}, and lacks methods"
        return
    for name, call in refusals.items():
        with pytest.raises(Refused) as caught:
            call()
        assert str(caught.value).strip(), f"{name} says why it refuses"
        assert not isinstance(caught.value, NotFound), f"{name}: nothing was looked for"


def is_count(value: object) -> bool:
    """Return whether the value is a whole number of 0 or more, and no truth value."""
    return type(value) is int and value >= 0


def check_instant(value: datetime) -> None:
    """Require an aware datetime in UTC."""
    assert isinstance(value, datetime)
    assert value.utcoffset() == timedelta(0), f"{value} is no instant in UTC"


def check_image(image: CloudImage) -> None:
    """Require the shapes of an image's values, and sizes that agree with its status."""
    assert isinstance(image, CloudImage)
    assert isinstance(image.id, str)
    assert image.id
    assert isinstance(image.name, str)
    assert isinstance(image.owner_id, str)
    assert isinstance(image.status, CloudImageStatus)
    for size in (image.size_bytes, image.virtual_size_bytes):
        assert size is None or is_count(size)
    if image.status is CloudImageStatus.QUEUED:
        assert image.size_bytes is None, "of an image without bytes the size is not known"
    assert is_count(image.min_disk_gib)
    assert is_count(image.min_ram_mib)
    check_instant(image.changed_at)
    if image.created_at is not None:
        check_instant(image.created_at)
        assert image.created_at <= image.changed_at
    assert isinstance(image.is_public, bool)
    assert image.claims.request_id is None or image.claims.request_id
    assert image.checksum is None or image.checksum


def check_offered(image: OfferedImage) -> None:
    """Require the shapes of what is known of an image that can be deployed."""
    assert isinstance(image, OfferedImage)
    assert image.id
    assert isinstance(image.name, str)
    assert isinstance(image.owner_id, str)
    for number in (image.size_bytes, image.min_disk_gib, image.min_ram_mib):
        assert is_count(number)
    for word in (image.os_type, image.os_distro, image.os_version, image.architecture):
        assert word is None or isinstance(word, str)


def check_server(server: Server, project_id: str) -> None:
    """Require the shapes of an instance's values, and that it is the project's."""
    assert isinstance(server, Server)
    assert isinstance(server.id, str)
    assert server.id
    assert isinstance(server.name, str)
    assert server.project_id == project_id
    assert isinstance(server.status, ServerStatus)
    assert server.task_state is None or isinstance(server.task_state, str)
    assert isinstance(server.is_volume_backed, bool)
    assert isinstance(server.addresses, tuple)
    assert all(isinstance(address, str) for address in server.addresses)
    assert server.fault is None or isinstance(server.fault, str)


def is_disk_size(size_bytes: int | None) -> bool:
    """Return whether it is the size of a disk: unknown, or more than no bytes."""
    return size_bytes is None or (type(size_bytes) is int and size_bytes > 0)


def images_by_id(provider: Provider) -> dict[str, CloudImage]:
    """Return all images of a listing by their ids; require each to be in it once."""
    listed = list(provider.list_images())
    found = {image.id: image for image in listed}
    assert len(found) == len(listed), "a listing holds an image twice"
    return found
