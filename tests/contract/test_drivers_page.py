"""What docs/drivers.md shows is what is run, and it names every method there is."""

import inspect
from pathlib import Path

import pytest

from instance_images.provider import Provider
from instance_images.testing import Capability

HERE = Path(__file__).parent
PAGE = (HERE.parent.parent / "docs" / "drivers.md").read_text()


@pytest.mark.parametrize("name", ["toy_driver.py", "test_toy_driver.py"])
def test_code_on_the_page_is_the_code_that_is_tested(name: str) -> None:
    assert f"```python\n{(HERE / name).read_text()}```\n" in PAGE


def test_page_names_every_method_and_says_which_are_abstract() -> None:
    for name, method in inspect.getmembers(Provider, inspect.isfunction):
        if not name.startswith("_"):
            assert f"`{name}`" in PAGE
            assert (f"**`{name}`**" in PAGE) is getattr(method, "__isabstractmethod__", False)


def test_page_names_every_capability() -> None:
    for capability in Capability:
        assert f"`{capability.name}`" in PAGE
