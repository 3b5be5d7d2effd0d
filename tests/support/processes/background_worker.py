"""``instance-images work`` as a process of its own."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.clouds.embedded_cloud import wait_for

_STOP_SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class BackgroundWorker:
    """A running worker, and where its log is."""

    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def log(self) -> str:
        """What it has logged and printed."""
        return self.log_file.read_text()

    def end(self) -> int:
        """Ask it to end, and return its exit code."""
        self.process.terminate()
        return self.process.wait(_STOP_SECONDS)

    def kill(self) -> None:
        """End it as ``kill -9`` does."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Have it do nothing, as on a host that is too busy; ``go_on`` ends that."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it work again."""
        os.kill(self.process.pid, signal.SIGCONT)


@contextlib.contextmanager
def working(config_file: Path, **environment: str) -> Iterator[BackgroundWorker]:
    """Run a worker with that configuration, and end it afterwards."""
    number = len(list(config_file.parent.glob("worker-*.log")))
    log_file = config_file.parent / f"worker-{number}.log"
    command = [sys.executable, "-u", "-m", "instance_images.commands.main", "--debug"]
    command += ["--config-file", str(config_file), "work"]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, **environment}
        )
    worker = BackgroundWorker(process, log_file)
    try:
        wait_for(lambda: "Working at" in worker.log or process.poll() is not None, "the worker")
        yield worker
    except BaseException:
        print(worker.log)  # pytest shows it with the failure
        raise
    finally:
        process.kill()
        process.wait()
