"""A distribution that cannot be loaded is told by name, and everything else works as before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from instance_images.config.settings import load_settings
from instance_images.doctor.checks import examine
from instance_images.errors import BrokenExtension
from instance_images.locations.application import Application
from instance_images.model.extensions import GROUPS

from conftest import ConfiguredCommandLine

NAMED = "wrecked (no_such_module:thing) of wreck, an entry point of"


def install(directory: Path, entry_points: str) -> Path:
    """Install a distribution in a directory that is to stand in sys.path."""
    described = directory / "wreck-1.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: wreck\nVersion: 1\n")
    (described / "entry_points.txt").write_text(entry_points)
    return directory


@pytest.fixture
def wreck(tmp_path: Path) -> Path:
    """A distribution with a broken entry point in every group."""
    lines = [f"[{group}]\nwrecked = no_such_module:thing\n" for group in GROUPS]
    return install(tmp_path / "site", "\n".join(lines))


def command(site: Path, config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process that has the distribution installed."""
    return subprocess.run(
        [sys.executable, "-m", "instance_images.commands.main", *arguments],
        env={**os.environ, "PYTHONPATH": str(site), "INSTANCE_IMAGES_CONFIG_FILE": str(config)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_help_and_commands_work_and_the_broken_one_is_named(
    wreck: Path, configured: ConfiguredCommandLine
) -> None:
    config = configured().config_file

    shown = command(wreck, config, "--help")
    checked = command(wreck, config, "db", "check")
    wanted = command(wreck, config, "wrecked")

    assert shown.returncode == 0
    assert "\n  image " in shown.stdout
    assert f"Warning: Skipped: {NAMED} instance_images.commands" in shown.stderr
    assert (checked.returncode, "Traceback" in checked.stderr) == (0, False)
    assert wanted.returncode == 2
    assert wanted.stderr.startswith(f"Error: {NAMED}")
    assert "Update or uninstall wreck." in wanted.stderr


def test_a_list_of_entry_points_that_cannot_be_read_breaks_nothing(
    tmp_path: Path, configured: ConfiguredCommandLine
) -> None:
    site = install(tmp_path / "site", "[instance_images.commands]\nno equals sign\n")

    shown = command(site, configured().config_file, "--help")

    assert shown.returncode == 0
    assert "\n  image " in shown.stdout


def test_own_commands_cannot_be_replaced(tmp_path: Path, configured: ConfiguredCommandLine) -> None:
    site = install(tmp_path / "site", "[instance_images.commands]\nimage = no_such_module:thing\n")

    shown = command(site, configured().config_file, "image", "--help")

    assert (shown.returncode, shown.stderr) == (0, "")


def test_driver_check_and_tables_that_cannot_be_loaded_are_named(
    wreck: Path, configured: ConfiguredCommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(wreck))
    cli = configured(location="provider = wrecked")
    application = Application(load_settings([cli.config_file]))

    with pytest.raises(BrokenExtension, match=r"instance_images\.providers") as told:
        application.site(None)
    verified = cli("meter", "verify")
    examined = examine(application, [])

    assert told.value.exit_code == 2
    assert verified.exit_code == 1
    assert f"Warning: Skipped a check: {NAMED} instance_images.checks" in verified.err
    assert all(finding.what.startswith(NAMED) for finding in examined[-1].findings)
    assert len(examined[-1].findings) == len(GROUPS)
    assert {one.check for one in examined} >= {"cloud", "database", "files", "ledger"}
