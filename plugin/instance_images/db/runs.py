"""Rows of runs that are at work, so that nobody moves the ledger from under one.

A run is announced before it begins and taken away when it ends. One that was killed leaves its row:
it is known as dead on its own host alone, and the next run there takes it away. Nothing that a run
does depends on these rows.
"""

import contextlib
import os
import socket
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from instance_images.db.engine import Database
from instance_images.db.tables import active_runs
from instance_images.errors import InstanceImagesError
from instance_images.instants import Clock, format_instant


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """A run that was announced and has not ended, or that was killed."""

    run_id: str
    command: str
    host: str
    process_id: int
    started_at: datetime

    @property
    def text(self) -> str:
        """Which run it is, for a message."""
        return (
            f"'{self.command}' since {format_instant(self.started_at)} on host {self.host},"
            f" process {self.process_id}"
        )

    @property
    def was_killed(self) -> bool:
        """Whether it is certain that it is at work no more: only its own host can tell."""
        if self.host != socket.gethostname():
            return False
        try:
            os.kill(self.process_id, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False  # another user's
        return False


@contextlib.contextmanager
def announced(database: Database, command: str, clock: Clock) -> Iterator[None]:
    """Have the run on record while it works. A database that fails is left to the run to report."""
    run = ActiveRun(str(uuid.uuid4()), command, socket.gethostname(), os.getpid(), clock())

    def begin(connection: sa.Connection) -> None:
        _forget_killed(connection)
        connection.execute(
            sa.insert(active_runs).values(
                run_id=run.run_id,
                command=run.command,
                host=run.host,
                process_id=run.process_id,
                started_at=run.started_at,
            )
        )

    def end(connection: sa.Connection) -> None:
        connection.execute(sa.delete(active_runs).where(active_runs.c.run_id == run.run_id))

    with contextlib.suppress(InstanceImagesError):
        database.write(begin)
    try:
        yield
    finally:
        with contextlib.suppress(InstanceImagesError):
            database.write(end)


def active(connection: sa.Connection) -> list[ActiveRun]:
    """Return the runs that are at work, or may be, the oldest first."""
    query = sa.select(active_runs).order_by(active_runs.c.started_at, active_runs.c.run_id)
    found = [ActiveRun(**row._mapping) for row in connection.execute(query)]
    return [run for run in found if not run.was_killed]


def _forget_killed(connection: sa.Connection) -> None:
    here = sa.select(active_runs).where(active_runs.c.host == socket.gethostname())
    runs = [ActiveRun(**row._mapping) for row in connection.execute(here)]
    killed = [run.run_id for run in runs if run.was_killed]
    if killed:
        connection.execute(sa.delete(active_runs).where(active_runs.c.run_id.in_(killed)))
