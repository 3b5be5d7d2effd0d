"""The files of a trend, opened by LibreOffice with English and with German settings."""

import csv
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from conftest import ConfiguredCommandLine
from support.processes.command_line import CommandLine
from support.processes.libreoffice import (
    COMMA,
    DECIMAL_MARKS,
    LANGUAGES,
    QUOTE,
    SEMICOLON,
    UTF_8,
    convert,
)
from support.worlds.ledger_world import World
from support.worlds.trend_world import two_accounts_of

pytestmark = pytest.mark.all

WHOSE = {"one": ("--account", "a"), "all": ("--all-accounts",)}


@pytest.fixture
def cli(configured: ConfiguredCommandLine) -> CommandLine:
    return configured()


@pytest.fixture
def two_accounts(cli: CommandLine) -> World:
    return two_accounts_of(cli)


@pytest.mark.parametrize("whose", WHOSE)
@pytest.mark.parametrize("locale", LANGUAGES)
def test_the_causes_are_numbers_in_the_reader_s_way(
    cli: CommandLine, two_accounts: World, tmp_path: Path, locale: str, whose: str
) -> None:
    file = tmp_path / "trend.xlsx"
    words = ("report", "trend", *WHOSE[whose], "--period", "2026-11", "--locale", locale)
    cli.ok(*words, "-o", str(file))
    tokens = f"{SEMICOLON},{QUOTE},{UTF_8},1,,{LANGUAGES[locale]},false,true,false,false,false,-1"

    convert(tmp_path, locale, file, "--convert-to", f"csv:Text - txt - csv (StarCalc):{tokens}")

    title = "Zusammenfassung" if locale == "de_DE" else "Summary"
    [sheet] = tmp_path.glob(f"trend-*{title}.csv")
    with sheet.open(encoding="utf-8") as opened:
        shown = {row[0]: row[1] for row in csv.reader(opened, delimiter=";") if len(row) > 1}
    change = "Änderung" if locale == "de_DE" else "Change"
    assert shown[change] == {"one": "2", "all": "17"}[whose]  # the sum of the causes
    price = "Preis" if locale == "de_DE" else "Price"
    assert shown[price] == "1.67".replace(".", DECIMAL_MARKS[locale])


@pytest.mark.parametrize("whose", WHOSE)
@pytest.mark.parametrize("locale", LANGUAGES)
def test_csv_is_read_as_numbers(
    cli: CommandLine, two_accounts: World, tmp_path: Path, locale: str, whose: str
) -> None:
    file = tmp_path / "trend.csv"
    words = ("report", "trend", *WHOSE[whose], "--period", "2026-11", "--locale", locale)
    cli.ok(*words, "-o", str(file))
    separator = SEMICOLON if locale == "de_DE" else COMMA
    tokens = f"{separator},{QUOTE},{UTF_8},1,,{LANGUAGES[locale]},false,true"

    convert(
        tmp_path, locale, file,
        f"--infilter=Text - txt - csv (StarCalc):{tokens}", "--convert-to", "xlsx",
    )  # fmt: skip

    sheet = openpyxl.load_workbook(tmp_path / "trend.xlsx").active
    assert sheet is not None
    titles, *rows = sheet.iter_rows(values_only=True)
    read = [dict(zip(titles, row, strict=True)) for row in rows]
    totals = [Decimal(str(row["total"])) for row in read]
    assert totals == {"one": [6, 8], "all": [6, 23]}[whose]
    assert {type(row["unit_months"]) for row in read} == {float}
