"""Rows of active runs, so that 'db copy' is refused during a run.

A run inserts its row when it begins and deletes it when it ends. A killed run leaves its row: only
its own host can tell, and the next run there deletes it. Runs do not depend on these rows.
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
    """A run that has not ended, or was killed."""

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
        """Whether the run is certainly dead: only its own host can tell."""
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
    """Keep a row of the run while it is active; ignore errors of the database."""
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
    """Return the runs that are or may be active, oldest first."""
    query = sa.select(active_runs).order_by(active_runs.c.started_at, active_runs.c.run_id)
    found = [ActiveRun(**row._mapping) for row in connection.execute(query)]
    return [run for run in found if not run.was_killed]


def _forget_killed(connection: sa.Connection) -> None:
    here = sa.select(active_runs).where(active_runs.c.host == socket.gethostname())
    runs = [ActiveRun(**row._mapping) for row in connection.execute(here)]
    killed = [run.run_id for run in runs if run.was_killed]
    if killed:
        connection.execute(sa.delete(active_runs).where(active_runs.c.run_id.in_(killed)))
