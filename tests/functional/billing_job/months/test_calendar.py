"""Months and hours of every kind add up: clock changes, leap days, odd offsets, long outages.

A GB costs one EUR for an hour in these ledgers, unless a month is counted by its real hours.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from instance_images.db.engine import Database
from instance_images.db.schema import upgrade
from instance_images.errors import CloudUnavailable, ConfigurationError, Refused
from instance_images_billing.audit.verify import verify_location
from instance_images_billing.months.close import close_period
from instance_images_billing.pricing.money import round_half_even
from instance_images_billing.pricing.periods import parse_period
from instance_images_reports.collect.cutoff import read_cut

from support.worlds.ledger_oracle import ImageLife, Terms, expected
from support.worlds.ledger_world import GB, LOCATION, World

EUR = 10**9
PRICE = 730 * EUR


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Database]:
    """A ledger on SQLite: what is computed here is computed in Python on every database."""
    database = new_ledger(tmp_path / "ledger.db")
    yield database
    database.engine.dispose()


def new_ledger(path: Path) -> Database:
    """Make a ledger that does not wait for the disk: these months have many hours."""
    database = Database(f"sqlite:///{path}")
    sa.event.listen(
        database.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous = OFF")
    )
    upgrade(database)
    return database


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "month", "hours"),
    [
        ("Europe/Berlin", "2026-03", Fraction(743)),  # the night of the 29th has no 02:00
        ("Europe/Berlin", "2026-10", Fraction(745)),  # that of the 25th has it twice
        ("America/St_Johns", "2026-03", Fraction(743)),  # -03:30, and -02:30 in summer
        ("Asia/Kathmandu", "2026-12", Fraction(744)),  # +05:45
        ("UTC", "2028-02", Fraction(696)),  # a leap year
    ],
)
def test_a_gigabyte_for_a_whole_month_costs_its_price_however_long_the_month(
    ledger: Database, zone: str, month: str, hours: Fraction
) -> None:
    world = World(ledger).with_terms(timezone=ZoneInfo(zone), hours_per_month="calendar")
    period = parse_period(month, world.billing.timezone)
    begin = period.start.replace(minute=0) - timedelta(hours=2)
    world.clock.now = begin
    world.set_rate(PRICE, begin)
    world.capture(begin)

    world.run(period.end + timedelta(hours=3))

    posted = [p for p in world.postings() if period.start <= p.starts_at < period.end]
    assert sum(p.byte_seconds for p in posted) == GB * 3600 * hours
    assert abs(sum(p.amount_nanos for p in posted) - PRICE) < len(posted)
    assert str(world.statement(period=month).total) == "730.00"
    with ledger.reading() as connection:
        assert verify_location(connection, LOCATION.name, world.billing.timezone) == []


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"])
def test_the_last_second_of_a_year_is_of_that_year_and_the_first_of_the_next(
    ledger: Database, zone: str
) -> None:
    world = World(ledger).with_terms(timezone=ZoneInfo(zone))
    edge = parse_period("2027-01", world.billing.timezone).start
    world.clock.now = edge - timedelta(hours=5)
    world.set_rate(PRICE, world.clock.now.replace(minute=0))
    image = world.capture(edge - timedelta(seconds=1))
    world.delete(edge + timedelta(seconds=1), image)

    world.run(edge + timedelta(hours=2))

    second = round_half_even(Fraction(EUR, 3600))
    assert [(p.starts_at >= edge, p.byte_seconds, p.amount_nanos) for p in world.postings()] == [
        (False, GB, second),
        (True, GB, second),
    ]


def test_after_an_outage_of_744_hours_each_of_them_is_posted_once(ledger: Database) -> None:
    world = World(ledger)
    begin = instant("2026-10-01T00:00")
    world.clock.now = begin
    world.set_rate(PRICE, begin)
    first = world.capture(begin + timedelta(minutes=15))
    world.run(begin + timedelta(hours=1, minutes=5))
    world.cloud.is_down = True
    for day in (1, 10, 20, 31):
        with pytest.raises(CloudUnavailable):
            world.run(begin + timedelta(days=day))
    world.cloud.is_down = False
    world.delete(begin + timedelta(hours=744, minutes=30), first)

    done = world.run(begin + timedelta(hours=746))

    assert done.hours == 745
    life = ImageLife(900, {900: ("a", GB)}, 744 * 3600 + 1800)
    terms = Terms("UTC", "prorate", "730", 0, [(0, PRICE)])
    assert {
        ("a", int((p.starts_at - begin).total_seconds())): (p.byte_seconds, p.amount_nanos)
        for p in world.postings()
    } == expected([life], terms, begin, 746 * 3600)


def test_a_month_is_not_closed_during_an_outage_and_then_holds_all_of_it(ledger: Database) -> None:
    world = World(ledger)
    begin = instant("2026-10-30T12:00")
    world.clock.now = begin
    world.set_rate(PRICE, begin)
    world.capture(begin)
    world.run(begin + timedelta(hours=1))
    october = parse_period("2026-10", world.billing.timezone)
    world.cloud.is_down = True
    with pytest.raises(CloudUnavailable):
        world.run(instant("2026-11-02T12:00"))

    with pytest.raises(Refused, match="the hour 2026-10-30T13:00:00Z"), ledger.writing() as opened:
        close_period(opened, [LOCATION.name], october, world.clock())

    world.cloud.is_down = False
    world.run(instant("2026-11-02T13:00"))
    with ledger.writing() as connection:
        close_period(connection, [LOCATION.name], october, world.clock())
    assert str(world.statement(period="2026-10").total) == "36.00"


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_no_hour_is_in_two_months_or_in_none_after_a_change_of_the_time_zone(
    zone: str, ledger: Database
) -> None:
    world = World(ledger)
    begin = instant("2026-10-30T12:00")
    world.clock.now = begin
    world.set_rate(PRICE, begin)
    world.capture(begin)
    world.run(instant("2026-11-02T12:00"))
    utc, other = world.billing.timezone, ZoneInfo(zone)
    with ledger.writing() as connection:
        close_period(connection, [LOCATION.name], parse_period("2026-10", utc), world.clock())
    world.with_terms(timezone=other)

    refused = "2026-10 is closed from 2026-10-01T00:00:00Z to 2026-11-01T00:00:00Z"
    with pytest.raises(ConfigurationError, match=refused):
        world.run(instant("2026-11-02T13:00"))
    for month in ("2026-10", "2026-11"):
        with pytest.raises(ConfigurationError, match=refused), ledger.reading() as connection:
            read_cut(connection, parse_period(month, other))
    with pytest.raises(ConfigurationError, match=refused), ledger.writing() as connection:
        close_period(connection, [LOCATION.name], parse_period("2026-11", other), world.clock())

    world.with_terms(timezone=utc)
    world.run(instant("2026-11-02T13:00"))
    totals = [world.statement(period=month).total for month in ("2026-10", "2026-11")]
    assert [str(total) for total in totals] == ["36.00", "37.00"]


def test_the_same_story_told_again_has_the_same_digests(tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        database = new_ledger(tmp_path / f"{name}.db")
        world = World(database)
        begin = instant("2026-10-25T00:00")
        world.clock.now = begin
        world.set_rate(PRICE, begin)
        accounts = ("a", "b") if name == "one" else ("b", "a")  # their keys differ
        for account in accounts:
            world.capture(begin + timedelta(minutes=20), account, account)
        world.run(begin + timedelta(days=7, hours=1))
        october = parse_period("2026-10", world.billing.timezone)
        with database.writing() as connection:
            closed = close_period(connection, [LOCATION.name], october, world.clock())
        digests.append(closed.digest)
        database.engine.dispose()

    assert digests[0] == digests[1]
