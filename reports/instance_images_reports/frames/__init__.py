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

from collections.abc import Collection, Iterator
from functools import partial
from typing import TYPE_CHECKING

from instance_images.config.settings import Settings
from instance_images_reports.collect.cutoff import read_cut
from instance_images_reports.collect.image_facts import read_facts_of_accounts
from instance_images_reports.collect.sums import read_sums
from instance_images_reports.frames.columns import (
    ACCOUNTS,
    CHARGES,
    DEPLOYMENTS,
    USAGE_BY_DAY,
    amount_of,
    schema_of,
    statements_schema,
)
from instance_images_reports.frames.reading import (
    Choice,
    Periods,
    Row,
    chosen_places,
    chunks,
    opened,
)
from instance_images_reports.frames.rows import charge_rows, image_rows, usage_rows

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


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
    chosen = Choice(periods, accounts, locations, settings)
    return _pandas(chunks(chosen, usage_rows, partial(schema_of, USAGE_BY_DAY)))


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
    return _pandas(_account_chunks(Choice(periods, accounts, locations, settings)))


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


def deployments(
    *,
    accounts: Collection[str] = (),
    locations: Collection[str] = (),
    settings: Settings | None = None,
) -> "pd.DataFrame":
    """Return when each image that was not deleted became available and was last deployed.

    Only deployments made with this product are on record; ``last_deployed_at`` is missing where
    there is none.
    """
    return _pandas(_deployment_chunks(Choice((), accounts, locations, settings)))


def charges_in_chunks(
    periods: Periods,
    accounts: Collection[str] = (),
    locations: Collection[str] = (),
    settings: Settings | None = None,
) -> "Iterator[pa.Table]":
    """Yield the charges as Arrow tables of some thousand images each: memory stays flat."""
    chosen = Choice(periods, accounts, locations, settings)
    return chunks(chosen, charge_rows, partial(schema_of, CHARGES))


def images_in_chunks(
    periods: Periods,
    accounts: Collection[str] = (),
    locations: Collection[str] = (),
    settings: Settings | None = None,
) -> "Iterator[pa.Table]":
    """Yield the lines of statements as Arrow tables of some thousand images each."""
    chosen = Choice(periods, accounts, locations, settings)
    return chunks(chosen, image_rows, statements_schema)


def _deployment_chunks(choice: Choice) -> "Iterator[pa.Table]":
    with opened(choice) as (connection, _timezone, _periods):
        import pyarrow as pa

        schema = schema_of(DEPLOYMENTS)
        yield schema.empty_table()
        whose = {
            key: (each.account, location)
            for each in chosen_places(connection, choice)
            for location, key in each.keys.items()
        }
        rows: list[Row] = [
            {
                "account_id": whose[key][0].id,
                "account_name": whose[key][0].name,
                "location": whose[key][1],
                "image_id": image_id,
                "available_at": available_at,
                "last_deployed_at": deployed_at,
            }
            for key, (image_id, available_at, deployed_at) in read_facts_of_accounts(
                connection, list(whose)
            )
        ]
        yield pa.Table.from_pylist(rows, schema)


def _account_chunks(choice: Choice) -> "Iterator[pa.Table]":
    with opened(choice) as (connection, _timezone, periods):
        import pyarrow as pa

        yield schema_of(ACCOUNTS).empty_table()
        chosen = {each.account.id: each for each in chosen_places(connection, choice)}
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
                    "usage": amount_of(one.postings),
                    "adjustments": amount_of(one.adjustments),
                    "minimum_charge": amount_of(one.minimums),
                    "amount": amount_of(one.nanos),
                }
                for one in read_sums(connection, cut)
                if one.account_id in chosen and one.location in chosen[one.account_id].keys
            ]
            yield pa.Table.from_pylist(rows, schema_of(ACCOUNTS))


def _pandas(chunks: "Iterator[pa.Table]") -> "pd.DataFrame":
    tables = list(chunks)
    import pandas as pd
    import pyarrow as pa

    return pa.concat_tables(tables).to_pandas(types_mapper=pd.ArrowDtype)
