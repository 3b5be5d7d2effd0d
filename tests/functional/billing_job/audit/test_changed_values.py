"""Whatever is changed in a row of the ledger by SQL, a verification tells it, and never fails."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from instance_images.config.settings import Settings
from instance_images.db.engine import Database
from instance_images.db.exact import ExactInteger
from instance_images.db.tables import Instant
from instance_images_billing.audit.adjust import Decision, decide
from instance_images_billing.audit.reverse import reverse
from instance_images_billing.audit.verify import verify_location, verify_periods
from instance_images_billing.config import PART
from instance_images_billing.ledger.tables import METADATA, adjustments, ledger_locks, rates
from instance_images_billing.months.close import close_period
from instance_images_billing.pricing.periods import parse_period
from instance_images_reports.proof.statements import check_statements

from support.worlds.ledger_world import LOCATION, World, at

DECEMBER = datetime(2026, 12, 1, 2, 5, tzinfo=UTC)
COLUMNS = [
    column
    for table in METADATA.sorted_tables
    if table is not ledger_locks  # its counter says nothing
    for column in table.c
]
# Values that a column can hold and that nothing contradicts: when something was written, where a
# piece of history came from, and its number.
_UNCHECKED = {
    "rates.set_at",
    "rates.minimum_nanos",  # of a rate that is not the first one of a month
    "history.learned_at",
    "history.source",
    "history.news_key",
    "history.history_key",
    "closings.closed_at",
    "closed_periods.closed_at",
    "closed_periods.sequence",
    "closed_periods.minimum_rule",
    "minimum_charges.posted_at",
    "minimum_charges.counted_at",
    "adjustments.adjustment_key",
}


@pytest.fixture
def world(database: Database) -> World:
    """A ledger with a row in each table: two rates, corrections, decisions, a closed month."""
    world = World(database, location=replace(LOCATION, minimum_charge_nanos=10**12))
    world.set_rate()
    world.clock.now = at("1T00:00")
    world.set_rate(2 * 730 * 10**9, from_hour="30T23:00")
    first = world.capture("30T20:10", "first")
    world.capture("30T20:20", "second", "b")
    world.run("30T22:05")
    world.delete("30T21:30", first)
    world.run("30T23:05")
    _decide(world, first)
    world.run(DECEMBER)
    with database.writing() as connection:
        close_period(
            connection, [LOCATION.name], parse_period("2026-11", world.billing.timezone), DECEMBER
        )
    return world


def _decide(world: World, image_id: str) -> None:
    decision = Decision(
        image_id=image_id,
        start=at("30T21:00"),
        end=at("30T22:00"),
        wanted_nanos=None,
        reason="waived",
        author="op",
    )
    with world.database.writing() as connection:
        decided = decide(
            connection, [LOCATION.name], decision, world.billing.timezone, world.clock()
        )
        reverse(
            connection=connection,
            locations=[LOCATION.name],
            entry=decided[0].adjustment_key or 0,
            reason="not waived",
            author="op",
            now=world.clock(),
        )


def verified(connection: sa.Connection, world: World) -> list[str]:
    settings = Settings(
        locations=(world.location,),
        database_connection="",
        parts={PART: world.billing},
        default_max_images=10,
    )
    return [
        *verify_location(connection, LOCATION.name, world.billing.timezone),
        *verify_periods(connection),
        *check_statements(connection, settings, [LOCATION.name]),
    ]


def _changes(column: sa.Column[Any], is_sqlite: bool) -> list[str]:
    """Return expressions of SQL for values that are wrong: unreadable ones first, then others."""
    name, kind = column.name, column.type
    if isinstance(kind, sa.Boolean):
        return ["7", f"NOT {name}"] if is_sqlite else [f"NOT {name}"]
    if isinstance(kind, ExactInteger):
        digits = f"CAST({name} AS INTEGER)" if is_sqlite else name
        garbage = ["'rubbish'", "'1.5'", "x'ff'"] if is_sqlite else []
        return [*garbage, f"{digits} + 1"]
    if isinstance(kind, Instant):
        garbage = ["'rubbish'"] if is_sqlite else []
        return [*garbage, "-1", "9223372036854775807", f"{name} + 1", f"{name} + 3153600000"]
    if isinstance(kind, sa.Integer):
        return [*(["'rubbish'", "1.5"] if is_sqlite else []), f"{name} + 1"]
    return [*(["x'ff'"] if is_sqlite else []), "'#'"]


def _change(connection: sa.Connection, column: sa.Column[Any], value: str) -> None:
    """Change the value in the first row that has one."""
    keys = [sa.type_coerce(key, _stored_type(key)) for key in column.table.primary_key.columns]
    query = sa.select(*keys).order_by(column.is_(None), *column.table.primary_key.columns)
    first = connection.execute(query).first()
    assert first is not None, column.table
    is_first = sa.and_(*(key == found for key, found in zip(keys, first, strict=True)))
    connection.execute(
        sa.update(column.table).where(is_first).values({column.name: sa.literal_column(value)})
    )


def _stored_type(column: sa.Column[Any]) -> Any:
    return sa.BigInteger() if isinstance(column.type, Instant) else column.type


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_every_value_that_is_changed_is_told(world: World) -> None:
    is_sqlite = world.database.url.get_backend_name() == "sqlite"
    untold = []
    told = 0
    with world.database.reading() as connection:
        assert verified(connection, world) == []
    for column in COLUMNS:
        for value in _changes(column, is_sqlite):
            if not is_sqlite and "+" in value:
                continue  # the same arithmetic finds it on every database
            with world.database.rehearsing() as connection:
                try:
                    _change(connection, column, value)
                except sa.exc.DBAPIError:
                    continue  # the database refuses it
                findings = verified(connection, world)
            place = f"{column.table.name}.{column.name}"
            told += bool(findings)
            if not findings and (value[0] in "'x-9" or place not in _UNCHECKED):
                untold.append(f"{place} = {value}")

    assert untold == []
    assert told > (100 if is_sqlite else 30)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_row_that_cannot_be_read_is_named(world: World) -> None:
    with world.database.rehearsing() as connection:
        _change(connection, rates.c.unit, "'EB'")
        _change(connection, adjustments.c.reason_code, "'eaten'")
        findings = verified(connection, world)

    assert any("table rates, row location 'RegionOne', from_hour" in one for one in findings)
    assert any("unit is 'EB', which cannot be read" in one for one in findings)
    assert any("reason_code is 'eaten'" in one for one in findings)
