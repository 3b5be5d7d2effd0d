"""The hourly run posts every second once, on every database.

An hour of a GB costs one EUR in these ledgers, so that amounts can be read as hours.
"""

import threading
from zoneinfo import ZoneInfo

import pytest

from instance_images.db.engine import Database
from instance_images.db.images import get_image
from instance_images.errors import CloudUnavailable, Refused
from instance_images.model.records import ImageStatus
from instance_images_billing.hours.close import ClockBehind, rehearse

from support.worlds.ledger_world import GB, World, at

EUR = 10**9


@pytest.fixture
def world(database: Database) -> World:
    world = World(database)
    world.set_rate()
    return world


def test_billing_starts_when_available_and_ends_when_deleted(world: World) -> None:
    image = world.capture("2T12:15")
    world.delete("2T14:20", image)

    world.run("2T15:05")

    assert world.seconds() == {"2T12:00": 2700, "2T13:00": 3600, "2T14:00": 1200}
    # 45 min + 1 h + 20 min at one EUR an hour
    assert [p.amount_nanos for p in world.postings()] == [750_000_000, EUR, 333_333_333]


def test_second_run_of_an_hour_posts_nothing(world: World) -> None:
    world.capture("2T12:15")
    world.run("2T13:05")
    before = world.postings()

    again = world.run("2T13:50")

    assert (again.hours, again.postings, again.problems) == (0, [], [])
    assert world.postings() == before


def test_missed_hours_are_caught_up_as_if_none_had_been_missed(world: World) -> None:
    first = world.capture("2T12:15")
    world.run("2T13:05")
    world.capture("2T13:30", "second")
    world.delete("2T20:10", first)

    caught_up = world.run("3T13:05")

    assert caught_up.hours == 24
    assert world.seconds() == {
        "2T12:00": 2700,
        "2T13:00": 3600 + 1800,
        **{f"2T{hour}:00": 7200 for hour in range(14, 20)},
        "2T20:00": 600 + 3600,
        **{f"2T{hour}:00": 3600 for hour in range(21, 24)},
        **{f"3T{hour:02}:00": 3600 for hour in range(13)},
    }


def test_an_image_that_lived_between_two_runs_is_charged_for_its_seconds(world: World) -> None:
    world.run("2T12:05")
    image = world.capture("2T12:10:00")
    world.delete("2T12:11:30", image)

    world.run("2T13:05")

    assert world.seconds() == {"2T12:00": 90}


def test_an_hour_that_has_not_ended_stays_open(world: World) -> None:
    world.capture("2T12:15")

    world.run("2T12:59:59")

    assert world.postings() == []
    assert world.watermark() is None


def test_no_hour_is_closed_while_the_cloud_cannot_be_read(world: World) -> None:
    world.capture("2T12:15")
    world.run("2T13:05")
    world.cloud.is_down = True

    with pytest.raises(CloudUnavailable):
        world.run("2T14:05")

    assert world.watermark() == at("2T13:00")
    world.cloud.is_down = False
    world.run("2T15:05")
    assert world.seconds() == {"2T12:00": 2700, "2T13:00": 3600, "2T14:00": 3600}


def test_an_image_missing_from_one_listing_goes_on_being_billed(world: World) -> None:
    world.capture("2T12:00")
    world.cloud.unlisted = set(world.cloud.images)

    world.run("2T14:05")

    assert world.seconds() == {"2T12:00": 3600, "2T13:00": 3600}


def test_an_image_deleted_behind_our_back_is_billed_until_it_was_last_seen(world: World) -> None:
    image = world.capture("2T12:00")
    world.run("2T13:05")
    world.cloud.images.clear()

    world.run("2T15:05")

    assert world.seconds() == {"2T12:00": 3600, "2T13:00": 300}
    with world.database.reading() as connection:
        assert get_image(connection, image).status is ImageStatus.DELETED
        assert get_image(connection, image).deleted_at == at("2T13:05")


def test_an_hour_without_a_rate_stays_open_until_it_has_one(database: Database) -> None:
    world = World(database)
    world.capture("2T12:15")

    without = world.run("2T14:05")

    assert world.watermark() is None
    assert (
        "rate set RegionOne PRICE --from 2026-11-02T12:00:00Z --retroactive" in without.problems[0]
    )
    world.set_rate(from_hour="2T12:00")
    assert world.run("2T14:06").hours == 2


def test_a_new_rate_holds_from_its_hour_on(world: World) -> None:
    world.capture("2T12:00")
    world.run("2T12:30")
    world.set_rate(2 * 730 * EUR, from_hour="2T14:00")

    world.run("2T16:05")

    assert [p.amount_nanos for p in world.postings()] == [EUR, EUR, 2 * EUR, 2 * EUR]


