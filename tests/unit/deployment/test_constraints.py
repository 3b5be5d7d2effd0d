"""Each constraints.txt names one version of everything that its setup.cfg files ask for."""

import re
from configparser import ConfigParser

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support.clouds.embedded_cloud import CHECKOUT

# A file of constraints, and what is installed with it.
FILES = {
    "constraints.txt": ("setup.cfg", "client/setup.cfg"),
    "dashboard/constraints.txt": ("dashboard/setup.cfg", "client/setup.cfg"),
}
OWN = {"instance-images-client"}


def requirements(paths: tuple[str, ...]) -> list[Requirement]:
    """Return what the distributions and their extras ask for, but for each other."""
    lists = []
    for path in paths:
        parser = ConfigParser()
        parser.read(CHECKOUT / path)
        lists += [
            parser["options"]["install_requires"],
            *parser["options.extras_require"].values(),
        ]
    lines = [line for text in lists for line in text.splitlines()]
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return [one for one in found if one.name not in OWN]


def pins(file: str) -> dict[str, list[str]]:
    """Return the versions of each distribution: several where the interpreter decides."""
    found: dict[str, list[str]] = {}
    for line in (CHECKOUT / file).read_text().splitlines():
        name, version = re.fullmatch(r"([A-Za-z0-9._-]+)==([^ ;]+)(?: ;.*)?", line).groups()  # type: ignore[union-attr]
        found.setdefault(canonicalize_name(name), []).append(version)
    return found


@pytest.mark.parametrize("file", FILES)
def test_every_requirement_has_a_version_that_it_allows(file: str) -> None:
    known = pins(file)

    for requirement in requirements(FILES[file]):
        versions = known.get(canonicalize_name(requirement.name), [])
        assert versions, f"{requirement.name} is missing: run ./dev constraints"
        assert all(requirement.specifier.contains(one) for one in versions), str(requirement)


def test_build_and_installer_have_their_versions_too() -> None:
    assert {"setuptools", "uv"} <= set(pins("constraints.txt"))
