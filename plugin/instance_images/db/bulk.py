"""Many rows at once: inserted by COPY where the driver has it, looked up by an array of ids.

The one place that knows COPY; with other drivers, a statement is executed for many rows. Values are
converted by the types of the columns on either way, and errors are SQLAlchemy's: a row that breaks
a constraint raises IntegrityError. Functions take a connection and never commit.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

_ROWS_AT_A_TIME = 10_000


def insert_rows(
    connection: sa.Connection,
    table: sa.Table,
    names: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> None:
    """Insert the rows; each has a value for each of the columns ``names``, in that order.

    Columns that are left out get the default of the database.
    """
    if connection.dialect.driver == "psycopg":
        _copy(connection, table, names, rows)
        return
    insert = sa.insert(table).inline()
    statement = insert.compile(dialect=connection.dialect, column_keys=list(names))
    # Drivers take the values by name, or in the order of the statement.
    order = statement.positiontup
    for some in _converted(connection.dialect, table, names, rows, order or names):
        given: list[Any] = (
            list(some) if order else [dict(zip(names, row, strict=True)) for row in some]
        )
        connection.exec_driver_sql(str(statement), given)


def is_one_of(
    connection: sa.Connection, column: sa.ColumnElement[str], values: Sequence[str]
) -> sa.ColumnElement[bool]:
    """Return the condition that the column has one of these values.

    On PostgreSQL they are one parameter: 500 of them take driver and server four times as long.
    """
    if connection.dialect.name == "postgresql":
        # Without a length: a longer value would be cut to one that there is.
        array = sa.cast(sa.literal(_array_text(values), sa.Text), sa.ARRAY(sa.Text))
        return column == sa.any_(array)
    return column.in_(values)


def _array_text(values: Sequence[str]) -> str:
    """Return PostgreSQL's text of an array: the driver takes longer to write one."""
    text = '","'.join(values)
    if text.count('"') != 2 * max(len(values) - 1, 0) or "\\" in text:
        escaped = (one.replace("\\", "\\\\").replace('"', '\\"') for one in values)
        text = '","'.join(escaped)
    return f'{{"{text}"}}' if values else "{}"


def _copy(
    connection: sa.Connection,
    table: sa.Table,
    names: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> None:
    quote = connection.dialect.identifier_preparer.quote
    columns = ", ".join(quote(name) for name in names)
    statement = f"COPY {quote(table.name)} ({columns}) FROM STDIN"
    driver: Any = connection.dialect.loaded_dbapi
    session: Any = connection.connection.driver_connection
    try:
        with session.cursor() as cursor, cursor.copy(statement) as copy:
            for some in _converted(connection.dialect, table, names, rows, names):
                for row in some:
                    copy.write_row(row)
    except driver.Error as error:
        raise exc.DBAPIError.instance(
            statement, None, error, driver.Error, dialect=connection.dialect
        ) from error


def _converted(
    dialect: sa.Dialect,
    table: sa.Table,
    names: Sequence[str],
    rows: Iterable[Sequence[Any]],
    order: Sequence[str],
) -> Iterator[Iterable[Sequence[Any]]]:
    """Yield the rows, some at a time, with the values that the driver takes, in that order.

    Columns are converted one after the other, which is faster than row by row.
    """
    columns = [
        (names.index(name), table.c[name].type.dialect_impl(dialect).bind_processor(dialect))
        for name in order
    ]
    remaining = iter(rows)
    while some := list(islice(remaining, _ROWS_AT_A_TIME)):
        values = list(zip(*some, strict=True))
        yield zip(
            *(map(convert, values[at]) if convert else values[at] for at, convert in columns),
            strict=True,
        )
