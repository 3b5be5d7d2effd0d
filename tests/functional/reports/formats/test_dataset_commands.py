"""Parquet and FOCUS at the command line, of a real ledger: read back, they hold what it charges."""

import csv
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from conftest import ConfiguredCommandLine
from support.processes.command_line import CommandLine, SetClock
from support.worlds.ledger_world import World, at

NOVEMBER = ("report", "cloud-usage", "--period", "2026-11")


@pytest.fixture
def cli(configured: ConfiguredCommandLine) -> CommandLine:
    return configured(
        location="free_gb = 0.5\nminimum_charge = 500",
        report="provider_name = Example Cloud\npayment_terms = Net 30",
    )


@pytest.fixture
def world(cli: CommandLine) -> World:
    """A world on the same ledger: an image from 12:15 to 20:00 on the 29th, known on the 30th.

    November ends on a minimum charge: the hours cost 1 EUR per GB, the minimum is 500.
    """
    cli.clock = SetClock(at("29T00:00"))
    cli.ok("rate", "set", "RegionOne", "730")
    world = World(cli.application.database)
    image_id = world.capture("29T12:15", "=1+1")
    world.run("30T00:05")
    world.delete("29T20:00", image_id)
    world.run("30T01:05")
    cli.clock = world.clock
    return world


def close_november(cli: CommandLine, world: World) -> None:
    december = at("1T00:00").replace(month=12, hour=3)
    world.run(december)
    world.clock.now = december
    cli.ok("period", "close", "2026-11", "--yes")


def csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_both_hold_what_the_ledger_charges(cli: CommandLine, world: World, tmp_path: Path) -> None:
    parquet, focus = tmp_path / "parquet", tmp_path / "focus"

    cli.ok(*NOVEMBER, "-f", "parquet", "-o", str(parquet))
    cli.ok(*NOVEMBER, "-f", "focus", "-o", str(focus))

    report = cli.ok(*NOVEMBER, "-f", "json").json
    rows = pq.read_table(parquet).to_pylist()
    assert {row["kind"] for row in rows} == {"usage", "correction", "allowance"}
    assert sum(row["amount"] for row in rows) == Decimal(report["total"])
    costs = csv_rows(focus / "cost-and-usage.csv")
    assert sum(Decimal(row["BilledCost"]) for row in costs) == Decimal(report["total"])
    assert {row["ServiceProviderName"] for row in costs} == {"Example Cloud"}
    assert {row["ResourceName"] for row in costs} == {"'=1+1", ""}


def test_a_closed_period_is_issued_with_its_minimum_charge(
    cli: CommandLine, world: World, tmp_path: Path
) -> None:
    close_november(cli, world)

    cli.ok(*NOVEMBER, "-f", "focus", "-o", str(tmp_path / "focus"))
    cli.ok(*NOVEMBER, "-f", "parquet", "-o", str(tmp_path / "parquet"))

    details = csv_rows(tmp_path / "focus" / "invoice-detail.csv")
    assert sum(Decimal(row["BilledCost"]) for row in details) == 500
    assert {row["InvoiceIssueStatus"] for row in details} == {"Issued"}
    assert {row["InvoiceIssueDate"] for row in details} == {"2026-12-01T03:00:00Z"}
    assert {row["PaymentTerms"] for row in details} == {"Net 30"}
    (period,) = csv_rows(tmp_path / "focus" / "billing-period.csv")
    assert period["BillingPeriodStatus"] == "Closed"
    (minimum,) = pq.read_table(tmp_path / "parquet", filters=[("kind", "=", "minimum")]).to_pylist()
    assert minimum["period_state"] == "closed"
    assert minimum["closed_at"] == world.clock.now


def test_the_version_of_focus_is_chosen(cli: CommandLine, world: World, tmp_path: Path) -> None:
    cli.ok(*NOVEMBER, "-f", "focus", "--focus-version", "1.2", "-o", str(tmp_path / "focus"))

    assert [path.name for path in (tmp_path / "focus").iterdir()] == ["cost-and-usage.csv"]
    assert {row["ProviderName"] for row in csv_rows(tmp_path / "focus" / "cost-and-usage.csv")} == {
        "Example Cloud"
    }


def test_focus_names_the_type_of_account_that_the_configuration_says(
    cli: CommandLine, world: World, tmp_path: Path
) -> None:
    def types_in(folder: str) -> set[str]:
        cli.ok(*NOVEMBER, "-f", "focus", "-o", str(tmp_path / folder))
        costs = csv_rows(tmp_path / folder / "cost-and-usage.csv")
        return {row["BillingAccountType"] for row in costs}

    by_project = types_in("projects")
    config = cli.config_file.read_text()
    cli.config_file.write_text(config.replace("[DEFAULT]", "[DEFAULT]\naccount_scope = domain"))

    assert by_project == {"Project"}
    assert types_in("domains") == {"Domain"}


@pytest.mark.parametrize("form", ["parquet", "focus"])
def test_a_folder_needs_a_name(cli: CommandLine, world: World, form: str) -> None:
    cli.refused(2, "is a folder of files: name it with -o", *NOVEMBER, "-f", form)


@pytest.mark.parametrize("more", [("--section", "images"), ("--mail-to", "a@example.com")])
def test_a_folder_is_not_mailed_and_has_no_section_alone(
    cli: CommandLine, world: World, more: tuple[str, str], tmp_path: Path
) -> None:
    command = (*NOVEMBER, "-f", "focus", "-o", str(tmp_path / "focus"), *more)

    cli.refused(2, "is a folder of files: it cannot be mailed or limited to a section", *command)


@pytest.mark.parametrize("form", ["parquet", "focus"])
def test_a_data_set_that_exists_is_replaced_if_it_may(
    cli: CommandLine, world: World, tmp_path: Path, form: str
) -> None:
    command = (*NOVEMBER, "-f", form, "-o", str(tmp_path / "data"))
    cli.ok(*command)
    before = sorted(path for path in (tmp_path / "data").rglob("*"))

    cli.refused(3, "exists: choose another name, or replace it with --force", *command)
    cli.ok(*command, "--force")

    assert sorted(path for path in (tmp_path / "data").rglob("*")) == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("form", ["parquet", "focus"])
def test_a_folder_with_anything_else_in_it_is_never_replaced(
    cli: CommandLine, world: World, tmp_path: Path, form: str
) -> None:
    precious = tmp_path / "home" / "thesis.odt"
    precious.parent.mkdir()
    precious.write_text("years of work")

    cli.refused(
        3,
        "home holds thesis.odt, which is not part of a data set",
        *(*NOVEMBER, "-f", form, "-o", str(precious.parent), "--force"),
    )

    assert precious.read_text() == "years of work"


def test_without_its_extra_parquet_names_it_and_leaves_nothing(
    cli: CommandLine, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # as where it is not installed
    before = set(tmp_path.iterdir())

    cli.refused(
        2,
        "needs pyarrow, which is not installed: install instance-images[parquet].",
        *(*NOVEMBER, "-f", "parquet", "-o", str(tmp_path / "data")),
    )

    assert set(tmp_path.iterdir()) == before


def test_a_provider_without_a_name_is_told_with_the_key(configured: ConfiguredCommandLine) -> None:
    cli = configured()
    cli.config_file.write_text(cli.config_file.read_text() + "[report]\nprovider_name =\n")

    cli.refused(2, "[report] provider_name is empty", *NOVEMBER, "-f", "json")
