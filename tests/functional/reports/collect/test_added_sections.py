"""Sections that are installed by entry point, in the report of a real ledger."""

import csv
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from instance_images.db.accounts import lock_account
from instance_images.model.records import Account
from instance_images_reports.collect.added_sections import SectionRequest
from instance_images_reports.statement.charges import charge_section

from support.processes.command_line import CommandLine
from support.statements import installed_sections
from support.statements import sample_statements as samples
from support.statements.workbooks import Book
from support.worlds import report_ledger
from support.worlds.ledger_world import World, at

REPORT = ("report", "cloud-usage", "--period", "2026-11")

Installed = Callable[..., CommandLine]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    """Install sections of these functions under their names, and return a command line."""

    def install(*functions: str, name: str = "") -> CommandLine:
        points = [
            f"{name or one} = support.statements.installed_sections:{one}" for one in functions
        ]
        site = installed_sections.install(tmp_path / "site", *points)
        monkeypatch.syspath_prepend(str(site))
        return report_ledger.command_line(tmp_path)

    return install


def test_installed_sections_are_part_of_the_report_and_of_its_total(installed: Installed) -> None:
    report = installed("support", "addresses", "nothing").ok(*REPORT, "-f", "json").json

    # 720 hours x 0.0051 = 3.672; 1 x 0.333; images 3.00
    assert [(one["name"], one["total"]) for one in report["sections"]] == [
        ("images", "3.00"),
        ("addresses", "3.67"),
        ("support", "0.33"),
    ]
    assert report["total"] == "7.00"
    [address] = report["sections"][1]["lines"]
    assert (address["quantity"], address["amount_exact"]) == ("720", "3.672000000")


def test_every_format_adds_up_with_them(installed: Installed) -> None:
    cli = installed("support", "addresses")

    rows = csv.DictReader(io.StringIO(cli.ok(*REPORT, "-f", "csv").out))
    book = Book.of(cli.ok(*REPORT, "-f", "xlsx").content)
    text = cli.ok(*REPORT, "-f", "text").out
    html = cli.ok(*REPORT, "-f", "html").out

    assert sum(Decimal(row["amount"]) for row in rows) == Decimal("7.00")
    assert book.formulas.sheetnames[1:4] == ["Images", "Addresses", "Support"]
    totals = {row[0].value: row[1].coordinate for row in book.sheet("Summary").iter_rows()}
    assert book.value("Summary", totals["Total"]) == Decimal("7.00")
    assert text.endswith("\nTotal  EUR 7.00\n")
    assert "EUR\xa07.00" in html


def test_an_installed_section_is_had_alone(installed: Installed) -> None:
    cli = installed("addresses")

    assert cli.ok(*REPORT, "-f", "json", "--section", "addresses").json["total"] == "3.67"
    assert "203.0.113.7" in cli.ok(*REPORT, "-f", "html", "--section", "addresses").out


