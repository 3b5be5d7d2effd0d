"""``report trend`` on a real ledger: from the rows to every format."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pypdf import PdfReader

from instance_images.deployments.instances import Order, deploy
from instance_images_billing.pricing.periods import parse_period
from instance_images_reports.trend.collect import collect_trend, months_before

from conftest import ConfiguredCommandLine
from support.processes.command_line import CommandLine
from support.statements.workbooks import Book
from support.worlds.ledger_world import GB, World, at

HOSTILE = "<script>alert(1)</script>"
OCTOBER_31 = datetime(2026, 10, 31, 20, tzinfo=UTC)
NOVEMBER = ("report", "trend", "--account", "a", "--period", "2026-11")


@pytest.fixture
def cli(configured: ConfiguredCommandLine) -> CommandLine:
    return configured()


@pytest.fixture(autouse=True)
def world(cli: CommandLine) -> World:
    """Two images: one of 1 GB since 31 October 20:00, one of 2 GB since 1 November 01:00.

    A GB costs 1 EUR an hour. October: 4 hours, 4 EUR. November, three hours: 3 + 2 x 2 = 7 EUR.
    """
    world = World(cli.application.database)
    cli.clock = world.clock
    world.set_rate(from_hour=datetime(2026, 10, 1, tzinfo=UTC))
    world.capture(OCTOBER_31, name="web")
    world.run("1T00:05")
    world.capture("1T01:00", name=HOSTILE, size=2 * GB)
    world.run("1T03:05")
    return world


def test_the_change_is_explained(cli: CommandLine) -> None:
    found = cli.ok(*NOVEMBER, "-f", "json").json

    assert [(one["period"], one["total"]) for one in found["periods"]] == [
        ("2026-10", "4.00"),
        ("2026-11", "7.00"),
    ]
    # "web" was stored for three hours and not four: 1 EUR less.
    assert found["change"] == {
        "before": "4.00",
        "new": "4.00",
        "ended": "0.00",
        "volume": "0.00",
        "duration": "-1.00",
        "price": "0.00",
        "other": "0.00",
        "after": "7.00",
        "new_images": 1,
        "ended_images": 0,
        "month_length": "0.00",
        "rate_changed_at": None,
        "cut_short": "0.00",
        "cut_short_images": 0,
    }
    assert found["answer"] == (
        "November 2026: EUR 7.00, which is EUR 3.00 more than in October 2026 (EUR 4.00):"
        " +4.00 new images (1), -1.00 images stored for a shorter time."
    )
    assert found["forecast"] is None
    assert found["stored_count"] == 2


def test_an_account_without_charges_has_a_trend_of_zeros(cli: CommandLine) -> None:
    found = cli.ok("report", "trend", "--account", "a", "--period", "2026-09", "-f", "json").json

    assert [(one["period"], one["total"]) for one in found["periods"]] == [("2026-09", "0.00")]


def test_an_image_that_was_deployed_from_since_is_not_idle(cli: CommandLine, world: World) -> None:
    world.clock.now = at("1T03:10")
    owner = world.cloud.account("a")
    deploy(world.site, owner, "web", Order(name="vm", flavor="small"))
    november = parse_period("2026-11", world.billing.timezone)

    with world.database.reading() as connection:
        trend = collect_trend(
            connection,
            cli.application.settings,
            owner,
            november,
            periods=12,
            currency=None,
            idle_months=0,
        )

    # Hours are closed up to 03:00; 2 GB cost 1460 EUR in a month of 730 hours.
    assert trend.idle_since == at("1T03:00")
    assert [(one.name, str(one.monthly)) for one in trend.idle] == [(HOSTILE, "1460.00")]
    assert [one.deployed_at for one in trend.oldest] == [at("1T03:10"), None]


@pytest.mark.parametrize(
    ("instant", "months", "expected"),
    [
        ("2026-11-30T12:00", 3, "2026-08-30T12:00"),
        ("2027-05-31T00:00", 3, "2027-02-28T00:00"),
        ("2027-01-15T00:00", 13, "2025-12-15T00:00"),
    ],
)
def test_months_before_an_instant(instant: str, months: int, expected: str) -> None:
    utc = ZoneInfo("UTC")

    found = months_before(datetime.fromisoformat(instant).replace(tzinfo=UTC), months, utc)

    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize("locale", ["en_GB", "de_DE"])
def test_text_and_page_show_names_without_harm(cli: CommandLine, locale: str) -> None:
    text = cli.ok(*NOVEMBER, "--locale", locale).out
    page = cli.ok(*NOVEMBER, "--locale", locale, "-f", "html").out

    assert HOSTILE in text
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    for shown in (text, page.replace("\xa0", " ")):
        assert ("7,00" if locale == "de_DE" else "7.00") in shown


def test_csv_is_for_programs_or_for_spreadsheets(cli: CommandLine) -> None:
    for_programs = cli.ok(*NOVEMBER, "-f", "csv").out
    for_people = cli.ok(*NOVEMBER, "-f", "csv", "--locale", "de_DE").out

    rows = list(csv.DictReader(io.StringIO(for_programs)))
    assert [(row["period"], row["total"], row["new_images"]) for row in rows] == [
        ("2026-10", "4.00", "1"),
        ("2026-11", "7.00", "1"),
    ]
    assert for_people.startswith("\ufeff")
    [_, row] = csv.DictReader(io.StringIO(for_people.removeprefix("\ufeff")), delimiter=";")
    assert row["total"] == "7,00"


def test_the_file_decides_the_format_and_is_not_replaced(cli: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "trend.html"

    cli.ok(*NOVEMBER, "-o", str(file))

    assert file.read_text().startswith("<!doctype html>")
    cli.refused(3, "exists", *NOVEMBER, "-o", str(file))
    cli.refused(2, "suffix", *NOVEMBER, "-o", str(tmp_path / "trend.doc"))


def test_the_workbook_has_the_causes_and_their_sum(cli: CommandLine) -> None:
    book = Book.of(cli.ok(*NOVEMBER, "-f", "xlsx").content)

    rows = range(1, book.sheet("Summary").max_row + 1)
    causes = {book.value("Summary", f"A{row}"): book.value("Summary", f"B{row}") for row in rows}
    assert (causes["New images"], causes["Duration (time stored)"], causes["Change"]) == (4, -1, 3)
    assert len(book.all_formulas()) == 1
    assert [book.value("Periods", f"D{row}") for row in (2, 3)] == [4, 7]
    assert [book.value("Largest changes", f"A{row}") for row in (2, 3)] == [HOSTILE, "web"]


def test_the_pdf_has_every_column(cli: CommandLine) -> None:
    content = cli.ok(*NOVEMBER, "-f", "pdf").content

    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    text = text.replace("\xa0", " ")
    assert HOSTILE in text.replace("\n", "")
    for shown in ("EUR 7.00", "-1.00", "Grown", "Page 1 of"):
        assert shown in text
