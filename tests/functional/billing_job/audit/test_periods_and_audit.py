"""Periods are closed for good, decisions are made beside what was posted, and all of it is checked.

An hour of a GB costs one EUR in these ledgers, so that amounts can be read as hours.
"""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from instance_images.config.settings import Settings
from instance_images.db.engine import Database
from instance_images.db.schema import downgrade, upgrade
from instance_images.errors import NotFound, Refused
from instance_images.instants import HOUR
from instance_images_billing.audit.adjust import Decision, decide
from instance_images_billing.audit.verify import verify_location, verify_periods
from instance_images_billing.config import PART
from instance_images_billing.ledger.closed_periods import ClosedPeriod
from instance_images_billing.ledger.watermarks import begin_watermark
from instance_images_billing.months.close import close_period
from instance_images_billing.months.status import PeriodStatus, list_periods
from instance_images_billing.pricing.corrections import Adjustment
from instance_images_billing.pricing.periods import parse_period
from instance_images_billing.rates.preview import Preview, preview_rate
from instance_images_billing.rates.rates import rate_with_terms
from instance_images_reports.proof.statements import check_statements

from support.worlds.ledger_world import LOCATION, World, at

EUR = 10**9
DECEMBER = datetime(2026, 12, 1, 0, 5, tzinfo=UTC)


@pytest.fixture
def world(database: Database) -> World:
    world = World(database)
    world.set_rate()
    return world


def close(world: World, name: str = "2026-11") -> ClosedPeriod:
    period = parse_period(name, world.billing.timezone)
    with world.database.writing() as connection:
        return close_period(connection, [LOCATION.name], period, world.clock())


def periods(world: World) -> dict[str, PeriodStatus]:
    with world.database.reading() as connection:
        found = list_periods(connection, [LOCATION.name], world.billing.timezone, world.clock())
    return {one.name: one for one in found}


def verified(world: World) -> list[str]:
    """Return all that is wrong in the ledger."""
    with world.database.reading() as connection:
        return [
            *verify_location(connection, LOCATION.name, world.billing.timezone),
            *verify_periods(connection),
            *check_statements(
                connection,
                Settings(
                    locations=(LOCATION,),
                    database_connection="",
                    parts={PART: world.billing},
                    default_max_images=10,
                ),
                [LOCATION.name],
            ),
        ]


def adjust(
    world: World, image: str, hours: tuple[str, str], wanted: int | None = None
) -> list[Adjustment]:
    decision = Decision(
        image_id=image,
        start=at(hours[0]),
        end=at(hours[1]),
        wanted_nanos=wanted,
        reason="an outage",
        author="op",
    )
    with world.database.writing() as connection:
        return decide(connection, [LOCATION.name], decision, world.billing.timezone, world.clock())


# -------------------------------------------------------------------------- periods


def test_a_period_is_not_closed_before_it_has_ended(world: World) -> None:
    world.capture("30T12:00")
    world.run("30T23:30")

    with pytest.raises(Refused, match="ends at 2026-12-01T00:00:00Z"):
        close(world)


def test_a_period_is_not_closed_while_an_hour_of_it_is_open(world: World) -> None:
    world.capture("30T12:00")
    world.run("30T23:30")
    world.clock.now = DECEMBER

    with pytest.raises(Refused, match="the hour 2026-11-30T23:00:00Z of RegionOne is open"):
        close(world)


def test_a_period_is_not_closed_before_its_locations_were_read(world: World) -> None:
    world.clock.now = DECEMBER

    with pytest.raises(Refused, match="RegionOne was not metered"):
        close(world)


def test_a_period_in_which_a_location_held_nothing_can_be_closed(world: World) -> None:
    world.run(DECEMBER)

    close(world)

    assert periods(world)["2026-12"].metered_until is None
    assert world.watermark() == datetime(2026, 12, 1, tzinfo=UTC)


def test_a_period_is_closed_once(world: World) -> None:
    world.capture("30T12:00")
    world.run(DECEMBER)
    closed = close(world)

    with pytest.raises(Refused, match="already closed at 2026-12-01T00:05:00Z"):
        close(world)

    assert periods(world)["2026-11"].closed_at == closed.closed_at
    assert periods(world)["2026-12"].state == "open"
    assert world.statement().period_state == "closed"


