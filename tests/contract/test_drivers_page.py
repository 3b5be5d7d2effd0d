"""What the page on drivers shows is what is run, and it names every method there is."""

import inspect
from pathlib import Path

import pytest

from instance_images.drivers.provider import Provider
from instance_images.testing import Capability

from support.drivers import toy_driver

HERE = Path(__file__).parent
SHOWN = (Path(toy_driver.__file__), HERE / "test_toy_driver.py")
PAGE = (HERE.parent.parent / "doc" / "source" / "contributor" / "drivers.md").read_text()


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: path.name)
def test_code_on_the_page_is_the_code_that_is_tested(path: Path) -> None:
    assert f"```python\n{path.read_text()}```\n" in PAGE


def test_page_names_every_method_and_says_which_are_abstract() -> None:
    for name, method in inspect.getmembers(Provider, inspect.isfunction):
        if not name.startswith("_"):
            assert f"`{name}`" in PAGE
            assert (f"**`{name}`**" in PAGE) is getattr(method, "__isabstractmethod__", False)


def test_page_names_every_capability() -> None:
    for capability in Capability:
        assert f"`{capability.name}`" in PAGE
