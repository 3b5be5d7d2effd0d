"""CPU seconds of this process together with those of its local database server.

On a busy machine these can be compared where seconds of the clock cannot.
"""

import os
import time
from pathlib import Path

from instance_images.db.engine import Database

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(database: Database) -> float:
    """Return what this process and PostgreSQL's have used so far; SQLite is this process."""
    return time.process_time() + server_cpu_seconds(database)


def server_cpu_seconds(database: Database) -> float:
    """Return what PostgreSQL's processes have used so far; nothing where there is no server."""
    if database.url.get_backend_name() != "postgresql":
        return 0.0
    with database.looking() as connection:
        backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    postmaster = _parent_and_ticks(backend)[0]
    ticks = _ticks_of_ended_children(postmaster)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent, used = _parent_and_ticks(int(entry.name))
            except OSError:  # it has ended meanwhile
                continue
            ticks += used if parent == postmaster else 0
    return ticks / _TICKS


def _parent_and_ticks(pid: int) -> tuple[int, int]:
    values = _stat(pid)
    return int(values[1]), int(values[11]) + int(values[12])


def _ticks_of_ended_children(pid: int) -> int:
    values = _stat(pid)
    return int(values[13]) + int(values[14])


def _stat(pid: int) -> list[str]:
    """Return the fields of ``/proc/PID/stat`` after the name of the program."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
