"""'./dev cloud down' ends what './dev cloud up --with dashboard' started, and nothing else."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import standing_api


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    standing_api.down(tmp_path)


def test_down_ends_all_processes_and_says_which(home: Path) -> None:
    names = ["api", "dashboard", "worker"]
    for name in names:
        standing_api.start(name, ["sleep", "60"], home, dict(os.environ))
    pids = [standing_api.running(home / f"{name}.pid") for name in names]

    ended = standing_api.down(home)

    assert ended == names
    assert all(pid is not None and standing_api.ticks(pid) is None for pid in pids)
    assert standing_api.down(home) == []


def test_down_spares_a_stranger_who_has_the_pid_of_a_stale_file(home: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (home / "api.pid").write_text(f"{stranger.pid} 1")

        ended = standing_api.down(home)

        assert (ended, stranger.poll()) == ([], None)
        stranger.kill()


def test_api_that_ends_at_once_is_told_with_its_last_words(home: Path) -> None:
    standing_api.start("api", ["sh", "-c", "echo no configuration"], home, dict(os.environ))

    with pytest.raises(RuntimeError, match="no configuration"):
        standing_api.wait_until_up("http://127.0.0.1:1", home)
