"""constraints.txt names one version of everything that setup.cfg asks for."""

import re
from configparser import ConfigParser

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support.clouds.embedded_cloud import CHECKOUT


def requirements() -> list[Requirement]:
    """Return what the product, its client and their extras ask for."""
    lists = []
    for path in ("setup.cfg", "client/setup.cfg"):
        parser = ConfigParser()
        parser.read(CHECKOUT / path)
        lists += [
            parser["options"]["install_requires"],
            *parser["options.extras_require"].values(),
        ]
    lines = [line for text in lists for line in text.splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def pins() -> dict[str, list[str]]:
    """Return the versions of each distribution: several where the interpreter decides."""
    found: dict[str, list[str]] = {}
    for line in (CHECKOUT / "constraints.txt").read_text().splitlines():
        name, version = re.fullmatch(r"([A-Za-z0-9._-]+)==([^ ;]+)(?: ;.*)?", line).groups()  # type: ignore[union-attr]
        found.setdefault(canonicalize_name(name), []).append(version)
    return found


def test_every_requirement_has_a_version_that_it_allows() -> None:
    known = pins()

    for requirement in requirements():
        versions = known.get(canonicalize_name(requirement.name), [])
        assert versions, f"{requirement.name} is missing: run ./dev constraints"
        assert all(requirement.specifier.contains(one) for one in versions), str(requirement)


def test_build_and_installer_have_their_versions_too() -> None:
    assert {"setuptools", "uv"} <= set(pins())
