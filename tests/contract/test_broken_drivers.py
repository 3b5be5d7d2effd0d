"""The suite can fail: each rule that a driver breaks is found by the test that states it."""

from pathlib import Path

import pytest

from instance_images.testing import ProviderContract

import support.drivers.broken_identity
import support.drivers.broken_images
import support.drivers.broken_instances
import support.drivers.broken_parts  # noqa: F401
from support.drivers import broken_suite
from support.drivers.broken_drivers import BROKEN

SUITE = Path(broken_suite.__file__)


class Outcomes:
    """A plug-in of pytest that keeps which tests have failed, by their classes."""

    def __init__(self) -> None:
        self.failed: dict[str, set[str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            _, suite, test = report.nodeid.split("::")
            self.failed.setdefault(suite, set()).add(test.partition("[")[0])


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The tests that have failed, by the names of their classes."""
    root = tmp_path_factory.mktemp("broken")
    options = ["-q", "--tb=no", "--noconftest", "-p", "no:cacheprovider", f"--rootdir={root}"]
    outcomes = Outcomes()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        environment.delenv("PYTEST_ADDOPTS", raising=False)  # it may end after some failures
        pytest.main([str(SUITE), *options], plugins=[outcomes])
    return outcomes.failed


def test_every_test_of_the_suite_finds_a_broken_driver() -> None:
    tests = {name for name in dir(ProviderContract) if name.startswith("test")}

    assert tests == set(BROKEN.values())


@pytest.mark.parametrize("driver", BROKEN, ids=lambda driver: driver.__name__)
def test_broken_driver_is_found(failed: dict[str, set[str]], driver: type) -> None:
    assert failed.get(f"Test{driver.__name__}") == {BROKEN[driver]}
