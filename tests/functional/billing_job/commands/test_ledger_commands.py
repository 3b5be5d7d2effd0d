"""The commands of the ledger: what they print, refuse and leave as it was."""

import io
import sys
from datetime import UTC, datetime

import pytest

from conftest import ConfiguredCommandLine
from support.processes.command_line import CommandLine, SetClock
from support.worlds.ledger_world import World, at

EUR = 10**9


@pytest.fixture
def cli(configured: ConfiguredCommandLine) -> CommandLine:
    return configured(location="free_gb = 0.5\nminimum_charge = 3")


@pytest.fixture
def world(cli: CommandLine) -> World:
    """A world with the same database, and hours up to 15:00 on the second."""
    cli.clock = SetClock(at("1T00:00"))
    cli.ok("rate", "set", "RegionOne", "730")
    world = World(cli.application.database)
    world.capture("2T12:00")
    world.run("2T15:05")
    cli.clock = world.clock
    return world


def test_a_rate_takes_the_allowance_and_the_minimum_over(cli: CommandLine, world: World) -> None:
    (rate,) = cli.ok("rate", "list").json

    assert (rate["free_bytes"], rate["minimum_charge"]) == (500_000_000, "3.00")
    assert sum(p.amount_nanos for p in world.postings()) == 3 * EUR // 2


def test_setting_a_rate_tells_when_its_minimum_takes_effect(
    configured: ConfiguredCommandLine,
) -> None:
    cli = configured(location="minimum_charge = 3")
    cli.clock = SetClock(at("2T00:00"))

    first = cli.ok("rate", "set", "RegionOne", "0.50")
    later = cli.ok("rate", "set", "RegionOne", "0.40")

    sentence = "Minimum charges apply to whole months: this one, 3.00 EUR, from"
    assert f"{sentence} 2026-11 on." in first.out
    assert f"{sentence} 2026-12 on." in later.out


def test_a_rate_begins_in_the_future(cli: CommandLine, world: World) -> None:
    world.clock.now = at("2T22:30")  # hours are closed up to 15:00, and seven more have passed

    for hour in ("2T16:00", "2T22:00"):
        from_hour = at(hour).isoformat()
        found = cli.refused(
            3, "add --retroactive", "rate", "set", "RegionOne", "9", "--from", from_hour
        )
        assert "Choose 2026-11-02T23:00:00Z or later." in found.err

    assert len(cli.ok("rate", "list").json) == 1
    cli.ok("rate", "set", "RegionOne", "9", "--from", "2026-11-02T23:00Z")


def test_a_retroactive_rate_shows_first_what_it_costs(cli: CommandLine, world: World) -> None:
    world.capture("2T17:00", "other", "b", size=2 * 10**9)
    world.clock.now = at("2T22:30")
    words = ("rate", "set", "RegionOne", "73000", "--from", "2026-11-02T16:00Z", "--retroactive")

    shown = cli.refused(2, "add --yes to skip the prompt", *words)

    # 0.5 GB are free: 7 h x 0.5 GB and 6 h x 1.5 GB, at 1 EUR and at 100 EUR.
    cost = (
        "RegionOne, 2026-11-02T16:00:00Z to 2026-11-02T23:00:00Z, as far as is known now: 2"
        " accounts are charged 12.50 EUR, and would be charged 1250.00 EUR."
    )
    assert cost in shown.out
    assert len(cli.ok("rate", "list").json) == 1
    assert cost in cli.ok(*words, "--yes").out
    before = sum(p.amount_nanos for p in (*world.postings("a"), *world.postings("b")))
    world.run("2T23:05")
    after = sum(p.amount_nanos for p in (*world.postings("a"), *world.postings("b")))
    assert after - before == 1250 * EUR + EUR // 2  # and the hour of 15:00, at the old rate
    cli.refused(3, "hours are closed up to", *words, "--yes")
    cli.refused(2, "requires --from", *words[:4], "--retroactive")


def test_hours_that_had_no_rate_are_priced_by_a_retroactive_one(
    configured: ConfiguredCommandLine,
) -> None:
    cli = configured()
    world = World(cli.application.database)
    world.capture("2T12:00")
    cli.clock = SetClock(at("2T14:30"))
    words = ("rate", "set", "RegionOne", "730", "--from", "2026-11-02T12:00Z")

    cli.refused(3, "charges of hours that have begun would change", *words)
    found = cli.ok(*words, "--retroactive", "--yes")

    assert "1 account is charged nothing, and would be charged 3.00 EUR" in found.out
    assert world.run("2T14:35").hours == 2


def test_a_retroactive_rate_of_long_ago_is_shown_at_once_where_nothing_is_stored(
    configured: ConfiguredCommandLine,
) -> None:
    cli = configured()
    words = ("rate", "set", "RegionOne", "1", "--from", "0001-01-01T00:00Z", "--retroactive")

    found = cli.ok(*words, "--yes")  # not hour by hour since then

    assert "0 accounts are charged nothing, and would be charged nothing" in found.out


def test_the_first_rate_of_a_location_may_begin_with_the_present_hour(
    configured: ConfiguredCommandLine,
) -> None:
    cli = configured()
    cli.clock = SetClock(at("2T14:30"))

    cli.ok("rate", "set", "RegionOne", "730", "--from", "2026-11-02T14:00Z")

    cli.refused(
        3, "has been in force", "rate", "set", "RegionOne", "9", "--from", "2026-11-02T14:00Z"
    )


