"""A class of tests for each broken driver, with the one test that is to find it.

No test of the project's own: ``test_broken_drivers`` runs it, and sees it fail.
"""

from typing import Any

import pytest

from instance_images.testing import ProviderContract

import support.drivers.broken_identity
import support.drivers.broken_images
import support.drivers.broken_instances
import support.drivers.broken_parts  # noqa: F401
from support.drivers.broken_drivers import BROKEN
from support.drivers.memory_bench import MemoryBench
from support.drivers.strict_memory_cloud import StrictMemoryProvider


def suite_of(driver: type[StrictMemoryProvider], test: str) -> type:
    """Return the suite with that test alone."""

    @pytest.fixture
    def bench(self: Any) -> MemoryBench:
        return MemoryBench(driver)

    kept = {
        name: getattr(ProviderContract, name)
        for name in dir(ProviderContract)
        if name == test or not name.startswith(("test", "__"))
    }
    return type(f"Test{driver.__name__}", (), {**kept, "bench": bench})


for driver, test in BROKEN.items():
    globals()[f"Test{driver.__name__}"] = suite_of(driver, test)
