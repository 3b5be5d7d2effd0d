"""Queries that are made once and executed often, with little work for each execution.

On psycopg, the text is compiled once and the driver executes it: SQLAlchemy's own work for a short
query takes longer than the server's. On other drivers SQLAlchemy executes it. Knows no table.
"""

import contextlib
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

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
    """A query whose text is always the same; the values of its parameters come with each use."""

    def __init__(self, query: sa.Select[Any]) -> None:
        self.query = query

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

    def __init__(self, connection: Any) -> None:
        self._cursor = connection.cursor()

    def fetch(self, fixed: FixedQuery, values: Mapping[str, Any]) -> list[Any]:
        """Return the rows."""
        compiled = fixed.for_psycopg
        values = {**compiled.constants, **values}
        for name, write in compiled.writers:
            values[name] = write(values[name])
        self._cursor.execute(compiled.text, values)
        made = compiled.row._make
        if not compiled.readers:
            return list(map(made, self._cursor.fetchall()))
        rows = []
        for found in self._cursor.fetchall():
            row = list(found)
            for n, read in compiled.readers:
                row[n] = read(row[n])
            rows.append(made(row))
        return rows


Asking = sa.Connection | DriverConnection


def fetch(connection: Asking, fixed: FixedQuery, values: Mapping[str, Any]) -> Sequence[Any]:
    """Return the rows of the query, whose columns are their attributes."""
    if isinstance(connection, DriverConnection):
        return connection.fetch(fixed, values)
    return connection.execute(fixed.query, values).all()


def can_ask_driver(url: sa.URL) -> bool:
    """Return whether the database's driver is asked for fixed queries itself."""
    return url.get_backend_name() == "postgresql" and url.get_driver_name() == "psycopg"


@contextlib.contextmanager
def driver_connection(engine: sa.Engine) -> Iterator[DriverConnection]:
    """Yield a connection of the engine's pool without SQLAlchemy around it.

    The driver's errors are raised as SQLAlchemy's. A connection that had one is not used again.
    """
    errors = engine.dialect.loaded_dbapi.Error
    try:
        pooled = engine.raw_connection()
    except errors as error:
        raise _wrapped(error, engine) from error
    try:
        connection: Any = pooled.driver_connection
        connection.autocommit = True
        yield DriverConnection(connection)
        connection.autocommit = False
    except BaseException as error:
        pooled.invalidate()
        if isinstance(error, errors):
            raise _wrapped(error, engine) from error
        raise
    finally:
        pooled.close()


def _wrapped(error: Exception, engine: sa.Engine) -> BaseException:
    return exc.DBAPIError.instance(
        None, None, error, engine.dialect.loaded_dbapi.Error, dialect=engine.dialect
    )
