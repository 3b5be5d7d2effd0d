"""Makes SQLite usable below a threaded OpenStack service.

oslo.db begins every SQLite transaction with a plain (deferred) BEGIN. A transaction that reads
first and writes later then fails at once with "database is locked" when anybody else has written
in between (SQLITE_BUSY_SNAPSHOT; no busy timeout applies). So what oslo.db calls a writer begins
with BEGIN IMMEDIATE, which waits its turn. Readers keep their plain BEGIN and, the file being in
WAL mode, neither wait nor make anybody wait.

oslo.db gives way to other green threads whenever a connection is given back; ours are real ones,
and the system call costs as much as many a query.

A SQLAlchemy engine plug-in, asked for by ``?plugin=immediate`` in a database's URL.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from oslo_db.sqlalchemy import enginefacade, engines
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.dialects import plugins
from sqlalchemy.engine import CreateEnginePlugin
from sqlalchemy.pool import QueuePool

_thread = threading.local()


class Plugin(CreateEnginePlugin):
    """Begins the transactions of an engine, and keeps its connections."""

    def __init__(self, url: URL, kwargs: dict[str, Any]) -> None:
        super().__init__(url, kwargs)
        kwargs |= {"poolclass": QueuePool, "pool_size": 20, "max_overflow": -1}

    def update_url(self, url: URL) -> URL:
        return url.difference_update_query(["plugin"])

    def engine_created(self, engine: Engine) -> None:
        @event.listens_for(engine, "begin")  # runs before oslo.db's own
        def begin(connection: Connection) -> None:
            if "in_transaction" not in connection.info:
                blocks = getattr(_thread, "blocks", None)
                writes = blocks and blocks[-1].mode is enginefacade._WRITER
                connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
                connection.info["in_transaction"] = True


def register() -> None:
    """Make the plug-in known, and have it told which of oslo.db's blocks a thread is in."""
    plugins.register("immediate", __name__, "Plugin")
    engines._thread_yield = lambda *_: None
    cls = enginefacade._TransactionContext
    produce_block = cls._produce_block

    @contextlib.contextmanager
    def noted_block(self: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        # self.mode is the outermost block's: a reader within a writer is a writer
        blocks = _thread.__dict__.setdefault("blocks", [])
        blocks.append(self)
        try:
            with produce_block(self, *args, **kwargs) as resource:
                yield resource
        finally:
            blocks.pop()

    cls._produce_block = noted_block


def use_wal(database: Path) -> None:
    """Put a database into WAL mode, which is a property of its file."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
