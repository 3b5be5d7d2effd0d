"""The driver of the cloud in memory keeps the contract, with all its parts."""

import pytest

from instance_images.testing import ProviderContract

from support.drivers.memory_bench import MemoryBench


@pytest.fixture(scope="module")
def bench() -> MemoryBench:
    return MemoryBench()


class TestMemoryDriver(ProviderContract):
    """The whole suite."""