def test_a_section_can_bring_a_template_of_its_own(installed: Installed, tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "sections"
    folder.mkdir(parents=True)
    (folder / "addresses.html.j2").write_text("<p>{{ section.lines[0].quantity }} hours</p>")
    cli = installed("addresses")
    text = cli.config_file.read_text()
    cli.config_file.write_text(
        text.replace("template_directories =", f"template_directories = {folder.parent}")
    )

    assert "<p>720 hours</p>" in cli.ok(*REPORT, "-f", "html").out


@pytest.mark.parametrize(
    ("function", "name", "exit_code", "told"),
    [
        (
            "faulty",
            "",
            2,
            "Section faulty (support.statements.installed_sections:faulty) failed for account a: "
            "RuntimeError: no",
        ),
        ("inexact", "", 2, "the amount 0.1 is no exact Decimal"),
        (
            "missing",
            "",
            2,
            "Section missing (support.statements.installed_sections:missing) failed",
        ),
        ("unreachable", "", 4, "account a: The address service does not answer"),
        (
            "nothing",
            "images",
            2,
            "Section images (support.statements.installed_sections:nothing) has an invalid name",
        ),
        ("nothing", "../x", 2, "has an invalid name"),
    ],
)
def test_a_section_that_fails_leaves_no_report_without_it(
    function: str, name: str, exit_code: int, told: str, installed: Installed, tmp_path: Path
) -> None:
    cli = installed(function, name=name)

    refused = cli.refused(exit_code, told, *REPORT, "-o", str(tmp_path / "report.json"))

    assert "hunter2" not in refused.err
    assert not (tmp_path / "report.json").exists()


ALL = ("report", "cloud-usage", "--all-accounts", "--period", "2026-11", "--jobs", "1")


@pytest.fixture
def several(tmp_path: Path, installed: Installed) -> Callable[..., CommandLine]:
    """Install sections; accounts a and b have images, c never had one."""

    def install(*functions: str, name: str = "") -> CommandLine:
        cli = installed(*functions, name=name)
        world = World(cli.application.database)
        world.clock.now = at("2T15:06")
        world.capture("2T15:10", "db", "b")
        world.run("2T17:05")
        with cli.application.database.writing() as connection:
            lock_account(connection, "RegionOne", Account("c", "name of c"))
        return cli

    return install


@pytest.mark.parametrize("name", ["json", "csv", "html", "text", "xlsx"])
def test_a_folder_of_all_accounts_has_the_sections_and_reconciles(
    name: str, several: Installed, tmp_path: Path
) -> None:
    cli = several("addresses", "nothing")
    folder = tmp_path / "r"

    cli.ok(*ALL, "-f", name, "-o", str(folder))

    manifest = json.loads((folder / "manifest.json").read_text())
    # Each account has an address for 3.672, c has nothing else. a has a GB for 3:05 hours, b for
    # 1:50.
    assert [
        (row["account_id"], row["total"], row["added"], row["report_total"])
        for row in manifest["accounts"]
    ] == [
        ("a", "3.08", {"addresses": "3.67"}, "6.75"),
        ("b", "1.83", {"addresses": "3.67"}, "5.50"),
        ("c", "0.00", {"addresses": "3.67"}, "3.67"),
    ]
    assert manifest["added_totals"] == [
        {"section": "addresses", "currency": "EUR", "total": "11.01"}
    ]
    assert (folder / manifest["accounts"][2]["path"]).read_bytes()
    (euro,) = json.loads((folder / "summary.json").read_text())["currencies"]
    assert euro["added"] == [{"section": "addresses", "accounts": 3, "total": "11.01"}]
    assert (euro["total"], euro["report_total"]) == ("4.91", "15.92")
    assert "15.92" in (folder / "summary.txt").read_text()
    assert "15.92" in (folder / "summary.html").read_text()
    rows = list(csv.DictReader((folder / "summary.csv").read_text().splitlines()))
    assert [(row["account_id"], row["total"], row["report_total"]) for row in rows] == [
        ("a", "3.08", "6.75"),
        ("b", "1.83", "5.50"),
        ("c", "", "3.67"),
    ]
    assert [row["file"] for row in rows] == [row["path"] for row in manifest["accounts"]]
    cli.ok("report", "reconcile", "--period", "2026-11", str(folder))
    cli.ok("report", "reconcile", "--period", "2026-11")


def test_the_printed_summary_has_the_sections(several: Installed) -> None:
    assert "addresses" in several("addresses").ok(*ALL, "-f", "text").out


def test_a_changed_section_is_found(several: Installed, tmp_path: Path) -> None:
    cli = several("addresses")
    cli.ok(*ALL, "-f", "json", "-o", str(tmp_path / "r"))
    manifest = tmp_path / "r/manifest.json"
    text = manifest.read_text()

    manifest.write_text(text.replace('"total": "11.01"', '"total": "12.01"'))
    assert (
        "section addresses, EUR: the reports add up to 11.01"
        in cli("report", "reconcile", "--period", "2026-11", str(tmp_path / "r")).err
    )

    changed = text.replace('{"addresses": "3.67"}, "report_total": "6.75"',
                           '{"addresses": "2.67"}, "report_total": "5.75"')  # fmt: skip
    manifest.write_text(changed.replace('"total": "11.01"', '"total": "10.01"'))
    assert (
        "accounts/a_EUR.json"
        in cli("report", "reconcile", "--period", "2026-11", str(tmp_path / "r")).err
    )


def test_a_section_that_fails_names_the_account_and_leaves_no_folder(
    several: Installed, tmp_path: Path
) -> None:
    cli = several("faulty_for_b", name="faulty-for-b")

    cli.refused(
        2, "failed for account b: RuntimeError", *ALL, "-f", "csv", "-o", str(tmp_path / "r")
    )

    assert not (tmp_path / "r").exists()
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".r.")] == []


def test_the_example_of_the_documents_makes_a_section() -> None:
    page = (Path(__file__).parents[4] / "doc/source/contributor/report-sections.md").read_text()
    source = page.partition("```python\n")[2].partition("```")[0]

    namespace: dict[str, object] = {}
    exec(source, namespace)

    request = SectionRequest(
        sa.create_engine("sqlite://").connect(),
        samples.plain().account,
        samples.PERIOD,
        ZoneInfo("Europe/Berlin"),
        "EUR",
    )
    content = namespace["addresses"](request)  # type: ignore[operator]
    section = charge_section("addresses", content.title, content.charges, 2)
    # 720 hours x 0.005
    assert (section.title, section.total) == ("Addresses", Decimal("3.60"))
