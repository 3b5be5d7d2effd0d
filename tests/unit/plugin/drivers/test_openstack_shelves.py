"""How large an image can be that is believed to hold the disk of a shelved instance."""

from dataclasses import replace
from datetime import UTC, datetime

from instance_images.drivers.openstack.nova.shelved import max_shelf_bytes
from instance_images.model.cloud import CloudImage, CloudImageStatus

GIB = 1024**3
OFFERED = CloudImage(
    id="base",
    name="base",
    owner_id="operator",
    status=CloudImageStatus.ACTIVE,
    size_bytes=GIB,
    virtual_size_bytes=4 * GIB,
    min_disk_gib=0,
    min_ram_mib=0,
    changed_at=datetime(2026, 11, 1, tzinfo=UTC),
    is_public=True,
)


def test_flavor_bounds_it_with_what_a_format_adds() -> None:
    assert 64 * GIB < max_shelf_bytes(64, None) < 66 * GIB


def test_without_a_disk_in_the_flavor_the_image_that_the_operator_offers_bounds_it() -> None:
    assert 4 * GIB < max_shelf_bytes(0, OFFERED) < 5 * GIB
    assert GIB < max_shelf_bytes(0, replace(OFFERED, virtual_size_bytes=512)) < 2 * GIB


def test_what_a_customer_writes_into_a_header_exempts_nothing() -> None:
    own = replace(OFFERED, is_public=False, virtual_size_bytes=2**60)

    assert max_shelf_bytes(0, own) == 0
    assert max_shelf_bytes(0, None) == 0
