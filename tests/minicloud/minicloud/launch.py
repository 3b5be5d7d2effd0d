"""Starting and ending a cloud, as seen from outside it.

The process that starts a cloud holds the supervisor's standard input, so that nothing is left when
it ends in whatever way: until the cloud is up, or, if the cloud is tied to it, for ever.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from minicloud import cloud as clouds
from minicloud import processes, template
from minicloud.cloud import Cloud

START_SECONDS = 300.0
STOP_SECONDS = 15.0
# Everything that a cloud leaves in its state directory, but for the cache.
CONTENTS = ("data", "db", "etc", "log", "run", "tmp")
FILES = ("clouds.yaml", "cloud.json", "complete", "faults.json", "lock")


class CloudError(Exception):
    """The cloud cannot be started; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Started:
    """A cloud that is up; ``supervisor`` is None if it was up before."""

    cloud: Cloud
    supervisor: subprocess.Popen[bytes] | None
    how: str


def supervisor_pid(state: Path) -> int | None:
    """Return the pid of the supervisor of a state directory, if it runs."""
    return processes.running(state / "run" / "supervisor.pid")


def start(wanted: Cloud, fresh: bool, abandoned: Callable[[], bool]) -> Started:
    """Bring a cloud up; gives up as soon as ``abandoned`` says so."""
    wanted.state.mkdir(parents=True, exist_ok=True)
    with locked(wanted.state):
        if supervisor_pid(wanted.state) is not None:
            if not fresh:
                return Started(adopt(wanted), None, "was up already")
            stop(wanted.state)
        if fresh or not (wanted.state / "complete").exists():
            clear(wanted.state)
        cloud, how = furnish(wanted)
        first = how == "from nothing"
        supervisor = spawn(cloud, first)
        try:
            wait_until_ready(cloud, supervisor, abandoned)
            cloud = loaded(cloud.state)
            if first:
                from minicloud import content  # needs the SDK, whose import takes a second

                content.fill(cloud)
                template.save(cloud)
            (cloud.state / "complete").touch()
        except BaseException:
            release(supervisor)
            raise
        return Started(cloud, supervisor, how)


def loaded(state: Path) -> Cloud:
    """Read the cloud that is known to be in a state directory."""
    cloud = clouds.load(state)
    assert cloud is not None
    return cloud


def adopt(wanted: Cloud) -> Cloud:
    """Return the cloud of the state directory; refuse if it is not the one wanted."""
    cloud = loaded(wanted.state)
    missing = set(wanted.services) - set(cloud.services)
    if missing or wanted.limits != cloud.limits or wanted.notify_url != cloud.notify_url:
        raise CloudError(
            f"{cloud.state} holds a cloud with other services or options"
            f" ({' '.join(cloud.services)}): add --fresh, or choose another --state"
        )
    return cloud


def furnish(wanted: Cloud) -> tuple[Cloud, str]:
    """Prepare the state directory and tell what the cloud will start from."""
    for name in CONTENTS:
        (wanted.state / name).mkdir(exist_ok=True)
    for path in (wanted.state / "run").iterdir():
        path.unlink()
    if wanted.database("keystone").exists():
        cloud, how = adopt(wanted), "restarted"
    else:
        cloud, how = wanted, "from nothing"
        if template.restore(cloud):
            how = "from its template"
    cloud.save()
    return cloud, how


def spawn(cloud: Cloud, first: bool) -> subprocess.Popen[bytes]:
    """Start the supervisor, its standard input in our hands."""
    command = [sys.executable, "-W", "ignore", "-m", "minicloud.supervisor", str(cloud.state)]
    with cloud.log("supervisor").open("ab") as log:
        supervisor = subprocess.Popen(
            [*command, "--first"] if first else command,
            env=environment(cloud),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )
    processes.record(cloud.run("supervisor.pid"), supervisor.pid)
    return supervisor


def environment(cloud: Cloud) -> dict[str, str]:
    """Return our environment without what would mislead a service, with all files below state."""
    misleading = ("OS_", "PYTHON", "XDG_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(misleading) and not name.lower().endswith("_proxy")
    }
    return kept | {
        "PYTHONPATH": str(Path(__file__).parent.parent),
        "PYTHONNOUSERSITE": "1",
        "PYTHONPYCACHEPREFIX": str(cloud.cache / "bytecode"),
        "XDG_CACHE_HOME": str(cloud.cache / "xdg"),  # stevedore's list of entry points
        "TMPDIR": str(cloud.state / "tmp"),
        "OS_NOVA_DISABLE_EVENTLET_PATCHING": "true",
    }


def wait_until_ready(
    cloud: Cloud, supervisor: subprocess.Popen[bytes], abandoned: Callable[[], bool]
) -> None:
    """Wait until every service answers."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        missing = [name for name in cloud.processes if not cloud.run(f"{name}.ready").exists()]
        if not missing:
            return
        if abandoned():
            raise CloudError("given up: whoever asked for the cloud has ended")
        if supervisor.poll() is not None or time.monotonic() > deadline:
            said = last_lines(cloud.log("supervisor"))
            culprits = [name for name in missing if f"{name} ended by itself" in said]
            said += "".join(last_lines(cloud.log(name)) for name in culprits or missing)
            raise CloudError(f"{said}the cloud did not come up; all logs: {cloud.state / 'log'}")
        time.sleep(0.05)


def last_lines(log: Path, count: int = 15) -> str:
    """Return the end of a log under its name."""
    with contextlib.suppress(FileNotFoundError):
        lines = log.read_text(errors="replace").splitlines()[-count:]
        return "\n".join([f"--- {log}", *lines, ""])
    return ""


def detach(supervisor: subprocess.Popen[bytes]) -> None:
    """Let a cloud live on by itself."""
    assert supervisor.stdin is not None
    supervisor.stdin.write(b"detach\n")
    supervisor.stdin.close()


def release(supervisor: subprocess.Popen[bytes]) -> None:
    """Let a cloud go that we hold: it ends; return when it has."""
    assert supervisor.stdin is not None
    with contextlib.suppress(OSError):
        supervisor.stdin.close()
    try:
        supervisor.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        supervisor.kill()
        supervisor.wait()


def stop(state: Path) -> bool:
    """End the cloud of a state directory; False if none was up."""
    return processes.end(state / "run" / "supervisor.pid", STOP_SECONDS)


def clear(state: Path) -> None:
    """Remove what a cloud has left, and nothing else."""
    for name in CONTENTS:
        shutil.rmtree(state / name, ignore_errors=True)
    for name in FILES:
        if name != "lock":
            (state / name).unlink(missing_ok=True)


def purge(cloud: Cloud) -> None:
    """Remove the state directory, and the cache if it is in there."""
    clear(cloud.state)
    if cloud.cache.is_relative_to(cloud.state):
        shutil.rmtree(cloud.cache, ignore_errors=True)
    (cloud.state / "lock").unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # somebody else's files are in there
        cloud.state.rmdir()


@contextlib.contextmanager
def locked(state: Path) -> Iterator[None]:
    """Have a second start in the same state directory wait for the first."""
    with (state / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
