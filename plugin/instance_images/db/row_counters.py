"""Reads and raises the row counters of databases, so that no number is used twice.

A counter may be ahead of its table if rows were deleted; references in other tables count as well.
A column with the numbers of another table's rows says so in its ``info``.
"""

from collections.abc import Sequence

import sqlalchemy as sa

NUMBERS_OF = "numbers_of"  # the key in a column's info; its value is the other table's name
_MYSQL = ("mysql", "mariadb")


def last_numbers(connection: sa.Connection, tables: Sequence[sa.Table]) -> dict[str, int]:
    """Return the highest known number of each numbered table."""
    numbers = {}
    for table in tables:
        if (column := _numbered(table)) is not None:
            used = [column, *_references(tables, table.name)]
            numbers[table.name] = max(
                _counter(connection, table.name, column.name),
                *(connection.execute(sa.select(sa.func.max(one))).scalar() or 0 for one in used),
            )
    return numbers


def raise_number_of_empty_table(connection: sa.Connection, table: str, number: int) -> None:
    """Raise the counter of MariaDB, which commits at once; others are raised with the rows."""
    if connection.dialect.name in _MYSQL:
        connection.exec_driver_sql(f"ALTER TABLE {table} AUTO_INCREMENT = {number + 1}")


def raise_number(connection: sa.Connection, table: sa.Table, number: int) -> None:
    """Make the next row of the filled table get a higher number."""
    column = _numbered(table)
    assert column is not None
    values = {"name": table.name, "number": number}
    if connection.dialect.name == "postgresql" and number:
        sequence = _sequence(connection, table.name, column.name)
        connection.execute(
            sa.text("SELECT setval(CAST(:name AS regclass), :number)"), values | {"name": sequence}
        )
    elif connection.dialect.name == "sqlite" and table.dialect_options["sqlite"]["autoincrement"]:
        changed = connection.execute(
            sa.text("UPDATE sqlite_sequence SET seq = max(seq, :number) WHERE name = :name"), values
        )
        if not changed.rowcount:
            connection.execute(
                sa.text("INSERT INTO sqlite_sequence VALUES (:name, :number)"), values
            )


def _numbered(table: sa.Table) -> sa.Column[int] | None:
    return table.autoincrement_column


def _references(tables: Sequence[sa.Table], name: str) -> list[sa.Column[int]]:
    return [
        column
        for table in tables
        for column in table.columns
        if column.info.get(NUMBERS_OF) == name
    ]


def _counter(connection: sa.Connection, table: str, column: str) -> int:
    """Return the counter of the database."""
    values = {"name": table}
    match connection.dialect.name:
        case "sqlite":
            query = "SELECT seq FROM sqlite_sequence WHERE name = :name"
        case "postgresql":
            sequence = _sequence(connection, table, column)
            query = f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}"  # noqa: S608
            values = {}
        case _:
            query = (
                "SELECT auto_increment - 1 FROM information_schema.tables"
                " WHERE table_schema = database() AND table_name = :name"
            )
    return int(connection.execute(sa.text(query), values).scalar() or 0)


def _sequence(connection: sa.Connection, table: str, column: str) -> str:
    query = sa.text("SELECT pg_get_serial_sequence(:table, :column)")
    found = connection.execute(query, {"table": table, "column": column}).scalar_one()
    return str(found)
