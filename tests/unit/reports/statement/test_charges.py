"""Sections that others add: how their charges are rounded, and how each format shows them."""

import csv
import io
import json
import re
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instance_images.errors import NotFound, UsageError
from instance_images_reports.formats.registry import render, render_section
from instance_images_reports.statement.charges import Charge, charge_section
from instance_images_reports.statement.statement import Statement

from support.statements import sample_statements as samples
from support.statements.workbooks import Book

EVIL = '=1+1 <b>"\x1b[31m\u202e'

CHARGES = [
    # 744 hours at 0.002: 1.488
    Charge(
        name="203.0.113.7",
        amount=Decimal("1.488"),
        details="reserved",
        location="RegionOne",
        quantity=Decimal(744),
        unit="h",
        rate=Decimal("0.002"),
    ),
    Charge(
        name=EVIL, amount=Decimal("0.004"), details=EVIL, location=EVIL, quantity=None, unit=EVIL
    ),
    Charge(name="refund", amount=Decimal("-0.25")),
]


def with_addresses() -> Statement:
    """As plain, with a section of addresses: 1.488 + 0.004 - 0.25 = 1.242, and 1.77 + 1.24."""
    section = charge_section("addresses", "Addresses", CHARGES, 2)
    return replace(samples.plain(), added=[section], total=Decimal("3.01"))


# ---------------------------------------------------------------------- arithmetic


def test_a_section_is_rounded_once_and_its_lines_add_up_to_it() -> None:
    section = charge_section("addresses", "Addresses", CHARGES, 2)

    # 1.48 + 0.00 - 0.25 rounded down is 1.23: the first lost 0.008, most of all
    assert section.total == Decimal("1.24")
    assert [line.amount for line in section.lines] == [
        Decimal("1.49"),
        Decimal("0.00"),
        Decimal("-0.25"),
    ]
    assert section.lines[0].amount_exact == Decimal("1.488000000")


def test_a_half_goes_to_the_even_neighbour() -> None:
    assert charge_section(
        "a", "A", [Charge(name="a", amount=Decimal("0.125"))], 2
    ).total == Decimal("0.12")
    assert charge_section(
        "a", "A", [Charge(name="a", amount=Decimal("0.135"))], 2
    ).total == Decimal("0.14")


def test_a_section_without_charges_comes_to_nothing() -> None:
    section = charge_section("a", "A", [], 2)

    assert (section.total, section.lines) == (Decimal("0.00"), [])


@given(
    st.lists(st.decimals(-(10**6), 10**6, places=12), max_size=20),
    st.integers(min_value=0, max_value=3),
)
def test_lines_add_up_to_the_rounded_sum_of_any_charges(
    amounts: list[Decimal], digits: int
) -> None:
    section = charge_section(
        "a", "A", [Charge(name="a", amount=amount) for amount in amounts], digits
    )

    exact = sum(map(Fraction, amounts), Fraction(0))
    assert sum((line.amount for line in section.lines), Decimal(0)) == section.total
    assert abs(Fraction(section.total) - exact) * 2 <= Fraction(1, 10**digits)
    for line, amount in zip(section.lines, amounts, strict=True):
        assert abs(Fraction(line.amount) - Fraction(amount)) < Fraction(1, 10**digits)


# ------------------------------------------------------------------- in each format


def test_json_shows_an_added_section_behind_the_images() -> None:
    report = json.loads(render("json", with_addresses()))

    assert report["total"] == "3.01"
    assert [section["name"] for section in report["sections"]] == ["images", "addresses"]
    added = report["sections"][1]
    assert (added["title"], added["total"], added["adjustments"]) == ("Addresses", "1.24", [])
    assert added["lines"][0] == {
        "name": "203.0.113.7",
        "details": "reserved",
        "location": "RegionOne",
        "quantity": "744",
        "unit": "h",
        "rate": "0.002",
        "amount_exact": "1.488000000",
        "amount": "1.49",
    }
    assert added["lines"][1]["quantity"] is added["lines"][1]["rate"] is None


def test_csv_rows_of_all_sections_add_up_to_the_total() -> None:
    rows = list(csv.DictReader(io.StringIO(render("csv", with_addresses()).decode(), newline="")))

    assert sum(Decimal(row["amount"]) for row in rows) == Decimal("3.01")
    assert [row["section"] for row in rows] == ["images"] * 3 + ["addresses"] * 3
    assert (rows[3]["details"], rows[3]["quantity"], rows[3]["rate"]) == (
        "reserved",
        "744",
        "0.002",
    )
    assert rows[4]["name"] == rows[4]["details"] == rows[4]["unit"] == "'=1+1 <b>\"[31m"


def test_text_shows_an_added_section_with_its_total() -> None:
    content = render("text", with_addresses()).decode()

    assert "\nAddresses\n---------\n" in content
    assert re.search(r"^203.0.113.7 +reserved +RegionOne +744 h +0.002 +1.49$", content, re.M)
    assert re.search(r"^Addresses total +1.24$", content, re.M)
    assert content.endswith("\nTotal  EUR 3.01\n")
    assert "\x1b" not in content
    assert "\u202e" not in content


def test_html_shows_an_added_section_and_escapes_it() -> None:
    content = render("html", with_addresses()).decode()

    assert '<h2 id="section-addresses">Addresses</h2>' in content
    assert "=1+1 &lt;b&gt;&#34;[31m" in content
    assert "<b>" not in content
    assert content.count("EUR\xa03.01") == 2


def test_a_workbook_has_a_sheet_for_an_added_section() -> None:
    book = Book.of(render("xlsx", with_addresses()))

    sheet = book.sheet("Addresses")
    assert [cell.value for cell in sheet[2]] == [
        "203.0.113.7", "reserved", "RegionOne", 744, "h", 0.002, 1.49, 1.488,
    ]  # fmt: skip
    assert sheet["A3"].data_type == "s"
    assert book.value("Addresses", "G5") == Decimal("1.24")
    rows = {row[0].value: row[1].coordinate for row in book.sheet("Summary").iter_rows(max_row=20)}
    assert book.value("Summary", rows["Total"]) == Decimal("3.01")
    assert book.value("Summary", rows["Difference"]) == 0


# ----------------------------------------------------------------- a section alone


def test_a_section_alone_is_the_object_that_stands_in_the_report() -> None:
    alone = json.loads(render_section("json", with_addresses(), "images"))

    assert alone == json.loads(render("json", with_addresses()))["sections"][0]


def test_an_added_section_can_be_had_alone() -> None:
    alone = json.loads(render_section("json", with_addresses(), "addresses"))

    assert alone == json.loads(render("json", with_addresses()))["sections"][1]


def test_a_section_alone_is_an_element_without_a_page_around_it() -> None:
    content = render_section("html", samples.plain(), "images").decode()

    assert content.lstrip().startswith('<div class="cloud-usage" lang="en">')
    assert content.rstrip().endswith("</div>")
    for element in ("<html", "<head", "<body", "<main", "<meta", "<script", "<footer"):
        assert element not in content
    assert "production-<wbr>web-<wbr>server-<wbr>v2" in content
    assert "How a charge comes about" not in content


def test_an_unknown_section_is_not_found_and_the_known_are_named() -> None:
    with pytest.raises(NotFound, match=r"'volumes' was not found. The report has: images, addr"):
        render_section("json", with_addresses(), "volumes")


def test_formats_without_sections_say_which_have_them() -> None:
    with pytest.raises(UsageError, match="A section alone is written as html or json, not as csv"):
        render_section("csv", samples.plain(), "images")
