"""What the tests of the client share: a customer with two images, and a relay before the API."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from instance_images_client.sdk.proxy import Proxy

from support.processes.openstack_client import OpenStackClient
from support.servers.relay import Relay, running_relay
from support.worlds.api_world import Office
from support.worlds.shop_world import Shop, open_shop


@pytest.fixture(scope="session")
def shop_of_run(office_of_run: Office) -> Shop:
    """The shop for the whole run."""
    return open_shop(office_of_run)


@pytest.fixture
def shop(shop_of_run: Shop, office: Office) -> Shop:
    """The shop, on a cloud without faults."""
    return shop_of_run


@pytest.fixture
def relay(shop: Shop) -> Iterator[Relay]:
    """A relay before the API."""
    with running_relay(shop.office.api.url) as relay:
        yield relay


@pytest.fixture
def beyond_relay(shop: Shop, relay: Relay) -> Proxy:
    """The customer's service, beyond the relay."""
    return shop.proxy(instance_images_endpoint_override=f"{relay.url}/v1")


@pytest.fixture
def customer_beyond_relay(shop: Shop, relay: Relay, tmp_path: Path) -> OpenStackClient:
    """The customer's commands, beyond the relay."""
    return shop.customer.with_settings(
        tmp_path, instance_images_endpoint_override=f"{relay.url}/v1"
    )