def test_an_amount_that_is_none_is_told_with_its_key(configured: ConfiguredCommandLine) -> None:
    cli = configured()
    written = cli.config_file.read_text()
    cli.config_file.write_text(written.replace("cloud = admin", "cloud = admin\nfree_gb = lots"))

    cli.refused(2, "[location:RegionOne] free_gb = lots is not an amount", "rate", "list")


def test_a_preview_shows_both_totals_and_sets_nothing(cli: CommandLine, world: World) -> None:
    cli.clock = SetClock(datetime(2026, 12, 5, tzinfo=UTC))

    (shown,) = cli.ok("rate", "set", "RegionOne", "365", "--preview").json

    assert shown == {
        "location": "RegionOne",
        "period": "2026-11",
        "currency": "EUR",
        "old_total": "1.500000000",
        "new_total": "0.750000000",
        "difference": "-0.750000000",
    }
    assert len(cli.ok("rate", "list").json) == 1


def test_periods_are_listed_and_closed(cli: CommandLine, world: World) -> None:
    cli.refused(3, "it ends at 2026-12-01T00:00:00Z", "period", "close", "2026-11")
    world.run(datetime(2026, 12, 1, 0, 5, tzinfo=UTC))
    before = cli.ok("period", "list").json

    asked = cli.refused(2, "add --yes to skip the prompt", "period", "close", "2026-11")
    assert "2026-11 comes to 342.000000000 EUR." in asked.err  # 684 hours of 0.5 GB
    assert cli.ok("period", "list").json == before
    assert "2026-11 is closed" in cli.ok("period", "close", "2026-11", "--yes").out

    cli.refused(3, "it was already closed at 2026-12-01T00:05:00Z", "period", "close", "2026-11")
    november, december = cli.ok("period", "list").json
    assert (before[0]["state"], november["state"], december["state"]) == ("open", "closed", "open")
    assert november["metered_until"] == "2026-12-01T00:00:00Z"
    assert november["totals"] == before[0]["totals"] == {"EUR": "342.000000000"}


def test_verify_is_one_line_or_the_rows_that_differ(cli: CommandLine, world: World) -> None:
    assert cli.ok("meter", "verify").out == "RegionOne: all charges are correct.\n"
    with world.database.writing() as connection:
        connection.exec_driver_sql("UPDATE postings SET amount_nanos = 7")

    wrong = cli("meter", "verify")

    assert wrong.exit_code == 1
    assert "RegionOne, a, 2026-11-02T12:00:00Z: posting is" in wrong.out
    assert "hour 2026-11-02T12:00:00Z: its postings" in wrong.out


def test_a_decision_is_shown_first_and_posted_with_yes(cli: CommandLine, world: World) -> None:
    image = world.statement().sections[0].lines[0].image_id
    words = ["meter", "adjust", "--image", image, "--reason", "outage", "--author", "op"]
    words += ["--hours", "2026-11-02T12:00Z..2026-11-02T14:00Z"]

    shown = cli.ok(*words)
    assert [row["amount"] for row in shown.json] == ["-0.500000000"] * 2
    assert "give --yes" in shown.err
    assert world.adjustments() == []

    posted = cli.ok(*words, "--yes").err
    assert posted == "Posted 2 adjustments. To reverse it: --reverse 1.\n"
    assert [one.amount_nanos for one in world.adjustments()] == [-EUR // 2] * 2
    cli.refused(3, "there is nothing to adjust", *words, "--yes")
    for amount in ("-1", "-0.01", "1e3"):
        cli.refused(2, f"'{amount}' is not an amount", *words, "--amount", amount)
    cli.refused(2, "either --waive or --amount", *words, "--waive", "--amount", "1")
    cli.refused(2, "is not a range of hours", *words[:-1], "2026-11-02T12:00Z")
    report = cli.ok("report", "cloud-usage", "--period", "2026-11", "-f", "text").out
    assert "Allowance [1]" in report
    assert f"\n[2] Image {image}: outage (entry 1)\n" in report


def test_a_dry_run_shows_the_adjustments_that_a_run_would_post(
    cli: CommandLine, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from instance_images.locations.application import Application

    monkeypatch.setattr(Application, "provider", lambda *_: world.cloud)
    world.run("2T15:10", until="2T18:00")
    world.delete("2T16:00", world.statement().sections[0].lines[0].image_id)

    shown = cli.ok("meter", "run", "--dry-run")

    assert "would post 2 adjustments of closed hours, -1.00 EUR" in shown.out
    assert world.adjustments() == []
    assert "posted 2 adjustments" in cli.ok("meter", "run").out


def test_hours_far_ahead_are_not_closed(cli: CommandLine, world: World) -> None:
    before = world.postings()
    run = ("meter", "run", "--allow-future", "--as-of")

    for year in ("2028", "9999"):
        cli.refused(2, "is more than 366 days after now", *run, f"{year}-01-01T00:00Z")
    cli.refused(2, "is after now", "meter", "run", "--as-of", "2026-11-03T00:00Z")

    assert world.postings() == before


def test_whoever_closes_hours_ahead_of_time_is_asked(
    cli: CommandLine, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    before = world.postings()
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))

    declined = cli("meter", "run", "--as-of", "2026-12-01T00:00Z", "--allow-future")

    assert declined.exit_code == 130
    assert "681 hours of RegionOne that have not ended will be closed" in declined.err
    assert "Nothing was closed." in declined.err
    assert world.postings() == before
