"""The driver of the page on drivers keeps the contract, without what its cloud cannot do."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from instance_images.config.settings import Location
from instance_images.model.cloud import Project
from instance_images.testing import Capability, CloudBench, ProviderContract

from support.drivers import toy_cloud
from support.drivers.toy_driver import ToyProvider


class ToyBench(CloudBench):
    """The toy cloud as its customers and its operator use it."""

    capabilities = (Capability.SAME_NAMES, Capability.OUTAGES)
    flavor = "large"
    networks = ()
    patience_seconds = 0.1

    def __init__(self) -> None:
        self._client = toy_cloud.Client("bench")
        self._client.add("size", name="large", mib=1024)
        self._client.add("project", name="own")

    def new_provider(self) -> ToyProvider:
        return ToyProvider(
            Location(
                name="Toyland",
                enabled=True,
                provider="toy",
                cloud="bench",
                region_name="Toyland",
                currency="EUR",
                max_images=None,
            )
        )

    def new_project(self) -> Project:
        name = f"customer {len(self._client.all('project'))}"
        return Project(self._client.add("project", name=name), name)

    def new_server(self, project_id: str, name: str) -> str:
        return self._client.add("machine", project=project_id, name=name, state="on")

    def put_image(self, project_id: str, name: str) -> str:
        return self._client.add("disc", project=project_id, name=name, state="full", mib=8)

    def let_pass(self) -> None:
        toy_cloud.CLOUDS["bench"].pass_time()

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        toy_cloud.CLOUDS["bench"].is_down = True
        try:
            yield
        finally:
            toy_cloud.CLOUDS["bench"].is_down = False


@pytest.fixture(scope="module")
def bench() -> ToyBench:
    return ToyBench()


class TestToyDriver(ProviderContract):
    """The whole suite."""
