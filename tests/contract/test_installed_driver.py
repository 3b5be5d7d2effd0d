"""The suite and a driver as a package of somebody else has them."""

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ConfiguredCommandLine
from support.drivers import toy_cloud


def install(directory: Path) -> Path:
    """Install the toy driver in a directory that is to stand in sys.path."""
    described = directory / "toy_driver-1.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-driver\nVersion: 1\n")
    (described / "entry_points.txt").write_text(
        "[instance_images.providers]\ntoy = support.drivers.toy_driver:ToyProvider\n"
    )
    return directory


def test_commands_work_with_an_installed_driver_and_tell_what_its_cloud_lacks(
    configured: ConfiguredCommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(install(tmp_path / "site")))
    monkeypatch.setitem(toy_cloud.CLOUDS, "admin", toy_cloud.Cloud())
    client = toy_cloud.Client("admin")
    project_id = client.add("project", name="acme")
    client.add("size", name="large", mib=1024)
    client.add("machine", project=project_id, name="web-1", state="on")
    cli = configured(location="provider = toy")
    acme = ("--account", "acme")

    cli.ok("image", "create", "web-1", "--name", "golden", *acme)
    toy_cloud.CLOUDS["admin"].pass_time()
    [image] = cli.ok("image", "list", *acme).json
    cli.ok("image", "deploy", "golden", "--name", "web-2", "--flavor", "large", *acme)
    cli.refused(3, "one network and no choices", "image", "deploy", "golden", "--name", "web-3",
                "--flavor", "large", "--network", "dmz", *acme)  # fmt: skip
    cli.refused(3, "has no scaling groups", "scaling-group", "list", *acme)
    cli.ok("image", "delete", "golden", "--yes", *acme)

    assert (image["status"], image["size_bytes"]) == ("available", 64 * 2**20)
    assert [machine["name"] for machine in client.all("machine")] == ["web-1", "web-2"]
    assert client.all("disc") == []


def test_suite_without_pytest_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "try: import instance_images.testing\n"
        "except ImportError as error: print(error)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert "pip install 'instance-images[testing]'" in done.stdout, done.stderr


def test_product_itself_imports_no_tests() -> None:
    code = (
        "import sys; import instance_images.commands.main, instance_images.locations.application\n"
        "print([name for name in sys.modules if 'pytest' in name or 'images.testing' in name])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.stdout == "[]\n", done.stderr
