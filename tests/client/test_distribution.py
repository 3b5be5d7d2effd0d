"""The client is a distribution of its own: its wheel, alone in an empty environment."""

import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

from support.clouds.embedded_cloud import CHECKOUT
from support.processes.packaging import build_wheel, install_alone, run_alone

CLIENT = CHECKOUT / "client"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel("client", tmp_path_factory.mktemp("client"), "client")


def test_client_and_product_have_one_version() -> None:
    def version(path: Path) -> str:
        parser = ConfigParser()
        parser.read(path)
        return parser["metadata"]["version"]

    assert version(CLIENT / "setup.cfg") == version(CHECKOUT / "setup.cfg")
    assert (CLIENT / "LICENSE").read_text() == (CHECKOUT / "LICENSE").read_text()


def test_wheel_of_the_client_holds_exactly_what_the_tree_holds(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}

    in_tree = {
        str(path.relative_to(CLIENT))
        for path in (CLIENT / "instance_images_client").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == in_tree
    assert "instance_images_client/py.typed" in packed


def test_wheel_alone_gives_the_sdk_and_nothing_of_the_product(wheel: Path, tmp_path: Path) -> None:
    programs = install_alone(wheel, tmp_path / "environment")

    found = run_alone(
        programs,
        tmp_path,
        "python",
        "-c",
        "import sys, instance_images_client.sdk, instance_images_client.commands.plugin as plugin;"
        "from importlib.metadata import distributions;"
        "print(plugin.API_NAME);"
        "print([n for n in sys.modules if n.startswith('instance_images')"
        " and not n.startswith('instance_images_client')]);"
        "print({'sqlalchemy', 'python-openstackclient', 'instance-images'}"
        " & {d.name.lower() for d in distributions()})",
    )

    assert found.splitlines() == ["instance_images", "[]", "set()"]
