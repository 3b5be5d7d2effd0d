"""The ledger as pandas data frames, for analysts.

    from instance_images_reports import frames
    frames.charges("2026-11").groupby(["account_name", "location"])["amount"].sum()

Every function reads the database that the configuration names; ``INSTANCE_IMAGES_CONFIG_FILE``
names the file, as for the commands. ``periods`` is a name such as ``2026-11``, or several: also a
``pandas.period_range``. ``accounts`` (ids) and ``locations`` (names) choose; without them, all are
read. Instants are in UTC. Amounts are exact decimals in the unit of the currency in the same row;
amounts of different currencies are never to be added up. The extra ``frames`` has what is needed.

Owns the columns, which are a contract: columns are added, never renamed.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images.config.settings import CONFIG_FILE_VARIABLE, Settings, load_settings
from instance_images.db.engine import Database
from instance_images.errors import ConfigurationError
from instance_images.model.records import Account
from instance_images_billing.pricing.periods import Period, days_of, parse_period
from instance_images_billing.pricing.rating import rate_at
from instance_images_reports.batch.account_files import Member, batches_of
from instance_images_reports.collect.account import currencies_of, state_in
from instance_images_reports.collect.cut import AccountPlaces, Cut, list_places, read_cut
from instance_images_reports.collect.ledgers import read_ledgers
from instance_images_reports.collect.sums import read_sums
from instance_images_reports.formats.parquet import rows_of
from instance_images_reports.formats.parquet import schema as statement_schema
from instance_images_reports.statement.location_ledger import LocationLedger

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

USAGE = "usage"  # the kind of a posting, beside the kinds of adjustments
MINIMUM = "minimum"

Periods = str | Iterable[object]
Row = dict[str, object]

_MAX_DIGITS = 38
_EXACT = Context(prec=_MAX_DIGITS)
_NANO_DIGITS = 9
_TEXT, _COUNT, _INSTANT, _DAY, _AMOUNT, _INTEGER = (
    "text", "count", "instant", "day", "amount", "integer",
)  # fmt: skip
_CHARGES = {
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
_USAGE = {
    "period": _TEXT,
    "account_id": _TEXT,
    "account_name": _TEXT,
    "location": _TEXT,
    "day": _DAY,
    "byte_seconds": _INTEGER,
    "average_bytes": _COUNT,
}
_STATEMENTS = None  # the columns of the Parquet files
_ACCOUNTS = {
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


def charges(
    periods: Periods,
    *,
    accounts: Collection[str] = (),
    locations: Collection[str] = (),
    settings: Settings | None = None,
) -> "pd.DataFrame":
    """Return all charges: a row for the usage of each day, and one for each row beside it.

    ``kind`` is ``usage``; ``late`` or ``hand`` for an adjustment; ``minimum`` for what reaches the
    minimum charge. ``starts_at`` is when the usage began, or the hour that is corrected;
    ``counted_at`` lies in the period that the row is counted in. ``byte_seconds`` are bytes times
    seconds. The sum of ``amount`` equals the ledger's, to the nano.

    Raises UsageError for what is no period, ConfigurationError.
    """
    return _pandas(charges_in_chunks(periods, accounts, locations, settings))


def usage(
    periods: Periods,
    *,
    accounts: Collection[str] = (),
    locations: Collection[str] = (),
    settings: Settings | None = None,
) -> "pd.DataFrame":
    """Return what was stored on each local day of the billing time zone, adjustments left out.

    ``byte_seconds`` are exact. ``average_bytes`` is that by the seconds of the day, rounded down.
    """
    chosen = _Choice(periods, accounts, locations, settings)
    return _pandas(_chunks(chosen, _usage_rows, _USAGE))


def accounts(
    periods: Periods,
    *,
    accounts: Collection[str] = (),
    locations: Collection[str] = (),
    settings: Settings | None = None,
) -> "pd.DataFrame":
    """Return what each account is charged in each period, by location and currency.

    The database adds up; ``amount`` is the sum of the three before it. Nothing is rounded.
    """
    return _pandas(_account_chunks(_Choice(periods, accounts, locations, settings)))


def images(
    periods: Periods,
    *,
    accounts: Collection[str] = (),
    locations: Collection[str] = (),
    settings: Settings | None = None,
) -> "pd.DataFrame":
    """Return the lines and adjustments of all statements: the columns of the Parquet files.

    ``period`` and ``location`` are the first two columns. Without all locations of an account, its
    lines are rounded as if the others had none. ``amount`` adds up to the rounded totals
    of the statements; ``amount_exact`` is each line's own, rounded to a nano.
    """
    return _pandas(images_in_chunks(periods, accounts, locations, settings))


def charges_in_chunks(
    periods: Periods,
    accounts: Collection[str] = (),
    locations: Collection[str] = (),
    settings: Settings | None = None,
) -> "Iterator[pa.Table]":
    """Yield the charges as Arrow tables of some thousand images each: memory stays flat."""
    chosen = _Choice(periods, accounts, locations, settings)
    return _chunks(chosen, _charge_rows, _CHARGES)


def images_in_chunks(
    periods: Periods,
    accounts: Collection[str] = (),
    locations: Collection[str] = (),
    settings: Settings | None = None,
) -> "Iterator[pa.Table]":
    """Yield the lines of statements as Arrow tables of some thousand images each."""
    chosen = _Choice(periods, accounts, locations, settings)
    return _chunks(chosen, _image_rows, _STATEMENTS)


# ------------------------------------------------------------------------- the ledger


@dataclass(frozen=True, slots=True)
class _Choice:
    """What to read, as the callers say it."""

    periods: Periods
    accounts: Collection[str]
    locations: Collection[str]
    settings: Settings | None


@dataclass(frozen=True, slots=True)
class _Part:
    """What the ledger holds of one account in one period, at the chosen locations."""

    timezone: ZoneInfo
    cut: Cut
    account: Account
    ledgers: Sequence[LocationLedger]


@contextmanager
def _opened(choice: _Choice) -> Iterator[tuple[sa.Connection, ZoneInfo, list[Period]]]:
    """Open a snapshot of the ledger: all that one call reads is of one instant."""
    _require_libraries()
    settings = choice.settings or load_settings(_configured_files())
    timezone = settings.billing.timezone
    names = [choice.periods] if isinstance(choice.periods, str) else map(str, choice.periods)
    periods = [parse_period(name, timezone) for name in names]
    database = Database(settings.database_connection)
    try:
        with database.snapshot() as connection:
            yield connection, timezone, periods
    finally:
        database.engine.dispose()


def _require_libraries() -> None:
    missing = [name for name in ("pandas", "pyarrow") if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"Data frames need {' and '.join(missing)}: install instance-images[frames]."
        )


def _configured_files() -> list[Path]:
    named = os.environ.get(CONFIG_FILE_VARIABLE, "")
    return [Path(path) for path in named.split(os.pathsep) if path]


def _chunks(
    choice: _Choice,
    rows_of_part: Callable[[_Part], Iterator[Row]],
    columns: Mapping[str, str] | None,
) -> "Iterator[pa.Table]":
    """Yield the rows of batches of accounts; the first table is empty, for its columns."""
    with _opened(choice) as (connection, timezone, periods):
        import pyarrow as pa

        schema = _statements_schema() if columns is None else _schema(columns)
        yield schema.empty_table()
        members = [Member(each, {}) for each in _places(connection, choice)]
        batches = batches_of(connection, members)
        for period in periods:
            cut, days = read_cut(connection, period), days_of(period, timezone)
            for batch in batches:
                places = [member.places for member in batch.members]
                rows = [
                    row
                    for account, ledgers in read_ledgers(connection, cut, days, places)
                    for row in rows_of_part(_Part(timezone, cut, account, ledgers))
                ]
                yield pa.Table.from_pylist(rows, schema)


def _places(connection: sa.Connection, choice: _Choice) -> Iterator[AccountPlaces]:
    for each in list_places(connection):
        keys = {
            location: key
            for location, key in each.keys.items()
            if not choice.locations or location in choice.locations
        }
        if keys and (not choice.accounts or each.account.id in choice.accounts):
            yield AccountPlaces(each.account, keys)


# --------------------------------------------------------------------------- rows


def _charge_rows(part: _Part) -> Iterator[Row]:
    for ledger in part.ledgers:
        of_all = _of_all(part, ledger)
        for posting in ledger.postings:
            yield {
                **of_all,
                "currency": _currency(ledger, posting.starts_at),
                "kind": USAGE,
                "starts_at": posting.starts_at,
                "counted_at": posting.starts_at,
                "byte_seconds": _integer(posting.byte_seconds),
                "amount": _amount(posting.amount_nanos),
            }
        for one in ledger.adjustments:
            yield {
                **of_all,
                "currency": _currency(ledger, one.corrects_at),
                "kind": one.kind,
                "starts_at": one.corrects_at,
                "counted_at": one.counted_at,
                "image_id": one.image_id or None,
                "byte_seconds": _integer(one.byte_seconds),
                "amount": _amount(one.amount_nanos),
                "reason": one.reason,
            }
        for minimum in ledger.minimums:
            yield {
                **of_all,
                "currency": _currency(ledger, minimum.counted_at),
                "kind": MINIMUM,
                "starts_at": minimum.counted_at,
                "counted_at": minimum.counted_at,
                "amount": _amount(minimum.amount_nanos),
            }


def _usage_rows(part: _Part) -> Iterator[Row]:
    for ledger in part.ledgers:
        for day in days_of(part.cut.period, part.timezone):
            stored = sum(
                posting.byte_seconds
                for posting in ledger.postings
                if day.start <= posting.starts_at < day.end
            )
            if stored:
                seconds = int((day.end - day.start).total_seconds())
                yield {
                    **_of_all(part, ledger),
                    "day": day.date,
                    "byte_seconds": _integer(stored),
                    "average_bytes": stored // seconds,
                }


def _image_rows(part: _Part) -> Iterator[Row]:
    for currency in currencies_of(part.ledgers):
        stated = state_in(
            timezone=part.timezone,
            cut=part.cut,
            account=part.account,
            currency=currency,
            ledgers=part.ledgers,
        )
        for location, row in rows_of(stated.statement):
            yield {"period": part.cut.period.name, "location": location or None, **row}


def _account_chunks(choice: _Choice) -> "Iterator[pa.Table]":
    with _opened(choice) as (connection, _timezone, periods):
        import pyarrow as pa

        yield _schema(_ACCOUNTS).empty_table()
        chosen = {each.account.id: each for each in _places(connection, choice)}
        for period in periods:
            cut = read_cut(connection, period)
            rows: list[Row] = [
                {
                    "period": period.name,
                    "period_state": cut.period_state,
                    "account_id": one.account_id,
                    "account_name": chosen[one.account_id].account.name,
                    "location": one.location,
                    "currency": one.currency or None,
                    "usage": _amount(one.postings),
                    "adjustments": _amount(one.adjustments),
                    "minimum_charge": _amount(one.minimums),
                    "amount": _amount(one.nanos),
                }
                for one in read_sums(connection, cut)
                if one.account_id in chosen and one.location in chosen[one.account_id].keys
            ]
            yield pa.Table.from_pylist(rows, _schema(_ACCOUNTS))


def _of_all(part: _Part, ledger: LocationLedger) -> Row:
    return {
        "period": part.cut.period.name,
        "account_id": part.account.id,
        "account_name": part.account.name,
        "location": ledger.location,
    }


def _currency(ledger: LocationLedger, instant: datetime) -> str | None:
    rate = rate_at(ledger.rates, instant)
    return None if rate is None else rate.currency


def _amount(nanos: int) -> Decimal:
    return Decimal(nanos).scaleb(-_NANO_DIGITS, _EXACT)


def _integer(number: int) -> Decimal:
    """Return an integer that may have more than 64 bits."""
    return Decimal(number)


# --------------------------------------------------------------------------- frames


def _schema(columns: Mapping[str, str]) -> "pa.Schema":
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


def _statements_schema() -> "pa.Schema":
    import pyarrow as pa

    return pa.schema([("period", pa.string()), ("location", pa.string()), *statement_schema()])


def _pandas(chunks: "Iterator[pa.Table]") -> "pd.DataFrame":
    tables = list(chunks)
    import pandas as pd
    import pyarrow as pa

    return pa.concat_tables(tables).to_pandas(types_mapper=pd.ArrowDtype)
