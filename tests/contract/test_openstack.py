"""The OpenStack driver keeps the contract, with all its parts, on a real cloud."""

from collections.abc import Iterator

import pytest

from instance_images.testing import ProviderContract

from support.clouds.embedded_cloud import EmbeddedCloud
from support.drivers.openstack_bench import EmbeddedBench

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def bench(embedded_cloud: EmbeddedCloud) -> Iterator[EmbeddedBench]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OS_CLIENT_CONFIG_FILE", str(embedded_cloud.clouds_yaml))
        made = EmbeddedBench(embedded_cloud)
        yield made
        made.close()
        embedded_cloud.clear_faults()


class TestOpenStackDriver(ProviderContract):
    """The whole suite."""
