"""The workbook, opened again: what finance books from is what the statement says."""

import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO

import pytest
from openpyxl.worksheet.worksheet import Worksheet

from instance_images.errors import Refused
from instance_images.names import printable
from instance_images_reports.formats.registry import render
from instance_images_reports.formats.xlsx.workbook import require_rows
from instance_images_reports.presentation import Presentation
from instance_images_reports.statement.charges import Charge, charge_section
from instance_images_reports.statement.statement import Statement

from support.statements import sample_statements as samples
from support.statements.workbooks import Book

ALL_SAMPLES = [
    samples.plain,
    samples.empty,
    samples.closed,
    samples.adjusted,
    samples.yen,
    samples.dinars,
    samples.gibibytes,
    samples.hostile,
]


def book(statement: Statement, presentation: Presentation | None = None) -> Book:
    return Book.of(render("xlsx", statement, presentation or Presentation()))


def column(sheet: Worksheet, title: str) -> list[object]:
    """Return the values below that title, less the row of the total."""
    found = next(cell for cell in sheet[1] if str(cell.value).startswith(title))
    return [row[found.column - 1].value for row in sheet.iter_rows(min_row=2)][:-1]


def on(text: str) -> datetime:
    """Return an instant as a cell has it, which knows no zone."""
    return datetime.fromisoformat(text)


def facts(found: Book) -> dict[str, object]:
    return {row[0].value: row[1].value for row in found.sheet("Summary").iter_rows(max_row=12)}


# ---------------------------------------------------------------------------- money


@pytest.mark.parametrize("sample", ALL_SAMPLES)
def test_every_formula_calculates_what_was_stored_with_it(sample: object) -> None:
    assert callable(sample)
    found = book(sample())

    formulas = found.all_formulas()

    assert len(formulas) >= 4
    for title, address in formulas:
        stored = found.stored[title][address].value
        assert found.value(title, address) == Decimal(repr(stored)), (title, address)


@pytest.mark.parametrize("sample", ALL_SAMPLES)
def test_lines_read_back_add_up_to_the_total_of_the_statement(sample: object) -> None:
    assert callable(sample)
    statement = sample()

    charges = column(book(statement).sheet("Images"), "Charge")

    assert sum((Decimal(repr(charge)) for charge in charges), Decimal(0)) == statement.total


def test_amounts_are_stored_with_the_digits_of_the_decimal() -> None:
    content = render("xlsx", samples.adjusted())

    with zipfile.ZipFile(BytesIO(content)) as file:
        lines = file.read("xl/worksheets/sheet2.xml").decode()
    for amount in ("0.37", "1.25", "0.15", "-0.01", "0.370547945", "0.144983333", "1449.833333"):
        assert f"<v>{amount}</v>" in lines


def test_an_amount_of_fifteen_digits_reads_back_to_the_cent() -> None:
    line = samples.plain().sections[0].lines[0]._replace(amount=Decimal("9999999999999.99"))
    statement = samples.of_lines(samples.plain(), [line], "9999999999999.99")

    found = book(statement)

    assert column(found.sheet("Images"), "Charge") == [9999999999999.99]
    assert found.value("Images", "L3") == Decimal("9999999999999.99")


def test_the_summary_shows_that_sections_and_report_agree() -> None:
    found = book(samples.adjusted())

    rows = {row[0].value: row[1].coordinate for row in found.sheet("Summary").iter_rows(max_row=18)}

    # 0.37 + 1.25 + 0.15 - 0.01 = 1.76
    assert found.value("Summary", rows["Images"]) == Decimal("1.76")
    assert found.value("Summary", rows["Total"]) == Decimal("1.76")
    assert found.value("Summary", rows["Total of the report"]) == Decimal("1.76")
    assert found.value("Summary", rows["Difference"]) == 0


def test_a_charge_that_somebody_changes_is_seen_in_the_difference() -> None:
    found = book(samples.plain())
    found.sheet("Images")["L2"].value = 1.26

    assert found.value("Summary", "B18") == Decimal("0.01")


def test_locations_are_added_up_from_the_lines() -> None:
    found = book(samples.adjusted())

    rows = {row[0].value: row[1].coordinate for row in found.sheet("Summary").iter_rows()}

    # 0.37 + 1.25 - 0.01, and 0.15
    assert found.value("Summary", rows["RegionOne"]) == Decimal("1.61")
    assert found.value("Summary", rows["RegionTwo"]) == Decimal("0.15")


@pytest.mark.parametrize(
    ("sample", "shown"),
    [(samples.plain, "#,##0.00"), (samples.yen, "#,##0"), (samples.dinars, "#,##0.000")],
)
def test_amounts_show_the_decimals_of_their_currency(sample: object, shown: str) -> None:
    assert callable(sample)

    assert book(sample()).sheet("Images")["L2"].number_format == shown


# ---------------------------------------------------------------------------- time


def test_instants_are_dates_in_the_zone_that_their_title_names() -> None:
    sheet = book(samples.plain()).sheet("Images")

    assert column(sheet, "Billable from (Europe/Berlin)")[2] == on("2026-11-20T12:30:30")
    assert column(sheet, "Billable from (UTC)")[2] == on("2026-11-20T11:30:30")
    assert column(sheet, "Hours")[2] == timedelta(hours=72, minutes=29, seconds=30)
    assert column(sheet, "Seconds")[2] == 260_970