def test_months_are_closed_from_the_first_of_the_ledger_on_in_their_order(world: World) -> None:
    world.capture("30T12:00")
    world.run(DECEMBER)
    world.clock.now = datetime(2027, 1, 1, 0, 5, tzinfo=UTC)

    with pytest.raises(Refused, match="the ledger began after it, at 2026-11-30T12:00:00Z"):
        close(world, "2026-10")
    with pytest.raises(Refused, match="2026-11 is open"):
        close(world, "2026-12")
    close(world, "2026-11")

    with pytest.raises(Refused, match="the hour 2026-12-01T00:00:00Z of RegionOne is open"):
        close(world, "2026-12")


def test_a_ledger_that_has_not_begun_has_no_month_to_close(database: Database) -> None:
    world = World(database)
    world.clock.now = DECEMBER

    with pytest.raises(Refused, match="the ledger has not begun"):
        close(world)

    world.set_rate(from_hour=DECEMBER.replace(minute=0))
    world.run(DECEMBER)
    with pytest.raises(Refused, match="the ledger began after it, at 2026-12-01T00:05:00Z"):
        close(world)


def test_what_is_learned_after_a_period_was_closed_counts_in_the_open_one(world: World) -> None:
    image = world.capture("30T12:00")
    world.run("30T12:05", until=DECEMBER)
    world.clock.now = DECEMBER
    close(world)
    november = world.statement()
    world.delete("30T22:00", image)

    world.run(DECEMBER)

    assert world.statement() == november
    assert str(november.total) == "12.00"
    december = world.statement(period="2026-12")
    assert str(december.total) == "-2.00"
    assert periods(world)["2026-12"].totals == {"EUR": -2 * EUR}
    assert verified(world) == []


def test_a_location_that_comes_later_leaves_closed_periods_as_they_are(world: World) -> None:
    world.capture("30T12:00")
    world.run(DECEMBER)
    close(world)

    with world.database.writing() as connection:
        begin_watermark(connection, "RegionTwo", DECEMBER.replace(minute=0))

    assert verified(world) == []


