"""Files of reports, opened by LibreOffice with English and with German settings, and read back."""

import csv
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from pypdf import PdfReader

from instance_images_reports.formats.registry import render
from instance_images_reports.presentation import Presentation

from support.processes.libreoffice import (
    COMMA,
    DECIMAL_MARKS,
    LANGUAGES,
    QUOTE,
    SEMICOLON,
    UTF_8,
    convert,
)
from support.statements import sample_statements as samples

pytestmark = pytest.mark.all


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("libreoffice")


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_workbook_shows_its_numbers_in_the_reader_s_way(directory: Path, locale: str) -> None:
    file = directory / f"workbook-{locale}.xlsx"
    file.write_bytes(render("xlsx", samples.plain(), Presentation(locale)))
    # A number for a sheet: -1 is a file for each. As shown, calculated anew by LibreOffice.
    tokens = f"{SEMICOLON},{QUOTE},{UTF_8},1,,{LANGUAGES[locale]},false,true,false,false,false,-1"

    convert(directory, locale, file, "--convert-to", f"csv:Text - txt - csv (StarCalc):{tokens}")

    [sheet] = directory.glob(f"workbook-{locale}-Images.csv")
    with sheet.open(encoding="utf-8") as opened:
        rows = list(csv.reader(opened, delimiter=";"))
    mark = DECIMAL_MARKS[locale]
    charges = [row[11] for row in rows[1:]]
    assert charges == [each.replace(".", mark) for each in ("1.25", "0.37", "0.15", "1.77")]
    assert rows[1][13] == "22222222-2222-4222-8222-222222222222"


@pytest.mark.parametrize("locale", LANGUAGES)
def test_csv_is_read_as_numbers_and_ids_stay_texts(directory: Path, locale: str) -> None:
    file = directory / f"lines-{locale}.csv"
    file.write_bytes(render("csv", samples.plain(), Presentation(locale)))
    separator = SEMICOLON if locale == "de_DE" else COMMA
    tokens = f"{separator},{QUOTE},{UTF_8},1,,{LANGUAGES[locale]},false,true"

    convert(
        directory, locale, file,
        f"--infilter=Text - txt - csv (StarCalc):{tokens}", "--convert-to", "xlsx",
    )  # fmt: skip

    sheet = openpyxl.load_workbook(directory / f"lines-{locale}.xlsx").active
    assert sheet is not None
    titles, *rows = sheet.iter_rows(values_only=True)
    read = [dict(zip(titles, row, strict=True)) for row in rows]
    assert sum(Decimal(str(row["amount"])) for row in read) == Decimal("1.77")
    assert {type(row["amount"]) for row in read} == {float}
    assert {row["rate"] for row in read} == {0.05, 0.073}
    # For spreadsheets, an apostrophe keeps what looks like a number a text.
    ids = {str(row["image_id"]).lstrip("'") for row in read}
    assert "11111111-1111-4111-8111-111111111111" in ids


def test_a_workbook_is_printed_one_page_wide(directory: Path) -> None:
    file = directory / "printed.xlsx"
    file.write_bytes(render("xlsx", samples.plain()))

    convert(directory, "en_GB", file, "--convert-to", "pdf")

    summary, images, days = PdfReader(directory / "printed.pdf").pages
    assert summary.mediabox.width < summary.mediabox.height
    for page in (images, days):
        assert page.mediabox.width > page.mediabox.height
    # Each title stands whole on the page, and the last column is there.
    words = " ".join(images.extract_text().split())
    for title in ("(Europe/Berlin)", "GB-Hours", "GB and month)", "Charge (EUR)"):
        assert title in words
