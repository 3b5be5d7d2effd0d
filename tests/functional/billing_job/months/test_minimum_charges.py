"""Minimum charges apply to whole periods, and to whoever is charged for usage.

An hour of a GB costs one EUR in these ledgers, so that amounts can be read as hours.
"""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from instance_images.db.accounts import accounts_by_key
from instance_images.db.billing_queue import tell
from instance_images.db.engine import Database
from instance_images.instants import HOUR
from instance_images.model.image_events import Event, Learning, Source
from instance_images_billing.audit.verify import verify_location, verify_periods
from instance_images_billing.ledger.chain import FIRST
from instance_images_billing.ledger.closed_periods import ClosedPeriod, insert_closed
from instance_images_billing.ledger.rates import write_rate
from instance_images_billing.months.close import close_period, period_digest
from instance_images_billing.months.minimums import insert_minimums
from instance_images_billing.pricing.charged import BY_LAST_RATE, MinimumCharge, last_slice
from instance_images_billing.pricing.periods import parse_period
from instance_images_billing.rates.rates import rate_with_terms

from support.worlds.ledger_world import LOCATION, World, at

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

EUR = 10**9
DECEMBER = datetime(2026, 12, 1, 0, 5, tzinfo=UTC)


def set_terms(world: World, from_hour: str = "1T00:00", **terms: object) -> None:
    """Set a rate with terms of the location's own."""
    location = replace(LOCATION, **terms)  # type: ignore[arg-type]
    rate = rate_with_terms(location, world.billing, 730 * EUR, at(from_hour), world.clock())
    with world.database.writing() as connection:
        write_rate(connection, rate)


def close(world: World, name: str = "2026-11") -> None:
    period = parse_period(name, world.billing.timezone)
    with world.database.writing() as connection:
        close_period(connection, [LOCATION.name], period, world.clock())


def minimums(world: World, account: str = "a") -> list[tuple[str, str]]:
    """Return the minimum charges of the statement, with their reasons."""
    beside = world.statement(account).sections[0].adjustments
    return [(str(one.amount), one.reason) for one in beside if one.kind == "minimum"]


def findings(world: World) -> list[str]:
    with world.database.reading() as connection:
        return [
            *verify_location(connection, LOCATION.name, world.billing.timezone),
            *verify_periods(connection),
        ]


def test_a_new_minimum_takes_effect_with_the_next_period(database: Database) -> None:
    world = World(database)
    set_terms(world)
    set_terms(world, "29T00:00", minimum_charge_nanos=5 * EUR)
    image = world.capture("28T10:00")
    world.delete("28T13:00", image)  # 3.00, before there was a minimum
    world.run(DECEMBER)

    close(world)

    assert minimums(world) == []
    assert str(world.statement().total) == "3.00"
    assert findings(world) == []


def test_a_minimum_holds_to_the_end_of_the_period(database: Database) -> None:
    world = World(database)
    set_terms(world, minimum_charge_nanos=5 * EUR)
    set_terms(world, "29T00:00")
    image = world.capture("30T10:00")
    world.run(DECEMBER, until="30T14:00")
    world.delete("30T13:00", image)
    world.run(DECEMBER)

    close(world)

    assert minimums(world) == [("2.00", "top-up to the minimum charge of 5.00 EUR")]
    assert findings(world) == []


def test_a_first_rate_within_the_period_brings_its_minimum(database: Database) -> None:
    world = World(database)
    set_terms(world, "29T00:00", minimum_charge_nanos=5 * EUR)
    world.capture("30T21:00")
    world.run(DECEMBER)

    close(world)

    assert minimums(world) == [("2.00", "top-up to the minimum charge of 5.00 EUR")]
    assert findings(world) == []


