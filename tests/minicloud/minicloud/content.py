"""What a fresh cloud holds besides its users: flavors, a public image, a shared network."""

import random

import openstack

from minicloud.cloud import Cloud
from minicloud.identity import connect

FLAVORS = (
    # name, vcpus, MiB of memory, GiB of disk
    ("m1.tiny", 1, 64, 1),
    ("m1.small", 1, 512, 10),
)
BASE_IMAGE = "base-linux"
BASE_IMAGE_BYTES = 1 << 20
NETWORK = "private"


def fill(cloud: Cloud) -> None:
    """Fill a cloud whose services have just come up for the first time."""
    connection = connect(cloud)
    for name, vcpus, ram_mib, disk_gib in FLAVORS:
        connection.compute.create_flavor(name=name, vcpus=vcpus, ram=ram_mib, disk=disk_gib)
    add_base_image(connection)
    if "neutron" in cloud.services:
        network = connection.network.create_network(name=NETWORK, is_shared=True)
        connection.network.create_subnet(
            name=NETWORK, network_id=network.id, ip_version=4, cidr="10.20.0.0/16"
        )


def add_base_image(connection: openstack.connection.Connection) -> None:
    """Upload the public image: the same random bytes in every cloud."""
    image = connection.image.create_image(
        name=BASE_IMAGE,
        disk_format="raw",
        container_format="bare",
        visibility="public",
        min_disk=1,
        data=random.Random(0).randbytes(BASE_IMAGE_BYTES),
        os_distro="linux",
    )
    status = connection.image.get_image(image.id).status  # the SDK returns it as it was
    if status != "active":
        raise RuntimeError(f"{BASE_IMAGE} is {status}, not active: see glance.log")
