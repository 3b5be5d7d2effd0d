"""Amounts and sums of more than 64 bits are exact to the nano on every database.

A GB costs 1,000,000.00 a month of 730 hours, the highest price there is. So an hour of an image of
73,000,000 GB costs 73,000,000 x 1,000,000 / 730 = 10^11, which is 10^20 nanos; 64 bits end at
9.2 x 10^18.
"""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images.db import schema
from instance_images.db.engine import Database
from instance_images_billing.audit.verify import verify_location
from instance_images_billing.ledger.postings import usage
from instance_images_billing.ledger.tables import intervals
from instance_images_billing.months.close import close_period, counted_nanos
from instance_images_billing.months.status import list_periods
from instance_images_billing.pricing.money import decimal_of
from instance_images_billing.pricing.periods import parse_period
from instance_images_reports.collect.cutoff import read_cut
from instance_images_reports.collect.sums import read_sums

from support.worlds.ledger_world import GB, LOCATION, World, at

HIGHEST_PRICE = 10**6 * 10**9
HOUR = 10**20  # nanos of an hour of an image of that size
HUGE = 73_000_000 * GB
NOVEMBER = parse_period("2026-11", ZoneInfo("UTC"))


def test_sums_of_amounts_that_fit_into_64_bits_may_not(database: Database) -> None:
    world = World(database)
    world.set_rate(HIGHEST_PRICE)
    world.capture("30T21:00", size=HUGE // 20)  # 5 x 10^18 nanos an hour
    world.run("30T23:05")
    assert_charged(world, 10 * 10**18)

    close_november(world)

    assert [one.amount_nanos for one in world.postings()] == [5 * 10**18] * 3
    assert_charged(world, 15 * 10**18)


def test_amounts_that_do_not_fit_into_64_bits_are_posted_corrected_and_closed(
    database: Database,
) -> None:
    world = World(database)
    world.set_rate(HIGHEST_PRICE)
    image = world.capture("30T20:00", size=HUGE)
    world.capture("30T20:00", "kept", size=HUGE)
    world.run("30T20:30", until="30T23:00")
    world.delete("30T21:30", image)

    close_november(world)

    assert [one.amount_nanos for one in world.postings()] == [2 * HOUR] * 3 + [HOUR]
    assert [one.amount_nanos for one in world.adjustments()] == [-HOUR // 2, -HOUR]
    assert_charged(world, 7 * HOUR - 3 * HOUR // 2)


def test_two_images_of_2_to_the_62_bytes_are_metered(database: Database) -> None:
    world = World(database)
    world.set_rate(999_999_990_000_000)  # 999,999.99
    world.capture("30T23:00", size=2**62)
    world.capture("30T23:00", "other", size=2**62)

    close_november(world)

    # 9,223,372,036.854775808 GB x 999,999.99 / 730 = 12,634,756,088,521.9937526743...
    assert_charged(world, 12_634_756_088_521_993_752_674)


def test_byte_seconds_of_an_hour_of_hundreds_of_the_largest_images_are_exact(
    database: Database,
) -> None:
    world = World(database)
    world.set_rate()
    world.capture("30T12:00", size=GB)
    world.run("30T12:30", until="30T13:00")
    with database.writing() as connection:
        key = connection.execute(sa.select(intervals.c.account_key)).scalar_one()
        connection.execute(
            sa.insert(intervals),
            [
                {
                    "image_id": f"large-{number}",
                    "starts_at": at("30T12:00"),
                    "ends_at": None,
                    "account_key": key,
                    "size_bytes": 2**63 - 1,
                    "continues": False,
                    "is_continued": False,
                }
                for number in range(600)
            ],
        )
        hour = usage(connection, LOCATION.name, at("30T13:00"), at("30T14:00"), "prorate")

    assert [one.byte_seconds for one in hour] == [(600 * (2**63 - 1) + GB) * 3600]


def test_a_ledger_of_64_bit_amounts_keeps_them_and_its_digests(database: Database) -> None:
    world = World(database)
    world.set_rate()
    image = world.capture("30T12:00")
    world.run("30T12:30", until="30T15:00")
    world.delete("30T13:30", image)
    world.run("30T16:05")
    before = world.postings(), world.adjustments()

    schema.downgrade(database, "0006")
    assert schema.upgrade(database) == ("0006", schema.head_revision())

    assert (world.postings(), world.adjustments()) == before
    with database.reading() as connection:
        assert verify_location(connection, LOCATION.name, world.billing.timezone) == []


def close_november(world: World) -> None:
    """Run the meter after the month, and close it."""
    world.run(NOVEMBER.end + timedelta(minutes=5))
    with world.database.writing() as connection:
        close_period(connection, [LOCATION.name], NOVEMBER, world.clock())


def assert_charged(world: World, nanos: int) -> None:
    """Expect it wherever the month is added up."""
    with world.database.reading() as connection:
        [listed] = list_periods(connection, [LOCATION.name], ZoneInfo("UTC"), NOVEMBER.start)
        counted = counted_nanos(connection, LOCATION.name, NOVEMBER.start, NOVEMBER.end)
        summed = read_sums(connection, read_cut(connection, NOVEMBER))
        assert listed.totals == {"EUR": nanos}
        assert list(counted.values()) == [nanos]
        assert [one.nanos for one in summed] == [nanos]
        assert verify_location(connection, LOCATION.name, world.billing.timezone) == []
    [section] = [one for one in world.statement().sections if one.lines]
    assert section.total == decimal_of(nanos).quantize(Decimal("0.01"))