def test_no_minimum_applies_where_the_currency_changes(database: Database) -> None:
    world = World(database)
    set_terms(world, minimum_charge_nanos=5 * EUR)
    set_terms(world, "30T22:00", currency="USD", minimum_charge_nanos=7 * EUR)
    world.capture("30T20:00")
    world.run(DECEMBER)

    close(world)

    with world.database.reading() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM minimum_charges")).scalar() == 0
    assert findings(world) == []


def test_an_account_that_used_what_is_free_alone_pays_no_minimum(database: Database) -> None:
    world = World(database)
    set_terms(world, free_units=Decimal(1), minimum_charge_nanos=5 * EUR)
    small = world.capture("30T20:00", "small", "a")
    world.capture("30T20:00", "large", "b", size=2 * 10**9)
    world.run("30T23:05")
    forecast = world.statement("a").sections[0].forecast
    assert forecast is not None
    assert str(forecast.total) == "0.00"
    world.run(DECEMBER)

    close(world)

    assert minimums(world, "a") == []
    assert minimums(world, "b") == [("1.00", "top-up to the minimum charge of 5.00 EUR")]
    # What becomes known later is judged by the same rule.
    world.delete(at("30T22:00"), small, "a")
    world.run(DECEMBER + HOUR)
    assert [one.amount_nanos for one in world.adjustments("a")] == [0, 0]
    assert findings(world) == []


def test_a_correction_down_to_what_is_free_takes_the_minimum_back(database: Database) -> None:
    world = World(database)
    set_terms(world, free_units=Decimal(1), minimum_charge_nanos=5 * EUR)
    world.capture("30T20:00", "one")
    other = world.capture("30T20:00", "other")
    world.run(DECEMBER)
    close(world)
    assert minimums(world) == [("1.00", "top-up to the minimum charge of 5.00 EUR")]

    world.delete(at("30T20:00"), other)
    world.run(DECEMBER + HOUR)

    corrected = [one.amount_nanos for one in world.adjustments() if one.kind == "minimum"]
    assert corrected == [-EUR]
    assert findings(world) == []


def close_as_before(world: World, name: str, missing: dict[str, int]) -> None:
    """Close the period as revisions before 0010 did, with these minimum charges."""
    period = parse_period(name, world.billing.timezone)
    with world.database.writing() as connection:
        keys = {one.account_id: k for k, one in accounts_by_key(connection, LOCATION.name).items()}
        insert_minimums(
            connection,
            [
                MinimumCharge(keys[owner], name, last_slice(period), nanos, DECEMBER)
                for owner, nanos in missing.items()
            ],
        )
        digest = period_digest(connection, FIRST, name, period.start, period.end)
        insert_closed(
            connection,
            ClosedPeriod(
                sequence=1,
                name=name,
                starts_at=period.start,
                ends_at=period.end,
                closed_at=DECEMBER,
                digest=digest,
                minimum_rule=BY_LAST_RATE,
            ),
        )


def test_a_period_that_was_closed_before_keeps_the_rule_of_then(database: Database) -> None:
    world = World(database)
    set_terms(world)
    set_terms(world, "29T00:00", free_units=Decimal(1), minimum_charge_nanos=5 * EUR)
    image = world.capture("28T10:00", account="a")
    world.capture("30T10:00", "free", "b")
    world.delete("28T13:00", image, "a")  # 3.00
    world.run(DECEMBER)

    close_as_before(world, "2026-11", {"a": 2 * EUR, "b": 5 * EUR})

    assert minimums(world, "a") == [("2.00", "top-up to the minimum charge of 5.00 EUR")]
    assert findings(world) == []
    # A correction keeps that minimum: 1.00 was used less, and 1.00 more is missing.
    with world.database.writing() as connection:
        learning = Learning(DECEMBER, Source.HAND)
        tell(connection, image, Event.DELETED, at("28T12:00"), learning)
    world.run(DECEMBER + HOUR)
    corrections = [(one.kind, one.amount_nanos) for one in world.adjustments("a")]
    assert corrections == [("late", -EUR), ("minimum", EUR)]
    assert findings(world) == []
