"""The charges of statements as Parquet files, for data tools: Spark, Dask, DuckDB, pandas.

Owns the columns, their types and where the files lie; the page on Parquet describes them, and
they are named as in JSON. There is one data set, not one of lines and one of adjustments: what is
charged is the sum of one column, so that nobody forgets a part of it. Names are kept as they are,
because no spreadsheet opens these files. Computes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from instance_images_billing.pricing.money import NANOS_PER_UNIT, round_half_even
from instance_images_reports.presentation import Presentation
from instance_images_reports.statement.charges import ChargeLine
from instance_images_reports.statement.rounding import decimal_of
from instance_images_reports.statement.statement import Adjustment, Line, Statement

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

# Goes up when a column changes its name, type or meaning; not when one is added.
SCHEMA_VERSION = "1"
# The kind of a row that is a line; others have the kind of their adjustment.
USAGE = "usage"

# The partition of what is at no location, and of nothing where nothing was charged. Hive would
# write a null, but pandas cannot read a data set without any other partition.
_NO_LOCATION = "none"
# So many rows are held in memory, and then written as a row group for each location.
_ROWS_AT_A_TIME = 50_000

_TEXT, _COUNT, _INSTANT, _FLAG = "text", "count", "instant", "flag"
# The type of each column; a number is that of the decimals. Amounts have as many as any currency
# of ISO 4217 needs.
_COLUMNS: dict[str, str | int] = {
    "kind": _TEXT,
    "section": _TEXT,
    "account_id": _TEXT,
    "account_name": _TEXT,
    "currency": _TEXT,
    "period_state": _TEXT,
    "closed_at": _INSTANT,
    "timezone": _TEXT,
    "metered_until": _INSTANT,
    "image_id": _TEXT,
    "name": _TEXT,
    "source_instance_id": _TEXT,
    "source_instance_name": _TEXT,
    "size_bytes": _COUNT,
    "billable_from": _INSTANT,
    "billable_until": _INSTANT,
    "billable_seconds": _COUNT,
    "open": _FLAG,
    "ending": _TEXT,
    "unit": _TEXT,
    "gb_hours": 6,
    "rate": 9,
    "hours_per_month": _TEXT,
    "partial_hour": _TEXT,
    "reason": _TEXT,
    "details": _TEXT,
    "quantity": 9,
    "amount_exact": 9,
    "amount": 4,
}
_DIGITS = 38  # the most that decimal128 holds

Row = dict[str, object]


def write_parquet(
    folder: Path, statements: Iterable[Statement], presentation: Presentation, part: int
) -> None:
    """Write one file per location, in ``period=2026-11/location=RegionOne``.

    Where nothing was charged at all, there is one file with the columns and no row.
    """
    with ExitStack() as opened:
        files: dict[str, pq.ParquetWriter] = {}
        for directory, rows in _row_groups(statements):
            if directory not in files:
                path = folder / directory / f"part-{part:05}.parquet"
                files[directory] = opened.enter_context(_new_file(path))
            files[directory].write_table(_table(rows))


def _row_groups(statements: Iterable[Statement]) -> Iterator[tuple[str, list[Row]]]:
    """Yield directories with rows for a file there, any of them repeatedly."""
    waiting: defaultdict[str, list[Row]] = defaultdict(list)
    period, is_empty = None, True
    for statement in statements:
        period = statement.period.name
        for location, row in rows_of(statement):
            waiting[_directory(period, location)].append(row)
        if sum(map(len, waiting.values())) >= _ROWS_AT_A_TIME:
            yield from waiting.items()
            is_empty = False
            waiting.clear()
    if period is not None and is_empty and not waiting:
        waiting[_directory(period, "")] = []
    yield from waiting.items()


def _directory(period: str, location: str) -> str:
    """Return the directory of a partition, as Hive writes it.

    All but letters, digits and ``_.-~`` is percent-encoded: a name cannot leave the directory.
    """
    return f"period={period}/location={quote(location, safe='') or _NO_LOCATION}"


def rows_of(statement: Statement) -> Iterator[tuple[str, Row]]:
    """Yield each line and adjustment as a row, with its location."""
    for section in statement.sections:
        of_all = _of_all(statement, section.name)
        for line in section.lines:
            yield line.location, of_all | _line(line)
        for adjustment in section.adjustments:
            yield adjustment.location, of_all | _adjustment(adjustment)
    for added in statement.added:
        of_all = _of_all(statement, added.name)
        for each in added.lines:
            yield each.location, of_all | _charge(each)


def _of_all(statement: Statement, section_name: str) -> Row:
    return {
        "section": section_name,
        "account_id": statement.account.id,
        "account_name": statement.account.name,
        "currency": statement.currency,
        "period_state": statement.period_state,
        "closed_at": statement.closed_at,
        "timezone": statement.timezone,
        "metered_until": statement.metered_until,
    }


def _line(line: Line) -> Row:
    return {
        "kind": USAGE,
        "image_id": line.image_id,
        "name": line.name,
        "source_instance_id": line.source_instance_id,
        "source_instance_name": line.source_instance_name,
        "size_bytes": line.size_bytes,
        "billable_from": line.billable_from,
        "billable_until": line.billable_until,
        "billable_seconds": line.billable_seconds,
        "open": line.is_open,
        "ending": line.ending.value,
        "unit": line.unit,
        "gb_hours": line.unit_hours,
        "rate": line.rate,
        "hours_per_month": line.hours_per_month,
        "partial_hour": line.partial_hour,
        "amount_exact": line.amount_exact,
        "amount": line.amount,
    }


def _adjustment(adjustment: Adjustment) -> Row:
    """Return an adjustment in the columns of the lines, null where it has nothing to say."""
    return {
        "kind": adjustment.kind,
        "image_id": adjustment.image_id or None,
        "name": adjustment.name or None,
        "billable_from": adjustment.hour,
        "billable_until": adjustment.until,
        "reason": adjustment.reason,
        "amount_exact": adjustment.amount_exact,
        "amount": adjustment.amount,
    }


def _charge(line: ChargeLine) -> Row:
    """Return a line of a section that others added."""
    return {
        "kind": USAGE,
        "name": line.name,
        "unit": line.unit or None,
        "rate": _with_decimals(line.rate),
        "details": line.details or None,
        "quantity": _with_decimals(line.quantity),
        "amount_exact": line.amount_exact,
        "amount": line.amount,
    }


def _with_decimals(number: Decimal | None) -> Decimal | None:
    """Return the number with the nine decimals of its column, to which it is rounded."""
    if number is None:
        return None
    return decimal_of(round_half_even(Fraction(number) * NANOS_PER_UNIT), 9)


def _new_file(path: Path) -> "pq.ParquetWriter":
    import pyarrow.parquet as pq

    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    return pq.ParquetWriter(path, schema())  # texts are dictionary encoded by themselves


def _table(rows: list[Row]) -> "pa.Table":
    import pyarrow as pa

    return pa.Table.from_pylist(rows, schema())


def schema() -> "pa.Schema":
    """Return the columns of the files with their types."""
    import pyarrow as pa

    types = {
        _TEXT: pa.string(),
        _COUNT: pa.int64(),
        _INSTANT: pa.timestamp("us", tz="UTC"),
        _FLAG: pa.bool_(),
    }
    return pa.schema(
        [
            (name, types[kind] if isinstance(kind, str) else pa.decimal128(_DIGITS, kind))
            for name, kind in _COLUMNS.items()
        ],
        {
            "instance_images.dataset": "cloud-usage",
            "instance_images.schema_version": SCHEMA_VERSION,
        },
    )