def test_a_rate_keeps_its_terms_when_the_configuration_changes(world: World) -> None:
    world.capture("2T12:30")
    world.with_terms(unit="GiB", hours_per_month="672", partial_hour="round_up")

    world.run("2T14:05")

    assert [p.amount_nanos for p in world.postings()] == [EUR // 2, EUR]


def test_under_round_up_first_and_last_hours_are_charged_whole(database: Database) -> None:
    world = World(database).with_terms(partial_hour="round_up")
    world.set_rate()
    image = world.capture("2T12:59:59")
    world.delete("2T14:00:01", image)

    world.run("2T16:05")

    assert world.seconds() == {"2T12:00": 3600, "2T13:00": 3600, "2T14:00": 3600}


def test_accounts_are_posted_apart(world: World) -> None:
    world.capture("2T12:00", account="a")
    world.capture("2T12:00", "big", account="b", size=5 * GB)

    world.run("2T13:05")

    assert world.seconds("a") == {"2T12:00": 3600}
    assert world.seconds("b") == {"2T12:00": 5 * 3600}


def test_a_sum_beyond_64_bits_is_exact(database: Database) -> None:
    world = World(database)
    world.set_rate(730)  # 1 nano per GB-hour
    for name in ("one", "two", "three"):
        world.capture("2T12:00", name, size=2_500_000_000_000_001)

    world.run("2T13:05")

    (posting,) = world.postings()
    assert posting.byte_seconds == 3 * 2_500_000_000_000_001 * 3600
    assert posting.amount_nanos == 7_500_000  # 7 500 000.000000003 GB for an hour


def test_a_dry_run_shows_what_a_run_posts_and_changes_nothing(world: World) -> None:
    world.capture("2T12:15")
    world.clock.now = at("2T14:05")

    shown = rehearse(world.site, world.billing, at("2T14:00"))

    assert world.postings() == []
    assert world.watermark() is None
    assert shown.postings == world.run("2T14:05").postings == world.postings()


def test_a_month_that_begins_inside_an_hour_cuts_its_posting_in_two(database: Database) -> None:
    world = World(database).with_terms(
        timezone=ZoneInfo("Asia/Kathmandu"), hours_per_month="calendar"
    )
    world.set_rate()
    world.capture("30T18:00")
    world.clock.now = at("30T19:05")

    world.run("30T19:05")

    assert world.seconds() == {"30T18:00": 900, "30T18:15": 2700}
    # November has 720 hours there, December 744: 730 EUR a month are 730/720/4 and 730/744*3/4.
    assert [p.amount_nanos for p in world.postings()] == [253_472_222, 735_887_097]


def test_of_two_runs_at_once_each_hour_is_posted_by_one(world: World) -> None:
    for number in range(5):
        world.capture("2T12:00", f"image {number}", account=f"account {number}")
    world.clock.now = at("3T12:05")
    others = [
        World(Database(world.database.engine.url.render_as_string(hide_password=False)))
        for _ in range(4)
    ]
    failures: list[BaseException] = []

    def run(other: World) -> None:
        other.cloud.images = world.cloud.images
        try:
            other.run("3T12:05")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=[other]) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.run("3T12:10")

    assert failures == []
    assert world.watermark() == at("3T12:00")
    assert len(world.postings()) == 24 * 5
    assert {p.byte_seconds for p in world.postings()} == {3600 * GB}


def test_a_rate_in_force_never_changes(world: World) -> None:
    world.clock.now = at("2T12:30")

    with pytest.raises(Refused, match="in force"):
        world.set_rate(1, from_hour="1T00:00")


def test_no_rate_begins_in_a_closed_hour(world: World) -> None:
    world.capture("2T12:00")
    world.run("2T14:05")

    for hour in ("2T13:00", "2T14:00"):
        with pytest.raises(Refused, match="closed up to 2026-11-02T14:00:00Z"):
            world.set_rate(1, from_hour=hour)

    world.set_rate(1, from_hour="2T15:00")


def test_a_rate_to_come_can_be_corrected(world: World) -> None:
    world.capture("2T12:00")
    world.clock.now = at("2T12:30")
    world.set_rate(999 * EUR, from_hour="2T13:00")

    world.set_rate(2 * 730 * EUR, from_hour="2T13:00")

    world.run("2T14:05")
    assert [p.amount_nanos for p in world.postings()] == [EUR, 2 * EUR]


def test_activation_is_not_believed_to_be_before_the_image_was_last_seen_inactive(
    world: World,
) -> None:
    world.capture("2T12:00", "other")  # so that there are hours to close
    world.clock.now = at("2T12:10")
    owner = world.cloud.account("a")
    from instance_images.images.capture import capture

    capture(world.site, owner, "vm", "late")
    world.run("2T13:05")
    world.clock.now = at("2T13:20")
    world.cloud.activate(GB, changed_at=at("2T12:59"))  # the image service's clock is behind

    done = world.run("2T14:05")

    assert done.problems == []
    assert world.seconds() == {"2T12:00": 3600, "2T13:00": 3600 + 55 * 60}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_clock_that_is_far_behind_the_closed_hours_bills_nothing(world: World) -> None:
    world.capture("1T10:00", "golden")
    world.run("12T14:00")
    world.cloud.images.clear()  # a reading with this clock would delete it before it was captured
    before = world.postings(), world.adjustments()

    with pytest.raises(ClockBehind, match=r"shows .*-05T13:54.*closed up to 2026-11-12T14:00:00Z"):
        world.run("5T13:54")
    world.clock.now = at("5T13:54")
    with pytest.raises(ClockBehind):
        rehearse(world.site, world.billing, at("5T13:00"))

    assert (world.postings(), world.adjustments()) == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_hours_closed_ahead_of_time_are_exact_once_they_have_passed(world: World) -> None:
    world.capture("1T10:00", "old")
    world.run("3T14:00", until="20T00:00")  # a mistake

    new = world.capture("4T10:00", "new")
    with pytest.raises(ClockBehind, match="restore the ledger from a backup"):
        world.run("4T11:05")
    done = world.run("4T11:05", until="20T00:00")  # what is closed on purpose goes on
    in_advance = sum(one.amount_nanos for one in done.adjustments)
    world.delete("4T13:30", new)
    world.run("13T00:05")  # a week before the end of the closed hours
    world.run("20T01:05")

    assert in_advance == (15 * 24 + 14) * EUR
    charged = sum(one.amount_nanos for one in (*world.postings(), *world.adjustments()))
    assert charged == (14 + 18 * 24 + 1) * EUR + 7 * EUR // 2
