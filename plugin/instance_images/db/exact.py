"""Integers of more than 64 bits: a column type, and an exact sum.

PostgreSQL and MariaDB sum integers as exact decimals. SQLite fails beyond 64 bits, and sums texts
as floats, so it uses an aggregate in Python.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

_SQLITE_NAME = "exact_sum"


class ExactInteger(TypeDecorator[int]):
    """An integer of up to 38 digits: NUMERIC(38, 0); text on SQLite, whose NUMERIC is a float."""

    impl = sa.Numeric(38, 0)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type that keeps all digits in this database."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.String(39))
        return dialect.type_descriptor(sa.Numeric(38, 0))

    def process_bind_param(self, value: int | None, dialect: Dialect) -> object:
        """Return what the driver takes: digits for SQLite, else the integer itself."""
        return str(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: object, dialect: Dialect) -> int | None:
        """Return the integer."""
        return None if value is None else int(str(value))


class ExactSum(FunctionElement[int]):
    """The sum of a column of integers, to the last digit. It is None where there is no row."""

    type = ExactInteger()
    inherit_cache = True


@compiles(ExactSum)
def _sum(element: ExactSum, compiler: SQLCompiler, **options: Any) -> str:
    return f"sum({compiler.process(element.clauses, **options)})"


@compiles(ExactSum, "sqlite")
def _sum_on_sqlite(element: ExactSum, compiler: SQLCompiler, **options: Any) -> str:
    return f"{_SQLITE_NAME}({compiler.process(element.clauses, **options)})"


def add_exact_sum(connection: Any) -> None:
    """Make the sum known to a connection of SQLite's driver."""
    connection.create_aggregate(_SQLITE_NAME, 1, _Sum)


class _Sum:
    """The aggregate as SQLite calls it: ``step`` for each row, ``finalize`` for the result."""

    def __init__(self) -> None:
        self._total: int | None = None

    def step(self, value: str | int | None) -> None:
        """Add the value of a row."""
        if value is not None:
            self._total = (self._total or 0) + int(value)

    def finalize(self) -> str | None:
        """Return the digits, as the column type keeps them."""
        return None if self._total is None else str(self._total)
