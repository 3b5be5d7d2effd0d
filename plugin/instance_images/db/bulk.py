"""Many rows at once: inserted by COPY where the driver has it, looked up by an array of ids.

The one place that knows COPY; with other drivers, a statement is executed for many rows. Values are
converted by the types of the columns on either way, and errors are SQLAlchemy's: a row that breaks
a constraint raises IntegrityError. Functions take a connection and never commit.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
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
    converters = _converters(connection.dialect, table, names)
    if connection.dialect.driver == "psycopg":
        _copy(connection, table, names, _converted(rows, converters))
        return
    insert = sa.insert(table).inline()
    statement = insert.compile(dialect=connection.dialect, column_keys=list(names))
    positions = [names.index(name) for name in statement.positiontup or ()]
    remaining = _converted(rows, converters)
    while some := list(islice(remaining, _ROWS_AT_A_TIME)):
        given: list[Any] = (
            [dict(zip(names, row, strict=True)) for row in some]
            if statement.positiontup is None
            else [tuple(row[at] for at in positions) for row in some]
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
            for row in rows:
                copy.write_row(row)
    except driver.Error as error:
        raise exc.DBAPIError.instance(
            statement, None, error, driver.Error, dialect=connection.dialect
        ) from error


def _converted(
    rows: Iterable[Sequence[Any]], converters: Sequence[tuple[int, Callable[[Any], Any]]]
) -> Iterator[Sequence[Any]]:
    """Yield the rows with the values that the driver takes."""
    for row in rows:
        values = list(row)
        for position, convert in converters:
            values[position] = convert(values[position])
        yield values


def _converters(
    dialect: sa.Dialect, table: sa.Table, names: Sequence[str]
) -> list[tuple[int, Callable[[Any], Any]]]:
    """Return the positions of the values that their column's type converts, with the conversion."""
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for position, name in enumerate(names):
        convert = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
        if convert is not None:
            found.append((position, convert))
    return found
