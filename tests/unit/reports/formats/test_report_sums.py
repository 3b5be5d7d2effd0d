"""Whatever the ledger holds, every format adds up to what was posted, when it is read back."""

import csv
import io
import json
import re
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from instance_images_reports.formats.csv import render_csv
from instance_images_reports.formats.html import render_html
from instance_images_reports.formats.json import render_json
from instance_images_reports.formats.text import render_text
from instance_images_reports.presentation import Presentation
from instance_images_reports.statement.location_ledger import LocationLedger
from instance_images_reports.statement.statement import Statement

from support.statements.any_statement import CURRENCY_DIGITS, ledgers_and_statements, statements

LOCALES = st.sampled_from(["en_GB", "de_DE", "fr_FR", "hi_IN"])


@settings(max_examples=50, deadline=None)
@given(ledgers_and_statements())
def test_the_total_is_what_was_posted_rounded_once(
    made: tuple[Sequence[LocationLedger], Statement],
) -> None:
    ledgers, statement = made
    nanos = sum(posting.amount_nanos for one in ledgers for posting in one.postings)
    nanos += sum(each.amount_nanos for one in ledgers for each in one.adjustments)
    nanos += sum(each.amount_nanos for one in ledgers for each in one.minimums)

    cent = Decimal(1).scaleb(-CURRENCY_DIGITS[statement.currency])
    assert statement.total == Decimal(nanos).scaleb(-9).quantize(cent, ROUND_HALF_EVEN)


@settings(max_examples=50, deadline=None)
@given(statements())
def test_json_read_back_adds_up(statement: Statement) -> None:
    report = json.loads(render_json(statement))

    [section] = report["sections"]
    beside = sum(Decimal(one["amount"]) for one in section["adjustments"])
    lines = sum(Decimal(line["amount"]) for line in section["lines"])
    assert lines + beside == Decimal(section["total"]) == Decimal(report["total"])
    assert sum(Decimal(one["amount"]) for one in section["subtotals"]) == statement.total
    for subtotal in section["subtotals"]:
        own = [
            Decimal(one["amount"])
            for one in [*section["lines"], *section["adjustments"]]
            if one["location"] == subtotal["location"]
        ]
        assert sum(own) == Decimal(subtotal["amount"])
    if section["shares"]:
        assert sum(Decimal(share["amount"]) for share in section["shares"]) == lines
        assert sum(Decimal(share["percent"]) for share in section["shares"]) == 100
        assert sum(share["images"] for share in section["shares"]) == len(
            {line["image_id"] for line in section["lines"]}
        )


@settings(max_examples=50, deadline=None)
@given(statements())
def test_csv_read_back_adds_up(statement: Statement) -> None:
    rows = csv.DictReader(io.StringIO(render_csv(statement), newline=""))

    assert sum(Decimal(row["amount"]) for row in rows) == statement.total


class Charges(HTMLParser):
    """The last cell of each row of the table of lines, by the part of the table and its class."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._row, self._is_charge = "", False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        if tag == "tfoot":
            self._row = "total"
        elif tag == "tr" and self._row != "total":
            self._row = "subtotal" if "subtotal" in classes else "row"
        self._is_charge = tag == "td" and "charge" in classes

    def handle_data(self, data: str) -> None:
        if self._is_charge and data.strip():
            self.found.append((self._row, data.strip()))

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._row = ""


@settings(max_examples=25, deadline=None)
@given(statements(), LOCALES)
def test_html_read_back_adds_up_in_any_locale(statement: Statement, locale: str) -> None:
    charges = Charges(render_html(statement, Presentation(locale=locale))).found

    def added(row: str) -> Decimal:
        return sum((number(text, statement) for kind, text in charges if kind == row), Decimal(0))

    if charges:
        assert added("row") == added("total") == statement.total
        is_parted = len(statement.sections[0].subtotals) > 1
        assert added("subtotal") == (statement.total if is_parted else 0)
    else:
        assert statement.total == 0


@settings(max_examples=25, deadline=None)
@given(statements(), LOCALES)
def test_text_read_back_adds_up_in_any_locale(statement: Statement, locale: str) -> None:
    content = render_text(statement, Presentation(locale=locale), width=300)
    tables = re.split(r"\n-{40,}\n", content)

    if len(tables) == 3:
        total_row = tables[2].splitlines()[0]
        # Charges are in the last column: only rows that have one are as wide as the table.
        rows = [row for row in tables[1].split("\n") if cell_len(row) == cell_len(total_row)]
        times = 2 if len(statement.sections[0].subtotals) > 1 else 1  # lines, and subtotals
        added = sum(number(charge_of(row), statement) for row in rows)
        assert added == times * statement.total
        assert number(charge_of(total_row), statement) == statement.total
    else:
        assert statement.total == 0


def charge_of(row: str) -> str:
    return re.split(r"  +", row)[-1]


def number(text: str, statement: Statement) -> Decimal:
    """Read a number of any locale: its digits, with as many decimals as its currency has."""
    digits = re.sub(r"[^\d-]", "", text)
    return Decimal(digits).scaleb(-CURRENCY_DIGITS[statement.currency])