def test_every_second_of_a_day_reads_back_exactly() -> None:
    line = samples.plain().sections[0].lines[0]
    midnight = datetime(2026, 11, 5, tzinfo=UTC)
    # 97 has no divisor in common with a day of 86,400 seconds
    starts = [midnight + timedelta(seconds=97 * number) for number in range(880)]
    lines = [line._replace(billable_from=start) for start in starts]
    statement = samples.of_lines(replace(samples.plain(), timezone="UTC"), lines, "325.60")

    sheet = book(statement).sheet("Images")

    shown = column(sheet, "Billable from (UTC)")
    assert shown == [start.replace(tzinfo=None) for start in starts]


# ---------------------------------------------------------------------------- names


def test_hostile_names_are_texts_and_nothing_else() -> None:
    found = book(samples.hostile())
    sheet = found.sheet("Images")

    names = column(sheet, "Name")

    shown = [printable(name) for name in samples.HOSTILE_NAMES]
    assert sorted(map(str, names[: len(shown)])) == sorted(shown)
    assert names[len(shown) :] == [f"{name}: {name}" for name in shown]
    for row in sheet.iter_rows(min_row=2, max_row=len(names) + 1):
        for cell in row[:4]:
            assert cell.data_type in ("s", "n")  # n where there is none
            assert cell.quotePrefix  # it stays a text when the cell is edited
            assert cell.hyperlink is None
    assert facts(found)["Account ID"] == "=cmd|' /C calc'!A0"


def test_a_workbook_holds_no_macro_no_link_and_no_connection() -> None:
    with zipfile.ZipFile(BytesIO(render("xlsx", samples.hostile()))) as file:
        names = file.namelist()
        texts = [file.read(name).decode() for name in names if name.endswith((".xml", ".rels"))]

    assert not [name for name in names if "vba" in name or "external" in name or "conn" in name]
    assert not [text for text in texts if 'TargetMode="External"' in text or "<hyperlink" in text]


def test_a_name_that_looks_like_an_escape_is_kept() -> None:
    line = samples.plain().sections[0].lines[0]._replace(name="_x0041_")

    found = book(samples.of_lines(samples.plain(), [line], "0.37"))

    assert column(found.sheet("Images"), "Name") == ["_x0041_"]


@pytest.mark.parametrize(
    ("title", "sheet_title"),
    [
        ("a/b: [c]?*\\", "a b   c"),
        ("History", "History 2"),
        ("'quoted'", "quoted"),
        ("Images", "Images 2"),
        ("A" * 60, "A" * 31),
        ("***", "Section"),
    ],
)
def test_any_title_becomes_one_that_a_sheet_can_have(title: str, sheet_title: str) -> None:
    charges = [Charge(name="a", amount=Decimal("1.00"))]
    statement = replace(
        samples.plain(), added=[charge_section("added", title, charges, 2)], total=Decimal("2.77")
    )

    found = book(statement)

    assert found.formulas.sheetnames[2] == sheet_title
    assert found.value("Summary", "B16") == 1


# --------------------------------------------------------------------------- reading


def test_a_sheet_is_ready_to_be_read_filtered_and_printed() -> None:
    found = book(samples.adjusted(), Presentation(paper="letter"))

    for sheet in found.formulas.worksheets[1:]:
        assert sheet.freeze_panes in ("C2", "A2")
        assert sheet.print_title_rows == "$1:$1"
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.page_setup.paperSize == 1  # Letter
        assert sheet.page_setup.fitToHeight == 0
    images = found.sheet("Images")
    assert images.auto_filter.ref == "A1:T5"  # four rows, and not the total
    assert images.print_area == "'Images'!$A$1:$L$6"
    assert images.oddFooter.left.text == "Example GmbH, November 2026"


def test_the_document_says_what_it_is() -> None:
    properties = book(samples.plain()).formulas.properties

    assert properties.title == "Cloud Usage, Example GmbH, November 2026"
    assert properties.subject == "5f0c6f1e2d3b4a59"
    assert properties.creator == "instance-images"
    assert properties.created == on("2026-11-23T12:00")


def test_the_summary_tells_account_period_and_what_is_missing() -> None:
    shown = facts(book(samples.plain()))

    assert shown["Account"] == "Example GmbH"
    assert shown["Period"] == "November 2026"
    assert shown["From"] == on("2026-11-01")
    assert shown["Time zone"] == "Europe/Berlin"
    assert shown["Metered until"] == on("2026-11-23T13:00")
    assert "are not in this report yet" in str(shown["Note"])


def test_titles_are_in_the_readers_language() -> None:
    found = book(samples.plain(), Presentation(locale="de_DE"))

    assert found.formulas.sheetnames == ["Zusammenfassung", "Images", "Werte nach Tagen"]
    assert column(found.sheet("Images"), "Betrag (EUR)") == [1.25, 0.37, 0.15]


def test_the_days_have_a_sheet_with_charts() -> None:
    sheet = book(samples.plain()).sheet("Values by day")

    rows = list(sheet.iter_rows(min_row=2, values_only=True))

    assert rows[9] == (on("2026-11-10"), 55.625, 0.091438356)
    assert len(rows) == 23


def test_the_same_statement_gives_the_same_file() -> None:
    assert render("xlsx", samples.adjusted()) == render("xlsx", samples.adjusted())


def test_more_lines_than_a_sheet_has_rows_are_refused() -> None:
    require_rows(1_048_576)

    with pytest.raises(Refused, match="1048577 rows"):
        require_rows(1_048_577)
