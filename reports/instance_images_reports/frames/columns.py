"""The columns of the data frames, and the types of their values in Arrow."""

from collections.abc import Mapping
from decimal import Context, Decimal
from typing import TYPE_CHECKING

from instance_images_reports.formats.parquet import schema as parquet_schema

if TYPE_CHECKING:
    import pyarrow as pa

_MAX_DIGITS = 38
_EXACT = Context(prec=_MAX_DIGITS)
_NANO_DIGITS = 9
_TEXT, _COUNT, _INSTANT, _DAY, _AMOUNT, _INTEGER = (
    "text", "count", "instant", "day", "amount", "integer",
)  # fmt: skip
CHARGES = {
    "period": _TEXT,
    "account_id": _TEXT,
    "account_name": _TEXT,
    "location": _TEXT,
    "currency": _TEXT,
    "kind": _TEXT,
    "starts_at": _INSTANT,
    "counted_at": _INSTANT,
    "image_id": _TEXT,
    "byte_seconds": _INTEGER,
    "amount": _AMOUNT,
    "reason": _TEXT,
}
USAGE_BY_DAY = {
    "period": _TEXT,
    "account_id": _TEXT,
    "account_name": _TEXT,
    "location": _TEXT,
    "day": _DAY,
    "byte_seconds": _INTEGER,
    "average_bytes": _COUNT,
}
ACCOUNTS = {
    "period": _TEXT,
    "period_state": _TEXT,
    "account_id": _TEXT,
    "account_name": _TEXT,
    "location": _TEXT,
    "currency": _TEXT,
    "usage": _AMOUNT,
    "adjustments": _AMOUNT,
    "minimum_charge": _AMOUNT,
    "amount": _AMOUNT,
}
DEPLOYMENTS = {
    "account_id": _TEXT,
    "account_name": _TEXT,
    "location": _TEXT,
    "image_id": _TEXT,
    "available_at": _INSTANT,
    "last_deployed_at": _INSTANT,
}


def schema_of(columns: Mapping[str, str]) -> "pa.Schema":
    """Return the Arrow schema of columns that are given with the kinds of their values."""
    import pyarrow as pa

    types = {
        _TEXT: pa.string(),
        _COUNT: pa.int64(),
        _INSTANT: pa.timestamp("us", tz="UTC"),
        _DAY: pa.date32(),
        _AMOUNT: pa.decimal128(_MAX_DIGITS, _NANO_DIGITS),
        _INTEGER: pa.decimal128(_MAX_DIGITS, 0),
    }
    return pa.schema([(name, types[kind]) for name, kind in columns.items()])


def statements_schema() -> "pa.Schema":
    """Return the columns of the Parquet files, with those of their folders before them."""
    import pyarrow as pa

    return pa.schema([("period", pa.string()), ("location", pa.string()), *parquet_schema()])


def amount_of(nanos: int) -> Decimal:
    """Return nanos in units of the currency, with nine decimals."""
    return Decimal(nanos).scaleb(-_NANO_DIGITS, _EXACT)


def integer_of(number: int) -> Decimal:
    """Return an integer that may have more than 64 bits."""
    return Decimal(number)
