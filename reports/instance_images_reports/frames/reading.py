"""Reads the chosen part of the ledger for the data frames, some thousand images at a time."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images.config.settings import CONFIG_FILE_VARIABLE, Settings, load_settings
from instance_images.db.engine import Database
from instance_images.errors import ConfigurationError
from instance_images.model.records import Account
from instance_images_billing.config import billing_settings
from instance_images_billing.pricing.periods import Period, days_of, parse_period
from instance_images_reports.batch.account_files import Member, batches_of
from instance_images_reports.collect.cutoff import AccountPlaces, Cut, list_places, read_cut
from instance_images_reports.collect.ledgers import read_ledgers
from instance_images_reports.statement.location_ledger import LocationLedger

if TYPE_CHECKING:
    import pyarrow as pa

Periods = str | Iterable[object]
Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Choice:
    """What to read, as the callers say it."""

    periods: Periods
    accounts: Collection[str]
    locations: Collection[str]
    settings: Settings | None


@dataclass(frozen=True, slots=True)
class Part:
    """What the ledger holds of one account in one period, at the chosen locations."""

    timezone: ZoneInfo
    cut: Cut
    account: Account
    ledgers: Sequence[LocationLedger]


@contextmanager
def opened(choice: Choice) -> Iterator[tuple[sa.Connection, ZoneInfo, list[Period]]]:
    """Open a snapshot of the ledger: all that one call reads is of one instant."""
    _require_libraries()
    settings = choice.settings or load_settings(_configured_files())
    timezone = billing_settings(settings).timezone
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


def chunks(
    choice: Choice,
    rows_of_part: Callable[[Part], Iterator[Row]],
    schema_of_rows: "Callable[[], pa.Schema]",
) -> "Iterator[pa.Table]":
    """Yield the rows of batches of accounts; the first table is empty, for its columns."""
    with opened(choice) as (connection, timezone, periods):
        import pyarrow as pa

        schema = schema_of_rows()
        yield schema.empty_table()
        members = [Member(each, {}) for each in chosen_places(connection, choice)]
        batches = batches_of(connection, members)
        for period in periods:
            cut, days = read_cut(connection, period), days_of(period, timezone)
            for batch in batches:
                places = [member.places for member in batch.members]
                rows = [
                    row
                    for account, ledgers in read_ledgers(connection, cut, days, places)
                    for row in rows_of_part(Part(timezone, cut, account, ledgers))
                ]
                yield pa.Table.from_pylist(rows, schema)


def chosen_places(connection: sa.Connection, choice: Choice) -> Iterator[AccountPlaces]:
    """Yield the chosen accounts with their chosen locations."""
    for each in list_places(connection):
        keys = {
            location: key
            for location, key in each.keys.items()
            if not choice.locations or location in choice.locations
        }
        if keys and (not choice.accounts or each.account.id in choice.accounts):
            yield AccountPlaces(each.account, keys)
