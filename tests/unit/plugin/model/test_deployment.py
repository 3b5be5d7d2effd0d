"""What of an order can be refused before any cloud is asked."""

from datetime import UTC, datetime
from typing import Any

import pytest

from instance_images.deployments.instances import Order, fault_of_order, fault_of_size
from instance_images.model.cloud import CloudImage, CloudImageStatus, Flavor

GIB = 2**30
SMALL = Flavor("f", "small", 512, 2)


def image(size: int, virtual: int | None, min_disk: int = 0, min_ram: int = 0) -> CloudImage:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    active = CloudImageStatus.ACTIVE
    return CloudImage(
        id="i",
        name="i",
        owner_id="owner",
        status=active,
        size_bytes=size,
        virtual_size_bytes=virtual,
        min_disk_gib=min_disk,
        min_ram_mib=min_ram,
        changed_at=now,
    )


@pytest.mark.parametrize(
    ("found", "fits"),
    [
        (image(1, 2 * GIB), True),
        (image(1, 2 * GIB + 1), False),
        (image(2 * GIB + 1, None), False),  # what is stored is never more than the disk inside
        (image(1, 1, min_disk=2), True),
        (image(1, 1, min_disk=3), False),
        (image(1, 1, min_ram=512), True),
        (image(1, 1, min_ram=513), False),
    ],
)
def test_flavor_must_hold_the_disk_inside_the_image(found: CloudImage, fits: bool) -> None:
    assert (fault_of_size(found, SMALL) is None) == fits


def test_flavor_without_a_disk_of_its_own_holds_any_image() -> None:
    assert fault_of_size(image(1, 99 * GIB), Flavor("f", "f", 512, 0)) is None


@pytest.mark.parametrize(("volume_gib", "fits"), [(2, False), (3, True)])
def test_volume_counts_instead_of_the_flavors_disk(volume_gib: int, fits: bool) -> None:
    found = image(1, 2 * GIB + 1)

    assert (fault_of_size(found, SMALL, volume_gib) is None) == fits
    assert fault_of_size(image(1, 1, min_ram=513), SMALL, 99) is not None


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"count": 0}, "1 to 50"),
        ({"count": 51}, "1 to 50"),
        ({"networks": ("none", "private")}, "cannot be combined"),
        ({"networks": ("none",), "security_groups": ("web",)}, "cannot be combined"),
        ({"user_data": bytes(49150)}, "49149"),
        ({"name": ""}, "empty"),
        ({"name": "", "count": 2}, "empty"),
        ({"name": "n" * 254, "count": 10}, "257 characters"),
        ({"name": "a\u202eb"}, "control or invisible"),
    ],
)
def test_order_that_no_cloud_carries_out_is_refused(more: dict[str, Any], message: str) -> None:
    assert message in str(fault_of_order(Order(**{"name": "web", "flavor": "f", **more})))


def test_order_at_the_limits_is_taken() -> None:
    order = Order(name="n" * 252, flavor="f", networks=("none",), user_data=bytes(49149), count=50)

    assert fault_of_order(order) is None
