"""Queries that are made once and executed often, with little work for each execution.

On psycopg, the text is compiled once and the driver executes it: SQLAlchemy's own work for a short
query takes longer than the server's. On other drivers SQLAlchemy executes it. Knows no table.
"""

import contextlib
import time
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from instance_images.db.connections.connecting import FRESH_SECONDS

_Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """What the driver executes, and what makes its values and rows."""

    text: str
    constants: Mapping[str, Any]
    writers: Sequence[tuple[str, _Convert]]
    readers: Sequence[tuple[int, _Convert]]
    row: Any


class FixedQuery:
    """A query whose text is always the same; the values of its parameters come with each use.

    The columns of a row are its attributes, unless ``is_named`` is False: names take time that
    counts where rows are many.
    """

    def __init__(self, query: sa.Select[Any], *, is_named: bool = True) -> None:
        self.query, self.is_named = query, is_named

    @cached_property
    def for_psycopg(self) -> _Compiled:
        """What psycopg executes."""
        dialect: Any = sa.make_url("postgresql+psycopg://").get_dialect()()
        compiled = self.query.compile(dialect=dialect)
        binds = {name: bind.type.dialect_impl(dialect) for name, bind in compiled.binds.items()}
        columns = list(self.query.selected_columns)
        kinds = [column.type.dialect_impl(dialect) for column in columns]
        writers = [(name, kind.bind_processor(dialect)) for name, kind in binds.items()]
        readers = [(n, kind.result_processor(dialect, None)) for n, kind in enumerate(kinds)]
        return _Compiled(
            text=str(compiled),
            constants=dict(compiled.params),
            writers=[(name, write) for name, write in writers if write is not None],
            readers=[(n, read) for n, read in readers if read is not None],
            row=namedtuple("Row", [column.name for column in columns]),
        )


class DriverConnection:
    """A connection of psycopg, for fixed queries alone; each is a transaction of its own."""

    def __init__(self, pooled: Any) -> None:
        """``pooled``: the connection as the pool has lent it."""
        self._pooled = pooled
        self._connection = pooled.driver_connection
        self._connection.autocommit = True
        self._cursor = self._connection.cursor()
        self.used_at = time.monotonic()

    def is_good(self, dialect: Any) -> bool:
        """Return whether it can be used: one that was used a moment ago is not asked."""
        if time.monotonic() - self.used_at < FRESH_SECONDS:
            return True
        try:
            return bool(dialect.do_ping(self._connection))
        except dialect.loaded_dbapi.Error:
            return False

    def give_back(self) -> None:
        """Give it back to the pool."""
        self._connection.autocommit = False
        self._pooled.close()

    def drop(self) -> None:
        """Close it: the pool makes another one when it needs one."""
        self._pooled.invalidate()
        self._pooled.close()

    def fetch(self, fixed: FixedQuery, values: Mapping[str, Any]) -> list[Any]:
        """Return the rows."""
        compiled = fixed.for_psycopg
        values = {**compiled.constants, **values}
        for name, write in compiled.writers:
            values[name] = write(values[name])
        self._cursor.execute(compiled.text, values)
        found: list[Any] = self._cursor.fetchall()
        if compiled.readers:
            found = [list(row) for row in found]
            for row in found:
                for n, read in compiled.readers:
                    row[n] = read(row[n])
        return [compiled.row._make(row) for row in found] if fixed.is_named else found


Asking = sa.Connection | DriverConnection


def fetch(connection: Asking, fixed: FixedQuery, values: Mapping[str, Any]) -> Sequence[Any]:
    """Return the rows of the query."""
    if isinstance(connection, DriverConnection):
        return connection.fetch(fixed, values)
    return connection.execute(fixed.query, values).all()


def can_ask_driver(url: sa.URL) -> bool:
    """Return whether the database's driver is asked for fixed queries itself."""
    return url.get_backend_name() == "postgresql" and url.get_driver_name() == "psycopg"


class DriverConnections:
    """The connections of an engine that are used for fixed queries, without SQLAlchemy around them.

    A few are not given back to the pool after their use: taking one from there and giving it back
    takes as long as a short query.
    """

    def __init__(self, engine: sa.Engine, most_kept: int) -> None:
        self._engine, self._most_kept = engine, most_kept
        self._kept: list[DriverConnection] = []
        event.listen(engine, "engine_disposed", self._drop_kept)

    @contextlib.contextmanager
    def one(self) -> Iterator[DriverConnection]:
        """Yield a connection that nobody else uses meanwhile.

        The driver's errors are raised as SQLAlchemy's. A connection that had one is not used again.
        """
        errors = self._engine.dialect.loaded_dbapi.Error
        used = None
        try:
            used = self._kept_one() or DriverConnection(self._engine.raw_connection())
            yield used
            if len(self._kept) < self._most_kept:
                used.used_at = time.monotonic()
                self._kept.append(used)
            else:
                used.give_back()
        except BaseException as error:
            if used is not None:
                used.drop()
            if isinstance(error, errors):
                raise _wrapped(error, self._engine) from error
            raise

    def _kept_one(self) -> DriverConnection | None:
        """Return a good connection of those that were kept, None if there is none."""
        try:
            found = self._kept.pop()
        except IndexError:
            return None
        if found.is_good(self._engine.dialect):
            return found
        found.drop()
        self._engine.dispose()  # the others are no better
        return None

    def _drop_kept(self, _engine: sa.Engine) -> None:
        """Close those that are kept: other threads may take some of them meanwhile."""
        with contextlib.suppress(IndexError):
            while True:
                self._kept.pop().drop()


def _wrapped(error: Exception, engine: sa.Engine) -> BaseException:
    return exc.DBAPIError.instance(
        None, None, error, engine.dialect.loaded_dbapi.Error, dialect=engine.dialect
    )
