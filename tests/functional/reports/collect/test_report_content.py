"""What the report says of a ledger: from the rows to the words, by the command line."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from instance_images.db.engine import Database

from conftest import ConfiguredCommandLine
from support.processes.command_line import CommandLine, SetClock
from support.worlds.ledger_world import GB, World, at

OCTOBER_30 = datetime(2026, 10, 30, 12, tzinfo=UTC)
REPORT = ("report", "cloud-usage", "--period")


@pytest.fixture
def cli(configured: ConfiguredCommandLine) -> CommandLine:
    return configured()


@pytest.fixture
def world(cli: CommandLine) -> World:
    """A world on the ledger of the command line, at one EUR for a GB and an hour."""
    world = World(cli.application.database)
    world.set_rate(from_hour=datetime(2026, 10, 1, tzinfo=UTC))
    cli.clock = world.clock
    return world


# ------------------------------------------------------------- the period before


def test_the_period_before_is_what_its_own_report_says(database: Database) -> None:
    # October: 36 hours of 1 GB. November: 2 hours of it, and half an hour is given back that was
    # charged in October, which is counted in November: 1.50.
    world = World(database)
    world.set_rate(from_hour=datetime(2026, 10, 1, tzinfo=UTC))
    image = world.capture(OCTOBER_30)
    world.run("1T00:05", until="1T01:00")
    world.delete(datetime(2026, 10, 31, 23, 30, tzinfo=UTC), image)
    world.run("1T01:10", until="1T02:00")

    october, november = world.statement(period="2026-10"), world.statement()

    assert october.sections[0].comparison is None
    assert str(october.total) == "36.00"
    compared = november.sections[0].comparison
    assert compared is not None
    assert (compared.period.name, compared.total) == ("2026-10", Decimal("36.00"))
    assert compared.difference == november.total - Decimal("36.00")


# ------------------------------------------------------------------- the content


def test_an_image_that_was_deleted_is_told_from_one_that_is_stored(
    cli: CommandLine, world: World
) -> None:
    gone = world.capture("2T12:00", "gone")
    world.capture("2T12:00", "kept", size=2 * GB)
    world.run("2T12:05")
    world.delete("2T13:30", gone)
    world.run("2T15:05")

    [section] = cli.ok(*REPORT, "2026-11", "-f", "json").json["sections"]

    endings = {line["name"]: (line["ending"], line["billable_until"]) for line in section["lines"]}
    assert endings == {
        "gone": ("deleted", "2026-11-02T13:30:00Z"),
        "kept": ("stored", "2026-11-02T15:00:00Z"),
    }
    assert section["lines"][0]["source_instance_id"] == "vm-gone"
    # 1.5 GB h of 'gone', 6 of 'kept': 20 and 80 %.
    assert [(s["name"], s["percent"]) for s in section["shares"]] == [
        ("kept", "80.0"),
        ("gone", "20.0"),
    ]
    # From 15:00 on the second 681 hours are left: 2 GB are 1362 EUR, and 7.50 are charged.
    assert section["forecast"]["total"] == "1369.50"
    text = cli.ok(*REPORT, "2026-11", "-f", "text").out
    assert "1 image is still stored. 1 image was deleted in this period." in text
    assert "Charges after 2 November 2026, 15:00 are not in this report yet." in text


def test_a_late_correction_names_its_image_and_is_told_in_the_readers_words(
    cli: CommandLine, world: World
) -> None:
    image = world.capture("2T12:00", "web")
    world.run("2T12:05", until="2T15:00")
    world.delete("2T13:30", image)
    world.run("2T13:40", until="2T16:00")

    [section] = cli.ok(*REPORT, "2026-11", "-f", "json").json["sections"]
    german = cli.ok(*REPORT, "2026-11", "-f", "text", "--locale", "de_DE").out

    [correction] = section["adjustments"]
    assert (correction["name"], correction["image_id"]) == ("web", image)
    assert correction["reason"].startswith("deleted at 2026-11-02T13:30:00Z, which became known")
    assert "Korrektur [1]: web" in german
    assert f"[1] Image {image}: gelöscht am 02.11.2026, 13:30:00, bekannt geworden am" in german


def test_an_account_that_stored_nothing_has_a_report(cli: CommandLine, world: World) -> None:
    world.capture("2T12:00")
    world.run("2T13:05")

    october = cli.ok(*REPORT, "2026-10", "-f", "text").out

    assert "No image was charged." in october
    assert october.endswith("\nTotal  EUR 0.00\n")


def test_where_nothing_is_charged_the_exit_code_is_one_for_currencies_and_accounts(
    configured: ConfiguredCommandLine, cli: CommandLine, world: World
) -> None:
    world.capture("2T12:00")
    world.run("2T13:05")

    cli.refused(
        3, "Currency 'USD' was not found. The account is charged in EUR.",
        *REPORT, "2026-11", "--currency", "USD",
    )  # fmt: skip


def test_currencies_are_reported_apart_and_never_compared(
    configured: ConfiguredCommandLine, cli: CommandLine, world: World
) -> None:
    # October and the first hour of November in EUR, from 01:00 on in USD: 13, 1 and 2 hours.
    world.capture(datetime(2026, 10, 31, 11, tzinfo=UTC))
    world.run("1T00:30")
    cli.config_file.write_text(
        cli.config_file.read_text().replace(
            "[location:RegionOne]", "[location:RegionOne]\ncurrency = USD"
        )
    )
    cli.ok("rate", "set", "RegionOne", "730", "--from", "2026-11-01T01:00:00Z")
    world.run("1T03:05")

    cli.refused(2, "choose one with --currency", *REPORT, "2026-11", "-f", "json")
    euro = cli.ok(*REPORT, "2026-11", "-f", "json", "--currency", "EUR").json
    dollar = cli.ok(*REPORT, "2026-11", "-f", "json", "--currency", "USD").json

    assert (euro["total"], dollar["total"]) == ("1.00", "2.00")
    [in_euro], [in_dollar] = euro["sections"], dollar["sections"]
    assert in_euro["previous"]["total"] == "13.00"
    assert in_dollar["previous"] is None
    # The image goes on, in dollars: 717 hours from 03:00 on the first.
    assert in_euro["lines"][0]["ending"] == "rate_changed"
    assert in_euro["forecast"]["expected"] == "0.00"
    assert in_dollar["forecast"]["expected"] == "717.00"


# ------------------------------------------------------------------------ locales


def test_a_report_is_in_the_language_that_was_asked_for(cli: CommandLine, world: World) -> None:
    world.capture("2T12:00", size=1500 * GB)
    world.run("2T13:05")

    text = cli.ok(*REPORT, "2026-11", "-f", "text", "--locale", "de_DE").out
    page = cli.ok(*REPORT, "2026-11", "-f", "html", "--locale", "de").out

    assert "Cloud-Nutzung" in text
    assert text.endswith("\nGesamtbetrag  1.500,00 EUR\n")
    assert '<html lang="de">' in page


def test_an_unknown_locale_is_refused_before_anything_is_read(
    configured: ConfiguredCommandLine,
) -> None:
    cli = configured()
    cli.clock = SetClock(at("1T00:00"))

    for output_format in ("html", "text", "json", "csv"):
        cli.refused(
            2, "'xx_YY' is not a known locale", *REPORT, "2026-11", "-f", output_format,
            "--locale", "xx_YY",
        )  # fmt: skip
