"""The rules that each format of the Cloud Usage report keeps."""

import csv
import io
import json
import re
import subprocess
import sys
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from rich.cells import cell_len

from instance_images.names import printable
from instance_images_billing.pricing.periods import Period
from instance_images_reports.formats.csv import render_csv
from instance_images_reports.formats.csv_dialect import dialect_of, read_rows
from instance_images_reports.formats.html import render_html
from instance_images_reports.formats.json import FORECAST_BASIS, render_json
from instance_images_reports.formats.registry import render
from instance_images_reports.formats.text import render_text
from instance_images_reports.formats.wrapped_table import NAME, Column, wrapped_table
from instance_images_reports.presentation import Presentation
from instance_images_reports.statement.statement import Line, Statement, Subtotal

from support.statements import sample_statements as samples

VOID_ELEMENTS = {"meta", "link", "br", "img"}


class Page(HTMLParser):
    """The elements and the visible text of a page; fails where an element is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(html.replace("<wbr>", ""))  # a place to break, and no part of a name
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID_ELEMENTS:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open and data.strip():
            self.texts.append(" ".join(data.split()))

    def having(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def only_line(statement: Statement) -> Line:
    [line] = statement.sections[0].lines
    return line


def csv_rows(statement: Statement) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render_csv(statement), newline="")))


# -------------------------------------------------------------------------- all formats


@pytest.mark.parametrize("name", ["html", "text", "json", "csv"])
@pytest.mark.parametrize(
    "sample",
    [
        samples.plain,
        samples.empty,
        samples.closed,
        samples.adjusted,
        samples.yen,
        samples.dinars,
        samples.gibibytes,
        samples.hostile,
    ],
)
def test_a_report_has_no_character_that_steers_its_reader(name: str, sample: object) -> None:
    assert callable(sample)

    content = render(name, sample()).decode()

    kept = content.replace("\n", "").replace("\u200d", "")
    assert kept
    assert [c for c in kept if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"}] == []
    assert content.endswith("\n")


@pytest.mark.parametrize("name", ["html", "text", "json", "csv"])
def test_the_same_statement_gives_the_same_report(name: str) -> None:
    assert render(name, samples.plain()) == render(name, samples.plain())


def test_formats_are_imported_without_the_libraries_that_draw() -> None:
    code = (
        "import sys, instance_images_reports.formats.registry;"
        "import instance_images_reports.formats.html, instance_images_reports.formats.text;"
        "print([m for m in ('jinja2', 'markupsafe', 'rich', 'babel')"
        " if m in sys.modules])"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "[]"


# --------------------------------------------------------------------------------- json


def test_json_has_the_fields_of_the_contract_in_its_order() -> None:
    report = json.loads(render_json(samples.adjusted()))

    assert list(report) == [
        "report", "account", "period", "currency", "metered_until", "total", "sections", "budget",
    ]  # fmt: skip
    assert list(report["account"]) == ["id", "name"]
    assert list(report["period"]) == ["name", "start", "end", "timezone", "state"]
    [section] = report["sections"]
    assert list(section) == [
        "name", "title", "total", "lines", "adjustments", "subtotals", "shares", "previous",
        "forecast", "days",
    ]  # fmt: skip
    assert list(section["lines"][0]) == [
        "image_id", "name", "location", "source_instance_name", "size_bytes", "billable_from",
        "billable_until", "billable_seconds", "gb_hours", "rate", "amount_exact", "amount",
        "open", "unit", "hours_per_month", "partial_hour", "ending", "source_instance_id",
    ]  # fmt: skip
    assert list(section["adjustments"][0]) == [
        "image_id",
        "hour",
        "reason",
        "amount",
        "kind",
        "location",
        "until",
        "amount_exact",
        "name",
        "entry",
        "reverses",
    ]
    assert section["subtotals"][0] == {"location": "RegionOne", "images": 2, "amount": "1.61"}
    assert section["shares"][1] == {
        "image_id": "11111111-1111-4111-8111-111111111111", "name": "base",
        "location": "RegionOne", "images": 1, "amount": "0.37", "percent": "21.0",
    }  # fmt: skip
    assert section["previous"] == {
        "period": "2026-10", "total": "1.20", "difference": "0.56", "percent": "46.7",
    }  # fmt: skip
    assert section["forecast"] == {
        "total": "2.24", "charged": "1.76", "expected": "0.48", "images": 2,
        "basis": FORECAST_BASIS,
    }  # fmt: skip
    assert section["days"][9] == {
        "day": "2026-11-10", "stored": "55.625000", "unit": "GB", "amount_exact": "0.091438356",
    }  # fmt: skip


def test_json_prints_decimals_as_texts_and_instants_in_utc() -> None:
    report = json.loads(render_json(samples.plain()))

    line = report["sections"][0]["lines"][2]
    # 20 GB x 260970 s / 3600 = 1449.833333 GB-hours; x 0.073 / 730 = 0.144983333
    assert line["size_bytes"] == 20_000_000_000
    assert line["billable_from"] == "2026-11-20T11:30:30Z"
    assert line["billable_seconds"] == 260_970
    assert line["gb_hours"] == "1449.833333"
    assert line["rate"] == "0.073"
    assert line["amount_exact"] == "0.144983333"
    assert line["amount"] == "0.15"
    assert line["open"] is True
    assert report["total"] == "1.77"
    assert report["period"]["start"] == "2026-10-31T23:00:00Z"


@pytest.mark.parametrize(
    ("rate", "shown"), [("0.050000000", "0.05"), ("1.000000000", "1.00"), ("1E-9", "0.000000001")]
)
def test_json_prints_a_rate_with_two_decimals_at_least(rate: str, shown: str) -> None:
    line = only_line(samples.yen())._replace(rate=Decimal(rate))
    statement = samples.with_section(samples.yen(), lines=[line])

    report = json.loads(render_json(statement))

    assert report["sections"][0]["lines"][0]["rate"] == shown


def test_json_prints_a_zero_without_an_exponent() -> None:
    zero = Decimal(0).scaleb(-9)
    line = only_line(samples.yen())._replace(amount_exact=zero)

    content = render_json(samples.with_section(samples.yen(), lines=[line]))

    assert '"amount_exact": "0.000000000"' in content


def test_json_has_null_where_nothing_is_metered() -> None:
    report = json.loads(render_json(samples.empty()))

    assert report["metered_until"] is None
    assert report["total"] == "0.00"
    [section] = report["sections"]
    assert section["lines"] == section["subtotals"] == section["shares"] == section["days"] == []
    assert section["previous"] is section["forecast"] is None


def test_json_says_why_each_line_ends() -> None:
    lines = json.loads(render_json(samples.closed()))["sections"][0]["lines"]

    assert [line["ending"] for line in lines] == ["period_ended", "deleted", "period_ended"]
    assert [line["open"] for line in lines] == [True, False, True]


def test_json_keeps_names_as_they_are_and_is_ascii() -> None:
    content = render_json(samples.hostile())

    lines = json.loads(content)["sections"][0]["lines"]
    assert [line["name"] for line in lines] == list(samples.HOSTILE_NAMES)
    assert content.isascii()


# ---------------------------------------------------------------------------------- csv


def test_csv_has_a_header_and_a_row_for_each_line_and_no_more() -> None:
    content = render_csv(samples.plain())

    header, *rows = content.splitlines()
    assert header == (
        "account_id,account_name,period,currency,image_id,name,location,source_instance_name,"
        "size_bytes,billable_from,billable_until,billable_seconds,gb_hours,rate,amount_exact,"
        "amount,open,unit,hours_per_month,partial_hour,ending,source_instance_id,kind,reason,"
        "image_name,section,details,quantity"
    )
    assert len(rows) == 3
    # 0.37 + 1.25 + 0.15 = 1.77
    assert sum(Decimal(row["amount"]) for row in csv_rows(samples.plain())) == Decimal("1.77")


def test_csv_of_an_empty_statement_is_its_header() -> None:
    assert render_csv(samples.empty()).count("\n") == 1


def test_csv_leaves_no_text_that_a_spreadsheet_calculates() -> None:
    rows = csv_rows(samples.hostile())

    texts = [
        row[name].lstrip()
        for row in rows
        for name in (
            "account_id", "account_name", "image_id", "name", "source_instance_name", "reason",
            "image_name",
        )
    ]  # fmt: skip
    assert len(rows) == 2 * len(samples.HOSTILE_NAMES)  # as lines, and as adjustments
    assert [text for text in texts if text.startswith(("=", "+", "-", "@"))] == []
    assert rows[0]["account_id"] == "'=cmd|' /C calc'!A0"


def test_csv_quotes_commas_and_quotes() -> None:
    rows = csv_rows(samples.hostile())

    assert rows[9]["name"] == 'twolinesand, a "quote"'
    assert rows[9]["amount"] == "0.37"


def test_csv_tells_lines_and_adjustments_apart() -> None:
    *_, line, adjustment = csv_rows(samples.adjusted())

    assert (line["kind"], line["image_name"], line["reason"]) == ("usage", "datenbank-münchen", "")
    assert line["source_instance_id"] == "aaaaaaaa-3333-4333-8333-333333333333"
    assert (adjustment["kind"], adjustment["image_name"], adjustment["reason"]) == (
        "correction",
        "production-web-server-v2",
        "deleted at 17:20, which became known later",
    )


def test_json_does_not_depend_on_the_locale() -> None:
    german = render("json", samples.adjusted(), Presentation(locale="de_DE"))

    assert german == render("json", samples.adjusted())


@pytest.mark.parametrize(
    ("locale", "separator", "mark"), [("de_DE", ";", ","), ("en_US", ",", "."), ("de_CH", ",", ".")]
)
def test_csv_of_a_locale_is_for_its_spreadsheets(locale: str, separator: str, mark: str) -> None:
    content = render("csv", samples.adjusted(), Presentation(locale=locale)).decode()
    plain = csv_rows(samples.adjusted())

    assert content.startswith(f"\ufeffaccount_id{separator}account_name{separator}")
    rows = list(csv.DictReader(io.StringIO(content[1:]), delimiter=separator))
    assert [row["amount"] for row in rows] == [row["amount"].replace(".", mark) for row in plain]
    assert rows[0]["gb_hours"] == f"5410{mark}000000"
    assert rows[0]["billable_from"] == "2026-10-31 23:00:00"
    assert [row["name"] for row in rows] == [row["name"] for row in plain]
    dialect, read = read_rows(content.encode())
    assert (dialect.separator, dialect.decimal_mark) == (separator, mark)
    assert list(read) == rows


@pytest.mark.parametrize(
    "value", ["007", "12345678901234567890123456789012", "12e34567", "2026-11-01", "1:30", "1,5"]
)
def test_ids_are_no_numbers_for_spreadsheets(value: str) -> None:
    assert dialect_of("de_DE").text(value) == f"'{value}"
    assert dialect_of("en_GB").text(value) == value


@pytest.mark.parametrize("value", ["5f0c6f1e2d3b4a59", "web-1", "12e34f", "", "1 GB"])
def test_other_texts_stay_as_they_are_for_spreadsheets(value: str) -> None:
    assert dialect_of("de_DE").text(value) == value


# --------------------------------------------------------------------------------- text


def table_rows(content: str) -> list[str]:
    """Return the rows between the rule under the titles and the rule over the total."""
    _, body, _ = re.split(r"\n-{40,}\n", content)
    return body.split("\n")


def test_text_tells_account_period_time_zone_state_and_total() -> None:
    content = render_text(samples.plain())

    assert "Account        Example GmbH (5f0c6f1e2d3b4a59)\n" in content
    assert "Period         November 2026 (open)\n" in content
    assert "From           1 November 2026, 00:00\n" in content
    assert "Until          1 December 2026, 00:00\n" in content
    assert "Time zone      Europe/Berlin\n" in content
    assert "Metered until  23 November 2026, 13:00\n" in content
    assert content.endswith("\nTotal  EUR 1.77\n")


def test_text_shows_local_times_and_what_is_still_stored() -> None:
    content = render_text(samples.plain(), width=160)

    deleted, times, ending, base, *_ = table_rows(content)
    assert re.split(r"  +", base) == [
        "base", "builder", "RegionOne", "10.000 GB", "1 Nov 2026", "still stored", "541:00:00",
        "5,410.000", "0.05", "0.37",
    ]  # fmt: skip
    assert re.split(r"  +", deleted)[4:6] == ["10 Nov 2026", "20 Nov 2026"]
    assert times.split() == ["09:00:00", "19:00:00"]
    assert ending.strip() == "deleted"
    assert "2 images are still stored. 1 image was deleted in this period." in content


def test_text_adds_up_each_location_where_there_are_several() -> None:
    subtotals = [row.split() for row in render_text(samples.plain()).splitlines() if "Subt" in row]

    # 0.37 + 1.25 = 1.62
    assert subtotals == [["Subtotal", "RegionOne", "1.62"], ["Subtotal", "RegionTwo", "0.15"]]
    assert "Subtotal" not in render_text(samples.yen())


def test_text_says_what_the_period_before_came_to_and_what_this_one_will() -> None:
    content = render_text(samples.plain())

    assert "\nOctober 2026             EUR 1.20\nNovember 2026, forecast  EUR 2.25\n" in content
    assert "A forecast, not a charge: EUR 1.77 so far, and EUR 0.48 if the 2 images" in content


def test_text_of_a_closed_period_compares_it_and_forecasts_nothing() -> None:
    content = render_text(samples.closed())

    assert "EUR 0.57 (+47.5%) more than in October 2026." in content
    assert "forecast" not in content
    assert "end of period" in content
    assert "2 images were still stored when the period ended." in content


@pytest.mark.parametrize("width", [20, 80, 120, 200])
def test_text_aligns_charges_at_any_width_and_cuts_no_number(width: int) -> None:
    statement = samples.with_section(
        samples.hostile(),
        lines=[*samples.plain().sections[0].lines, *samples.hostile().sections[0].lines],
        total=Decimal("6.95"),  # 1.77 + 5.18
        subtotals=[
            Subtotal("RegionOne", 16, Decimal("6.80")),
            Subtotal("RegionTwo", 1, Decimal("0.15")),
        ],
    )

    content = render_text(statement, width=width)

    charged = [row for row in table_rows(content) if re.search(r"  \d+\.\d\d$", row)]
    lines = [row for row in charged if re.search(r" GB  \d+ Nov 2026  .*  [\d:]{8,9}  ", row)]
    assert len(lines) == 3 + len(samples.HOSTILE_NAMES)
    assert len(charged) == len(lines) + len(samples.HOSTILE_NAMES) + 2  # adjustments, subtotals
    assert len({cell_len(row) for row in charged}) == 1
    assert "…" not in content
    assert "18,250.000" in content


def test_text_keeps_the_width_that_numbers_and_names_can_have() -> None:
    content = render_text(samples.hostile(), width=120)

    assert max(cell_len(row) for row in content.splitlines()) == 120


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("base", ["base"]),
        ("golden image of May", ["golden image", "of May"]),
        ("a production-web-server-v2", ["a", "production-", "web-server-", "v2"]),
        ("build-38.prod.example", ["build-38.", "prod.example"]),
        ("x-" + 30 * "W", ["x-", 12 * "W", 12 * "W", 6 * "W"]),
        ("  two  blanks", ["  two", "blanks"]),
        ("日本語の名前", ["日本語の名前"]),
        ("日本語の名前です", ["日本語の名前", "です"]),
        (" ", [""]),
    ],
)
def test_text_breaks_a_name_between_words_then_between_parts_then_anywhere(
    name: str, rows: list[str]
) -> None:
    columns = [Column("Name", NAME), Column("Charge")]

    table = wrapped_table(columns, [[name, "1.00"]], ["Total", "1.00"], width=20)

    drawn = table_rows(table.replace("-" * len(table.split("\n")[1]), "-" * 40))
    assert [row.removesuffix("1.00").rstrip() for row in drawn] == rows


def test_text_makes_names_narrow_only_until_a_word_would_be_cut() -> None:
    columns = [Column("Name", NAME), Column("Source", NAME), Column("Charge")]
    rows = [["the golden image of May", "webserver-of-the-shop", "1.00"]]

    _, _, first, *_ = wrapped_table(columns, rows, ["Total", "", "1.00"], width=44).split("\n")

    # 44 cells without two gaps and the charge leave 34: 13 and 21.
    assert first == "the golden     webserver-of-the-shop    1.00"


def test_text_prints_markup_as_it_is() -> None:
    content = render_text(samples.hostile(), width=200)

    assert "[red]markup[/red] :smile:" in content


def test_text_lists_adjustments_in_the_column_that_adds_up() -> None:
    content = render_text(samples.adjusted())

    # 0.37 + 1.25 - 0.01 = 1.61; 1.61 + 0.15 = 1.76
    charges = re.findall(r"  (-?\d\.\d\d)$", content.split("\n[1] ")[0], re.MULTILINE)
    assert charges == ["1.25", "0.37", "-0.01", "1.61", "0.15", "0.15", "1.76"]
    assert "\nAdjustment [1]:" in content
    assert (
        "\n[1] Image 22222222-2222-4222-8222-222222222222: deleted at 17:20, which became known"
        " later\n"
    ) in content


def test_text_names_the_unit_that_the_rate_is_for() -> None:
    content = render_text(samples.gibibytes())

    assert "2.000 GiB" in content
    assert "GiB-Hours" in content
    assert "Rate: EUR per GiB and month." in content


# --------------------------------------------------------------------------------- html


def test_html_asks_for_nothing_from_elsewhere_and_runs_nothing() -> None:
    content = render_html(samples.hostile())
    page = Page(content)

    tags = {tag for tag, _ in page.elements}
    assert tags.isdisjoint({"script", "img", "iframe", "object", "embed", "base", "form", "a"})
    for _, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "xlink:href", "action", "data"):
            target = attributes.get(name)
            assert target is None or target.startswith(("#", "data:,"))
    assert re.search(r"url\((?!#)|@import", content) is None


def test_html_shows_hostile_names_as_text() -> None:
    page = Page(render_html(samples.hostile()))

    for name in samples.HOSTILE_NAMES:
        shown = " ".join(printable(name).split())
        # As image and as source instance; as adjusted image, and as reason.
        in_tables = 4
        is_shared = samples.HOSTILE_NAMES.index(name) < 10
        assert page.texts.count(shown) == in_tables + is_shared
    assert "<b>Evil</b> ]0;owned& Co" in page.texts


def test_html_is_a_page_that_can_be_read_aloud() -> None:
    page = Page(render_html(samples.plain()))

    assert page.having("html") == [{"lang": "en"}]
    assert all(th.get("scope") in {"row", "col"} for th in page.having("th"))
    assert len(page.having("caption")) == len(page.having("table")) == 2
    assert len(page.having("figcaption")) == len(page.having("figure")) == 4
    drawn = [svg for svg in page.having("svg") if svg.get("role") == "img"]
    assert len(drawn) == 2
    assert all("from 1 Nov 2026 to 23 Nov 2026" in str(svg["aria-label"]) for svg in drawn)
    # What the other bars say stands beside them.
    others = [svg for svg in page.having("svg") if svg not in drawn]
    assert [svg["aria-hidden"] for svg in others] == ["true"] * 6


def test_html_has_no_id_twice_and_refers_to_none_that_is_missing() -> None:
    content = render_html(samples.plain())

    ids = [attributes["id"] for _, attributes in Page(content).elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    referred = re.findall(r'(?:href="#|url\(#|aria-labelledby=")([^")]+)', content)
    assert referred
    assert set(referred) <= set(ids)


def test_html_shows_each_line_with_local_times_and_its_instants() -> None:
    content = render_html(samples.plain())
    page = Page(content)

    start = page.texts.index("builder") - 1
    assert page.texts[start : start + 10] == [
        "base", "builder", "RegionOne", "10.000 GB", "1 Nov 2026", "00:00:00", "still stored",
        "541:00:00", "5,410.000", "0.05",
    ]  # fmt: skip
    assert {"datetime": "2026-11-20T18:00:00Z"} in page.having("time")
    assert page.texts.count("still stored") == 2
    assert "2 images are still stored. 1 image was deleted in this period." in page.texts
    assert [one.get("class") for one in page.having("tr")].count("deleted") == 1
    assert page.texts[page.texts.index("19:00:00") + 1] == "deleted"


def test_html_shows_totals_state_and_what_is_missing() -> None:
    page = Page(render_html(samples.plain()))

    assert page.texts.count("EUR 1.77") == 2
    assert "open" in page.texts
    assert any(text.startswith("Charges after 23 November 2026, 13:00") for text in page.texts)
    assert "How a charge comes about" in page.texts


def test_html_adds_adjustments_up_in_the_same_table() -> None:
    page = Page(render_html(samples.adjusted()))

    start = page.texts.index("Adjustment:")
    assert page.texts[start : start + 12] == [
        "Adjustment:", "production-web-server-v2", "deleted at 17:20, which became known later",
        "Image", "22222222-2222-4222-8222-222222222222", "20 Nov 2026", "18:00:00",
        "20 Nov 2026", "19:00:00", "-0.01", "Subtotal", "RegionOne",
    ]  # fmt: skip


def test_html_adds_up_each_location_where_there_are_several() -> None:
    texts = Page(render_html(samples.plain())).texts

    start = texts.index("Subtotal")
    assert texts[start : start + 4] == ["Subtotal", "RegionOne", "2 images", "1.62"]
    assert texts.count("Subtotal") == 2
    assert "Subtotal" not in Page(render_html(samples.yen())).texts


def test_html_shows_the_share_of_each_image() -> None:
    texts = Page(render_html(samples.plain())).texts

    start = texts.index("Share of each image, EUR before adjustments")
    assert texts[start + 1 : start + 10] == [
        "production-web-server-v2", "70.8%", "1.25", "base", "21.0%", "0.37", "datenbank-münchen",
        "8.2%", "0.15",
    ]  # fmt: skip
    assert "4 other images" in Page(render_html(samples.hostile())).texts


def test_html_shows_the_period_before_and_marks_a_forecast() -> None:
    texts = Page(render_html(samples.plain())).texts

    start = texts.index("This period and the one before, EUR")
    assert texts[start + 1 : start + 9] == [
        "October 2026", "1.20", "November 2026", "so far", "1.77", "November 2026", "forecast",
        "2.25",
    ]  # fmt: skip
    assert texts[start + 9].startswith("A forecast, not a charge: EUR 1.77 so far")


def test_html_of_a_closed_period_compares_it_and_forecasts_nothing() -> None:
    texts = Page(render_html(samples.closed())).texts

    assert "EUR 0.57 (+47.5%) more than in October 2026." in texts
    assert not [text for text in texts if "forecast" in text or text == "so far"]
    assert texts.count("end of period") == 2


def test_html_names_its_language() -> None:
    german = render_html(samples.plain(), Presentation(locale="de_AT"))
    japanese = render_html(samples.plain(), Presentation(locale="ja_JP"))

    assert Page(german).having("html") == [{"lang": "de"}]
    assert "Cloud-Nutzung" in Page(german).texts
    assert Page(japanese).having("html") == [{"lang": "en"}]  # no Japanese texts are shipped
    assert "2026年11月" in Page(japanese).texts


def test_html_of_an_empty_statement_has_no_table_and_no_chart() -> None:
    page = Page(render_html(samples.empty()))

    assert "No image was charged." in page.texts
    assert page.texts.count("EUR 0.00") == 2
    assert page.having("table") == page.having("svg") == []


def test_html_shows_a_currency_without_decimals() -> None:
    page = Page(render_html(samples.yen()))

    assert "JPY 1,825" in page.texts
    assert "73.00" in page.texts


def test_html_names_no_unit_where_lines_have_several() -> None:
    mixed = samples.with_section(
        samples.plain(), lines=[only_line(samples.yen()), only_line(samples.gibibytes())]
    )

    page = Page(render_html(mixed))

    assert "Unit-Hours" in page.texts
    assert {"73.000 GB", "2.000 GiB"} <= set(page.texts)


def test_html_names_the_month_of_the_periods_zone() -> None:
    kathmandu = replace(
        samples.empty(),
        timezone="Asia/Kathmandu",
        period=Period(
            "2026-11",
            datetime(2026, 10, 31, 18, 15, tzinfo=UTC),  # 00:00 at +05:45
            datetime(2026, 11, 30, 18, 15, tzinfo=UTC),
        ),
    )

    page = Page(render_html(kathmandu))

    assert "November 2026" in page.texts
    assert "1 November 2026, 00:00" in page.texts
