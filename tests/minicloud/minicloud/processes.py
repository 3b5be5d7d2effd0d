"""Processes: which one a pid file means, how one ends with its parent, how one is ended.

A pid file holds a pid and the time when that process started, in the kernel's ticks, so that a
stale file is never taken for the stranger who has got the same pid since.
"""

import ctypes
import os
import signal
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1


def start_ticks(pid: int) -> int | None:
    """Tell when a process started; None if there is no such process or only its zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def record(pid_file: Path, pid: int) -> None:
    """Write a pid file for a process that runs."""
    draft = pid_file.with_name(f".{pid_file.name}")
    draft.write_text(f"{pid} {start_ticks(pid)}\n")
    draft.replace(pid_file)


def running(pid_file: Path) -> int | None:
    """Return the pid of the very process that a pid file was written for, if it still runs."""
    try:
        pid, ticks = pid_file.read_text().split()
        return int(pid) if start_ticks(int(pid)) == int(ticks) else None
    except (OSError, ValueError):
        return None


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, in whatever way."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:  # it ended before the kernel knew
        os._exit(1)


def end(pid_file: Path, patience_seconds: float) -> bool:
    """Ask a process to end, then make it; False if it was not running."""
    pid = running(pid_file)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGCONT)  # it may have been paused
    if not gone(pid_file, patience_seconds):
        os.kill(pid, signal.SIGKILL)
        gone(pid_file, patience_seconds)
    return True


def gone(pid_file: Path, patience_seconds: float) -> bool:
    """Wait until a process has ended; False if it has not in that time."""
    deadline = time.monotonic() + patience_seconds
    while running(pid_file) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
