"""Drivers that break their contract, one rule each, and the tests of the suite that find them."""

from collections.abc import Callable
from typing import Any

BROKEN: dict[type, str] = {}  # and the test that finds it


def found_by(test: str) -> Callable[[type], Any]:
    """Register a broken driver with the test that finds it."""

    def register(driver: type) -> type:
        BROKEN[driver] = test
        return driver

    return register
