"""Several locations are worked on at once: one that is slow or fails holds up no other."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from instance_images.db.engine import Database
from instance_images.db.readings import last_read_at
from instance_images.db.schema import upgrade
from instance_images_billing.ledger.watermarks import watermark

from support.clouds import installed_memory_cloud
from support.clouds.embedded_cloud import CHECKOUT, wait_for
from support.processes.command_line import CommandLine
from support.worlds.ledger_world import at
from support.worlds.operations_world import Deployment

EXECUTABLE = Path(sys.executable).with_name("instance-images")
HOURS = "up to 2026-11-02T14:00:00Z"


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """Two locations, the first of which answers no listing before it is released."""
    monkeypatch.syspath_prepend(str(installed_memory_cloud.install(tmp_path / "site")))
    monkeypatch.setattr(installed_memory_cloud, "CLOUDS", {})
    monkeypatch.setattr(installed_memory_cloud, "RELEASED", threading.Event())
    made = Deployment(tmp_path)
    made.prepare(["RegionOne", "RegionTwo"])
    made.state_of["RegionOne"] = "stuck"
    made.capture("2T12:30", "RegionOne")
    made.capture("2T12:30", "RegionTwo")
    yield made
    installed_memory_cloud.RELEASED.set()


@pytest.fixture
def cli(deployment: Deployment) -> CommandLine:
    """The command line at five past two."""
    deployment.clock.now = at("2T14:05")
    return CommandLine(deployment.config, deployment.clock)


def closed_until(cli: CommandLine, location: str) -> datetime | None:
    """Return up to when the location is closed."""
    with cli.application.database.reading() as connection:
        return watermark(connection, location)


def was_read(cli: CommandLine, location: str) -> bool:
    """Return whether the location was ever read completely."""
    with cli.application.database.reading() as connection:
        return last_read_at(connection, location) is not None


def test_location_that_does_not_answer_keeps_no_other_from_being_closed(
    cli: CommandLine,
) -> None:
    with ThreadPoolExecutor(1) as elsewhere:
        running = elsewhere.submit(cli, "meter", "run")

        wait_for(lambda: closed_until(cli, "RegionTwo") is not None, "the second location")
        first_meanwhile = closed_until(cli, "RegionOne")
        installed_memory_cloud.RELEASED.set()
        result = running.result()

    assert first_meanwhile is None
    assert result.exit_code == 0
    # It is told in the order of the configuration, whichever came first.
    assert [line.partition(",")[0] for line in result.out.splitlines()] == [
        f"RegionOne: closed 2 hours {HOURS}",
        f"RegionTwo: closed 2 hours {HOURS}",
    ]


def test_dry_run_of_several_locations_shows_their_postings_in_order(
    cli: CommandLine,
) -> None:
    installed_memory_cloud.RELEASED.set()

    result = cli("meter", "run", "--dry-run")

    assert result.exit_code == 0
    assert result.out.index("RegionOne: would") < result.out.index("RegionTwo: would")
    assert closed_until(cli, "RegionOne") is closed_until(cli, "RegionTwo") is None


@pytest.mark.parametrize("command", [("meter", "run"), ("image", "sync")])
def test_interrupt_ends_a_command_whose_location_does_not_answer(
    deployment: Deployment, cli: CommandLine, command: tuple[str, ...]
) -> None:
    paths = os.pathsep.join([str(CHECKOUT / "tests"), str(deployment.directory / "site")])
    process = subprocess.Popen(
        [EXECUTABLE, "--config-file", cli.config_file, *command],
        env={**os.environ, "PYTHONPATH": paths},
        # The tests may run where nobody can interrupt them, which is handed down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        # The second location is done, and the first will not be.
        wait_for(lambda: was_read(cli, "RegionTwo"), "the second location")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    finally:
        process.kill()

    assert process.returncode == 130
    assert err.strip().startswith("Stopped. No task was started.")


def test_writer_that_writes_again_and_again_keeps_no_other_thread_out(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'ledger.db'}")
    upgrade(database)
    ended = threading.Event()

    def write_on() -> None:
        while not ended.is_set():
            with database.writing():
                time.sleep(0.03)

    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(write_on)
        time.sleep(0.1)
        began = time.monotonic()
        for _ in range(5):
            with database.writing():
                time.sleep(0.001)
        waited_seconds = time.monotonic() - began
        ended.set()

    assert waited_seconds < 5  # SQLite alone made each of them wait for up to 17 s
