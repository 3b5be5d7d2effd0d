"""Moves a whole ledger into another database, of any kind, as it is: rows, keys and numbering.

It is one transaction of the target: the rows are read back and compared before the commit. The
source is locked against writes and read as of one instant. It copies the tables of all installed
parts, with rows as stored, so that no digest changes.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from instance_images.db import runs, schema
from instance_images.db.bulk import insert_rows
from instance_images.db.engine import Database
from instance_images.db.row_counters import (
    last_numbers,
    raise_number,
    raise_number_of_empty_table,
)
from instance_images.db.tables import Instant, Journal, Name, Words
from instance_images.errors import Refused
from instance_images.names import recorded_name, storable_text

PATIENCE_SECONDS = 5
_ROWS_AT_A_TIME = 5_000
_LOCKED = ("database is locked", "55P03", "(1205,")


@dataclass(frozen=True, slots=True)
class Sum:
    """The number of rows of a table, and a digest of them that does not depend on their order."""

    rows: int = 0
    digest: int = 0

    def with_rows(self, rows: Sequence[tuple[Any, ...]]) -> "Sum":
        """Return the sum including these rows."""
        digest = self.digest
        for row in rows:
            digest += int.from_bytes(hashlib.sha256(repr(row).encode()).digest())
        return Sum(self.rows + len(rows), digest % 2**256)


def copy_ledger(
    source: Database,
    target: Database,
    *,
    ignore_runs: bool = False,
    tell: Callable[[str, int], object] = lambda _table, _rows: None,
) -> dict[str, int]:
    """Copy all rows into the empty target and return how many each table has; ``source`` stays.

    ``tell`` is called with each table that has been copied. A target without tables gets them.
    Raises Refused, with no row written, while a run is active or something writes in the source, if
    the target has rows or tables of another version, or if it stores rows differently.
    """
    _require_other(source, target)
    _require_versions(source, target)
    tables = [table for table in schema.tables() if not table.info.get("is_transient")]
    with _still(source, tables) as reading:
        _require_no_runs(source, reading, ignore_runs)
        numbers = last_numbers(reading, tables)
        with target.writing() as writing:
            _require_no_runs(target, writing, ignore_runs)
            _require_empty(target, writing, tables)
            for name, number in numbers.items():
                raise_number_of_empty_table(writing, name, number)
        with target.writing() as writing:
            _require_empty(target, writing, tables)
            sums = {}
            for table in tables:
                sums[table.name] = _copy(source, reading, target, writing, table)
                tell(table.name, sums[table.name].rows)
            for table in tables:
                if table.name in numbers:
                    raise_number(writing, table, numbers[table.name])
                _require_same(target, table, sums[table.name], _sum(writing, table))
    return {name: one.rows for name, one in sums.items()}


# ------------------------------------------------------------------------------- rows


def _copy(
    source: Database,
    reading: sa.Connection,
    target: Database,
    writing: sa.Connection,
    table: sa.Table,
) -> Sum:
    plain = _plain(table)
    names = [column.name for column in plain.columns]
    total = Sum()
    for rows in _read(source, reading, table, plain):
        total = total.with_rows(rows)
        try:
            insert_rows(writing, plain, names, rows)
        except (exc.DataError, exc.IntegrityError) as error:
            raise Refused(
                f"{target.shown_url} rejected a row of table {table.name}:"
                f" {str(error.orig).strip().splitlines()[0]}. Nothing was copied."
            ) from error
    return total


def _sum(connection: sa.Connection, table: sa.Table) -> Sum:
    total = Sum()
    for rows in _partitions(connection, table, _plain(table)):
        total = total.with_rows(rows)
    return total


def _read(
    source: Database, connection: sa.Connection, table: sa.Table, plain: sa.Table
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of the source, and tell its errors as its own."""
    with source.translated():
        yield from _partitions(connection, table, plain)


