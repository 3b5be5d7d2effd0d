"""Integers of more than 64 bits: a column type, and an exact sum.

PostgreSQL and MariaDB sum integers as exact decimals. SQLite fails beyond 64 bits, and sums texts
as floats. So there the halves of each integer are summed, and by Python what is beyond 64 bits.
"""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

_BEYOND, _TOGETHER = "sum_beyond_64_bits", "exact_sum_of_parts"
_HALF_BITS = 32
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1
_FITTING_LENGTH = 18  # each integer of so many characters has 64 bits


class ExactInteger(TypeDecorator[int]):
    """An integer of up to 38 digits: NUMERIC(38, 0); text on SQLite, whose NUMERIC is a float."""

    impl = sa.Numeric(38, 0)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type that keeps all digits in this database."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.String(39))
        return dialect.type_descriptor(sa.Numeric(38, 0))

    def bind_processor(self, dialect: Dialect) -> Any:
        """Return what makes digits of an integer for SQLite, None where the driver takes it."""
        return _digits if dialect.name == "sqlite" else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Return what makes an integer of what the driver has read, None of NULL."""
        return _integer


def _digits(value: int | None) -> str | None:
    return None if value is None else str(value)


def _integer(value: str | int | Decimal | None) -> int | None:
    return None if value is None else int(value)


class ExactSum(FunctionElement[int]):
    """The sum of a column of integers, to the last digit. It is None where there is no row."""

    type = ExactInteger()
    inherit_cache = True


@compiles(ExactSum)
def _sum(element: ExactSum, compiler: SQLCompiler, **options: Any) -> str:
    return f"sum({compiler.process(element.clauses, **options)})"


@compiles(ExactSum, "sqlite")
def _sum_on_sqlite(element: ExactSum, compiler: SQLCompiler, **options: Any) -> str:
    """Return the sum of parts: no sum of halves is beyond 64 bits before 2**31 rows.

    A cast takes what is beyond 64 bits as the nearest integer of 64 bits.
    """
    value = compiler.process(element.clauses, **options)
    nearest = f"CAST({value} AS INTEGER)"
    return (
        f"{_TOGETHER}(sum({nearest} >> {_HALF_BITS}), sum({nearest} & {2**_HALF_BITS - 1}),"
        f" {_BEYOND}({value}) FILTER (WHERE length({value}) > {_FITTING_LENGTH}))"
    )


def add_exact_sum(connection: Any) -> None:
    """Make the sum known to a connection of SQLite's driver."""
    connection.create_aggregate(_BEYOND, 1, _SumBeyond)
    connection.create_function(_TOGETHER, 3, _together, deterministic=True)


class _SumBeyond:
    """The aggregate as SQLite calls it: ``step`` for each row, ``finalize`` for the result."""

    def __init__(self) -> None:
        self._total = 0

    def step(self, value: str | int | None) -> None:
        """Add how far the value of a row is beyond 64 bits."""
        if value is not None:
            exact = int(value)
            self._total += exact - max(_LOWEST, min(exact, _HIGHEST))

    def finalize(self) -> str:
        """Return the digits."""
        return str(self._total)


def _together(high: int | None, low: int | None, beyond: str | None) -> str | None:
    """Return the digits of the sum, as the column type keeps them; None where there is no row."""
    if high is None or low is None:
        return None
    return str((high << _HALF_BITS) + low + int(beyond or 0))
