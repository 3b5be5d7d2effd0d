"""The dashboard is a distribution of its own: its wheel, and what it says of the service."""

import re
import zipfile
from configparser import ConfigParser
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from instance_images_api.policies import list_rules

from support.clouds.embedded_cloud import CHECKOUT
from support.processes.packaging import build_wheel

DASHBOARD = CHECKOUT / "dashboard"
PACKAGE = DASHBOARD / "instance_images_dashboard"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel("dashboard", tmp_path_factory.mktemp("dashboard"), "dashboard")


def test_dashboard_and_product_have_one_version_which_its_client_has_too() -> None:
    own, product = ConfigParser(), ConfigParser()
    own.read(DASHBOARD / "setup.cfg")
    product.read(CHECKOUT / "setup.cfg")

    version = product["metadata"]["version"]
    assert own["metadata"]["version"] == version
    assert f"instance-images-client=={version}" in own["options"]["install_requires"].split()
    assert (DASHBOARD / "LICENSE").read_text() == (CHECKOUT / "LICENSE").read_text()


def test_wheel_of_the_dashboard_holds_exactly_what_the_tree_holds(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}

    in_tree = {
        str(path.relative_to(DASHBOARD))
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == in_tree


def test_rules_that_show_buttons_are_those_of_the_service() -> None:
    shown = yaml.safe_load((PACKAGE / "conf/default_policies/instance_images.yaml").read_text())

    assert shown == [
        {
            "name": rule.name,
            "check_str": rule.check_str,
            "description": rule.description,
            "scope_types": list(rule.scope_types or ()),
            "operations": [dict(operation) for operation in rule.operations],
        }
        for rule in list_rules()
    ]


def test_recipes_name_the_files_that_the_wheel_holds(wheel: Path) -> None:
    page = (CHECKOUT / "doc" / "source" / "install" / "dashboard.md").read_text()
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())

    named = set(re.findall(r"^\| `((?:local_settings\.d/)?_\d+_\w+\.py)` \|", page, re.MULTILINE))

    switches = {
        name.removeprefix("instance_images_dashboard/").removeprefix("enabled/")
        for name in packed
        if re.search(r"/(enabled|local_settings\.d)/_\d", name)
    }
    assert named == switches
    for folder, pattern in set(re.findall(r"instance_images_dashboard/([\w.]+)/(_\S+)", page)):
        assert any(fnmatch(one, f"*/{folder}/{pattern}") for one in packed), (folder, pattern)