def _partitions(
    connection: sa.Connection, table: sa.Table, plain: sa.Table
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows by key, in batches; names are changed to what every database can store."""
    cleaners = [
        (position, recorded_name if isinstance(column.type, Name) else storable_text)
        for position, column in enumerate(table.columns)
        if isinstance(column.type, Name | Words)
    ]
    query = sa.select(plain).order_by(*(plain.c[key.name] for key in table.primary_key))
    result = connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME))
    for rows in result.partitions():
        yield [_cleaned(tuple(row), cleaners) for row in rows]


def _cleaned(
    row: tuple[Any, ...], cleaners: Sequence[tuple[int, Callable[[str], str]]]
) -> tuple[Any, ...]:
    for position, clean in cleaners:
        value = row[position]
        if value is not None and (cleaned := clean(value)) != value:
            row = (*row[:position], cleaned, *row[position + 1 :])
    return row


def _plain(table: sa.Table) -> sa.Table:
    """Return the table with the stored types: values are not decoded."""
    return sa.Table(
        table.name,
        sa.MetaData(),
        *(sa.Column(column.name, _plain_type(column.type)) for column in table.columns),
    )


def _plain_type(kind: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    if isinstance(kind, Instant):
        return sa.BigInteger()
    return sa.Text() if isinstance(kind, Journal | Name | Words) else kind


# ------------------------------------------------------------------------ what is required


def _require_other(source: Database, target: Database) -> None:
    """Refuse a target that is the source; one that only has another name is not empty either."""
    if source.url == target.url:
        raise Refused(f"{target.shown_url} is the same database. Nothing was copied.")


def _require_versions(source: Database, target: Database) -> None:
    head = schema.head_revision()
    current = schema.current_revision(source)
    if current != head:
        raise Refused(
            f"{source.shown_url} is at revision {current or 'none'}, and this version needs {head}:"
            " run 'instance-images db upgrade' first. Nothing was copied."
        )
    found = schema.current_revision(target) if schema.exists(target) else None
    if found is None:
        schema.upgrade(target)
    elif found != head:
        raise Refused(
            f"{target.shown_url} is at revision {found}, and this version needs {head}: name an"
            " empty database. Nothing was copied."
        )


def _require_no_runs(database: Database, connection: sa.Connection, ignore_runs: bool) -> None:
    active = [] if ignore_runs else runs.active(connection)
    if active:
        raise Refused(
            f"A run is active in {database.shown_url}: {active[0].text}. Stop the timer, wait"
            " until the run has ended, and try again. If it was killed, the next 'meter run' on"
            " that host clears it; if the host is gone, add --ignore-runs. Nothing was copied."
        )


def _require_empty(database: Database, connection: sa.Connection, tables: list[sa.Table]) -> None:
    for table in tables:
        if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
            raise Refused(
                f"{database.shown_url} is not empty: table {table.name} has rows. Name an empty"
                " database. Nothing was copied."
            )


def _require_same(target: Database, table: sa.Table, read: Sum, written: Sum) -> None:
    if read != written:
        raise Refused(
            f"{target.shown_url} stored table {table.name} differently: {read.rows} rows were"
            f" read and {written.rows} written, or their digests differ. Nothing was copied."
        )


@contextlib.contextmanager
def _still(source: Database, tables: list[sa.Table]) -> Iterator[sa.Connection]:
    """Yield a connection that reads the source as it is at one instant; nobody writes meanwhile."""
    kind = source.url.get_backend_name()
    with source.translated(), contextlib.ExitStack() as stack:
        connection = stack.enter_context(source.engine.connect())
        try:
            if kind == "sqlite":
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {PATIENCE_SECONDS * 1000}")
                connection.rollback()
                connection = connection.execution_options(writes=True)
            else:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            names = ", ".join(table.name for table in tables)
            if kind in ("mysql", "mariadb"):
                guard = stack.enter_context(source.engine.connect())
                stack.callback(guard.invalidate)  # its locks end with it
                guard.exec_driver_sql(f"SET SESSION lock_wait_timeout = {PATIENCE_SECONDS}")
                guard.exec_driver_sql(f"LOCK TABLES {names.replace(',', ' READ,')} READ")
            stack.enter_context(connection.begin())
            if kind == "postgresql":
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE_SECONDS}s'")
                connection.exec_driver_sql(f"LOCK TABLE {names} IN SHARE MODE")
        except exc.OperationalError as error:
            fault = f"{getattr(error.orig, 'sqlstate', '')} {error.orig}"
            if any(one in fault for one in _LOCKED):
                raise Refused(
                    f"Another process is writing to {source.shown_url}: stop the timer and other"
                    " commands, and try again. Nothing was copied."
                ) from error
            raise
        yield connection