def test_a_period_that_ends_inside_an_hour_waits_for_that_hour(database: Database) -> None:
    world = World(database).with_terms(timezone=ZoneInfo("Asia/Kathmandu"))
    world.set_rate()
    world.capture("30T12:00")
    world.run("30T18:30")  # the period ends at 18:15 UTC

    with pytest.raises(Refused, match="the hour 2026-11-30T18:00:00Z"):
        close(world)

    world.run("30T19:00")
    close(world)
    assert periods(world)["2026-11"].totals == {"EUR": 6 * EUR + EUR // 4}


# ------------------------------------------------------------ allowance and minimum


def with_location(world: World, **changes: object) -> None:
    """Set a rate with terms of the location's own."""
    changed = replace(LOCATION, **changes)  # type: ignore[arg-type]
    with world.database.writing() as connection:
        from instance_images_billing.ledger.rates import write_rate

        write_rate(
            connection,
            rate_with_terms(changed, world.billing, 730 * EUR, at("1T00:00"), world.clock()),
        )


def test_what_is_free_is_taken_off_every_hour_of_the_account(database: Database) -> None:
    world = World(database)
    with_location(world, free_units=Decimal("1.5"))
    world.capture("2T12:00", "one")
    world.capture("2T12:30", "two")

    world.run("2T14:05")

    # 1 GB h + 0.5 GB h - 1.5 GB h = 0; 2 - 1.5 = 0.5
    assert [p.amount_nanos for p in world.postings()] == [0, EUR // 2]
    section = world.statement().sections[0]
    assert [str(line.amount) for line in section.lines] == ["2.00", "1.50"]
    (allowance,) = section.adjustments
    assert (allowance.kind, str(allowance.amount)) == ("allowance", "-3.00")
    assert allowance.reason == "1.5 GB are free in every hour"
    assert str(section.total) == "0.50"
    assert verified(world) == []


def test_in_a_part_of_an_hour_that_part_of_the_allowance_is_free(database: Database) -> None:
    world = World(database).with_terms(timezone=ZoneInfo("Asia/Kathmandu"))
    with_location(world, free_units=Decimal(1))
    world.capture("30T18:00", size=2 * 10**9)

    world.run("30T19:05")  # the month ends at 18:15

    assert [p.amount_nanos for p in world.postings()] == [EUR // 4, EUR * 3 // 4]
    assert verified(world) == []


def test_a_late_deletion_within_the_allowance_gives_nothing_back(database: Database) -> None:
    world = World(database)
    with_location(world, free_units=Decimal(1))
    image = world.capture("2T12:00", "one")
    world.run("2T12:05", until="2T14:00")
    world.delete("2T12:30", image)

    world.run("2T12:40")

    assert [one.amount_nanos for one in world.adjustments()] == [0, 0]
    assert sum(one.byte_seconds for one in world.adjustments()) == -5400 * 10**9
    assert verified(world) == []


def test_what_is_missing_to_the_minimum_is_charged_when_the_period_is_closed(
    database: Database,
) -> None:
    world = World(database)
    with_location(world, minimum_charge_nanos=5 * EUR)
    world.capture("30T20:30", "small", account="a")  # 3.5 GB h
    world.capture("30T10:00", "large", account="b")  # 14 GB h
    world.run(DECEMBER)
    assert str(world.statement("a").total) == "3.50"

    close(world)

    (minimum,) = world.statement("a").sections[0].adjustments
    assert (minimum.kind, str(minimum.amount)) == ("minimum", "1.50")
    assert str(world.statement("a").total) == "5.00"
    assert str(world.statement("b").total) == "14.00"
    assert periods(world)["2026-11"].totals == {"EUR": 19 * EUR}
    assert verified(world) == []


def test_a_minimum_charge_follows_its_usage_when_that_is_corrected_after_the_close(
    database: Database,
) -> None:
    world = World(database)
    with_location(world, minimum_charge_nanos=5 * EUR)
    small = world.capture("30T20:30", "small", account="a")  # 3.5 GB h by midnight, 1.50 missing
    large = world.capture("30T10:00", "large", account="b")  # 14 GB h by midnight
    world.run(DECEMBER)
    close(world)
    world.delete(at("30T21:00"), small, account="a")  # 0.50: 4.50 are missing
    world.delete(at("30T12:00"), large, account="b")  # 2.00: 3.00 are missing

    world.run(DECEMBER + HOUR)

    charged = {
        one.kind: one.amount_nanos for one in world.adjustments("a") if one.kind == "minimum"
    }
    assert charged == {"minimum": 3 * EUR}
    totals = {
        account: sum(p.amount_nanos for p in world.postings(account))
        + sum(one.amount_nanos for one in world.adjustments(account))
        for account in "ab"
    }
    assert totals == {"a": 5 * EUR - 3 * EUR // 2, "b": 5 * EUR}  # and 1.50 when it was closed
    assert verified(world) == []


def test_a_minimum_charge_that_was_changed_is_found(database: Database) -> None:
    world = World(database)
    with_location(world, minimum_charge_nanos=5 * EUR)
    world.capture("30T20:30", "small", account="a")
    world.run(DECEMBER)
    close(world)
    with world.database.writing() as connection:
        connection.execute(sa.text("UPDATE minimum_charges SET amount_nanos = amount_nanos - 7"))

    findings = verified(world)

    assert any("the minimum charge of 2026-11 is 7 nanos too low" in one for one in findings)


def test_a_preview_prices_last_month_again_and_changes_nothing(world: World) -> None:
    world.capture("30T12:30")
    world.run(DECEMBER)
    before = world.postings()

    with world.database.reading() as connection:
        new = rate_with_terms(LOCATION, world.billing, 365 * EUR, at("1T00:00"), DECEMBER)
        shown = preview_rate(connection, new, world.billing, DECEMBER)

    assert shown == Preview("RegionOne", "2026-11", "EUR", 11_500_000_000, 5_750_000_000)
    assert shown.difference_nanos == -5_750_000_000
    assert world.postings() == before


def test_a_preview_counts_what_no_run_has_taken_in_yet(world: World) -> None:
    image = world.capture("30T12:30")
    world.run(DECEMBER)
    world.delete("30T22:30", image)  # an hour and a half less than was posted
    world.capture("30T20:00")  # and four hours that were not posted

    with world.database.reading() as connection:
        new = rate_with_terms(LOCATION, world.billing, 365 * EUR, at("1T00:00"), DECEMBER)
        shown = preview_rate(connection, new, world.billing, DECEMBER)

    assert (shown.old_nanos, shown.new_nanos) == (14_000_000_000, 7_000_000_000)
    world.run(DECEMBER + HOUR)
    with world.database.reading() as connection:
        assert preview_rate(connection, new, world.billing, DECEMBER + HOUR) == shown


# ----------------------------------------------------------------- decisions by hand


def test_a_waiver_gives_back_what_was_charged_and_no_more(world: World) -> None:
    image = world.capture("2T12:30")
    world.run("2T15:05")

    adjust(world, image, ("2T12:00", "2T14:00"))

    assert [one.amount_nanos for one in world.adjustments()] == [-EUR // 2, -EUR]
    with pytest.raises(Refused, match="there is nothing to adjust"):
        adjust(world, image, ("2T12:00", "2T14:00"))
    world.run("2T16:05")
    assert str(world.statement().total) == "2.00"
    assert verified(world) == []


def test_a_waiver_of_one_image_leaves_the_charge_of_another(world: World) -> None:
    image = world.capture("2T12:00")
    world.capture("2T12:00", "other")
    world.run("2T15:05")
    adjust(world, image, ("2T12:00", "2T14:00"))

    with pytest.raises(Refused, match="there is nothing to adjust"):
        adjust(world, image, ("2T12:00", "2T14:00"))

    assert sum(one.amount_nanos for one in world.adjustments()) == -2 * EUR


def test_hours_can_be_charged_at_an_amount_that_was_agreed(world: World) -> None:
    image = world.capture("2T12:00")
    world.run("2T15:05")

    adjust(world, image, ("2T12:00", "2T15:00"), wanted=EUR)

    assert 3 * EUR + sum(one.amount_nanos for one in world.adjustments()) == EUR


def test_only_closed_hours_in_which_the_image_was_billed_are_adjusted(database: Database) -> None:
    world = World(database)
    world.set_rate(from_hour="2T12:00")
    image = world.capture("2T12:00")
    world.delete("2T13:30", image)
    world.run("2T15:05")
    within = "choose hours between "

    with pytest.raises(Refused, match="metered until 2026-11-02T15:00:00Z"):
        adjust(world, image, ("2T14:00", "2T16:00"))
    with pytest.raises(Refused, match="not billed in the hour 2026-11-02T11:00:00Z"):
        adjust(world, image, ("2T11:00", "2T13:00"))
    # Hours before the first rate, and after the image's end, are refused in the same way.
    for hours in (("1T23:00", "2T13:00"), ("2T13:00", "2T15:00")):
        with pytest.raises(Refused, match=f"{within}2026-11-02T12:00:00Z and 2026-11-02T14:00"):
            adjust(world, image, hours)
    with pytest.raises(NotFound):
        adjust(world, "nothing", ("2T12:00", "2T13:00"))


def test_a_waived_charge_that_is_corrected_later_is_not_given_back_twice(world: World) -> None:
    image = world.capture("2T12:00")
    world.capture("2T12:00", "other")
    world.run("2T12:05", until="2T14:00")
    adjust(world, image, ("2T12:00", "2T13:00"))
    world.delete("2T12:30", image)

    world.run("2T12:40")

    charged = sum(p.amount_nanos for p in world.postings())
    adjusted = sum(one.amount_nanos for one in world.adjustments())
    assert charged + adjusted == 2 * EUR  # the other image's two hours, and nothing else
    assert verified(world) == []


# ---------------------------------------------------------------------------- verify


@pytest.fixture
def eventful(world: World) -> World:
    """A ledger with corrections, a change of owner, a new rate, a waiver and a closed period."""
    first = world.capture("29T12:15", "first")
    world.capture("29T13:00", "second", account="b", size=7 * 10**9)
    world.run("29T15:05")
    world.set_rate(1460 * EUR, from_hour="30T00:00")
    world.run("29T15:10", until="29T20:00")
    world.delete("29T16:30", first)
    world.run("29T16:40")
    adjust(world, first, ("29T13:00", "29T14:00"))
    world.run(DECEMBER)
    close(world)
    return world


def test_an_untouched_ledger_is_verified(eventful: World) -> None:
    assert verified(eventful) == []


def test_adjustments_that_were_posted_without_codes_get_theirs(eventful: World) -> None:
    before = eventful.adjustments()
    assert {one.reason_code for one in before} == {"deleted", None}

    downgrade(eventful.database, "0015")
    upgrade(eventful.database)

    assert eventful.adjustments() == before
    assert verified(eventful) == []


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        (
            "UPDATE postings SET amount_nanos = amount_nanos + 1 WHERE starts_at = {h}",
            "b, 2026-11-29T18:00:00Z: posting is",
        ),
        ("DELETE FROM postings WHERE starts_at = {h}", "posting is missing"),
        (
            "UPDATE closings SET digest = 'forged' WHERE hour = {h}",
            "RegionOne, hour 2026-11-29T18:00:00Z: its postings, adjustments, rate or link",
        ),
        ("DELETE FROM closings WHERE hour = {h}", "hours before it, from 2026-11-29T18:00:00Z"),
        (
            "UPDATE adjustments SET reason = 'another'",
            "RegionOne, hour 2026-11-29T20:00:00Z: its postings, adjustments",
        ),
        ("UPDATE adjustments SET event_at = event_at - 60", "does not match its reason code"),
        (
            "UPDATE adjustments SET reason_code = 'changed' WHERE kind = 'late'",
            "does not match its reason code",
        ),
        ("DELETE FROM adjustments WHERE kind = 'late'", "posting with its late adjustments"),
        ("UPDATE adjustments SET amount_nanos = 0 WHERE kind = 'hand'", "hour 2026-11-29T20:00"),
        (
            "UPDATE intervals SET size_bytes = size_bytes + 1",
            "its intervals differ from its history",
        ),
        ("UPDATE rates SET price_nanos = 1 WHERE price_nanos > 1", "posting is"),
        ("UPDATE history SET effective_at = effective_at - 60", "posting with its late"),
        ("UPDATE watermarks SET hour = hour + 3600", "the chain ends at 2026-12-01T00:00:00Z"),
        ("UPDATE closed_periods SET digest = 'forged'", "period 2026-11: its row"),
    ],
)
def test_an_edited_row_is_found_and_named(eventful: World, statement: str, named: str) -> None:
    hour = int(at("29T18:00").timestamp())
    with eventful.database.writing() as connection:
        connection.execute(sa.text(statement.format(h=hour)))

    findings = verified(eventful)

    assert any(named in finding for finding in findings), findings


def test_a_forged_link_is_found_by_the_one_after_it(eventful: World) -> None:
    from instance_images.db.accounts import accounts_by_key
    from instance_images_billing.ledger import closings, rates
    from instance_images_billing.ledger.chain import link_hour
    from instance_images_billing.ledger.tables import closings as table
    from instance_images_billing.ledger.tables import postings
    from instance_images_billing.pricing.charged import Posting

    hour = at("29T18:00")
    with eventful.database.writing() as connection:
        connection.execute(
            sa.update(postings).where(postings.c.starts_at == hour).values(amount_nanos=0)
        )
        rows = [
            Posting(*row)
            for row in connection.execute(sa.select(postings).where(postings.c.starts_at == hour))
        ]
        ids = {k: a.account_id for k, a in accounts_by_key(connection, "RegionOne").items()}
        before = closings.last_digest(connection, "RegionOne", hour)
        rate = rates.list_rates(connection, "RegionOne")[0]
        forged = link_hour(
            before=before,
            rate=rate,
            hour=hour,
            posted=rows,
            adjusted=[],
            account_ids=ids,
            closed_at=hour,
        )
        connection.execute(
            sa.update(table)
            .where(table.c.hour == hour)
            .values(digest=forged.digest, amount_nanos=forged.amount_nanos)
        )

    findings = verified(eventful)

    assert any("hour 2026-11-29T19:00:00Z: its postings" in finding for finding in findings)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_change_that_is_rolled_back_leaves_no_line_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    image = world.capture("2T12:00")
    world.run("2T14:05")
    caplog.clear()

    with pytest.raises(RuntimeError), world.database.writing() as connection:
        decide(
            connection,
            [LOCATION.name],
            Decision(
                image_id=image,
                start=at("2T12:00"),
                end=at("2T13:00"),
                wanted_nanos=None,
                reason="an outage",
                author="op",
            ),
            world.billing.timezone,
            world.clock(),
        )
        raise RuntimeError
    assert caplog.messages == []
    adjust(world, image, ("2T12:00", "2T13:00"))

    assert [line for line in caplog.messages if line.startswith("Adjustment of image")]
