"""Whoever interrupts a command is told what it has started, and which command shows it."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.clouds import installed_memory_cloud
from support.clouds.embedded_cloud import CHECKOUT, wait_for
from support.worlds.operations_world import Deployment

EXECUTABLE = Path(sys.executable).with_name("instance-images")


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    site = installed_memory_cloud.install(tmp_path / "site")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(CHECKOUT / "tests"), str(site)]))
    monkeypatch.setattr(installed_memory_cloud, "CLOUDS", {})
    made = Deployment(tmp_path)
    made.prepare()
    yield made


def tasks_of(deployment: Deployment) -> list[str]:
    """Return the ids of the tasks on record, as they are."""
    with sqlite3.connect(deployment.directory / "instance-images.db") as connection:
        return [task_id for (task_id,) in connection.execute("SELECT task_id FROM tasks")]


def interrupted(deployment: Deployment, *command: str) -> str:
    """Start the command, interrupt it when it waits for its task, and return what it says."""
    process = subprocess.Popen(
        [EXECUTABLE, "--config-file", deployment.config, *command],
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(lambda: tasks_of(deployment), "the task")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130
    return err.splitlines()[-1]


def test_an_interrupted_capture_names_its_task_which_goes_on(deployment: Deployment) -> None:
    told = interrupted(
        deployment, *["image", "create", "vm", "--name", "n", "--account", "a", "--wait"]
    )

    [task_id] = tasks_of(deployment)
    assert told == (
        f"Stopped. These continue in the cloud: create {task_id}. 'instance-images task watch"
        f" {task_id}' shows it."
    )
