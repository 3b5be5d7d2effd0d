"""The PDF by Typst, opened again: what is on its pages, and what is not in it."""

import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from instance_images.errors import ConfigurationError
from instance_images.names import printable
from instance_images_reports.formats.pdf.engine import engine_of
from instance_images_reports.formats.pdf.report import DOCUMENT, PAGES
from instance_images_reports.formats.registry import render
from instance_images_reports.presentation import Presentation
from instance_images_reports.statement.statement import Ending, Statement

from support.pdf_pages import objects, pages, texts_in_print
from support.statements import sample_statements as samples

LINES = 40
CJK_FONT = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")


def long_statement() -> Statement:
    """40 images, each third with a name of several rows: 40 x 0.37 = 14.80."""
    line = samples.plain().sections[0].lines[0]
    lines = [
        line._replace(
            name=f"name-{number:02} " + "and more " * 12 * (number % 3 == 0) + f"end-{number:02}",
            source_instance_name=f"source-{number:02}",
        )
        for number in range(LINES)
    ]
    days = samples.plain().sections[0].days
    return samples.of_lines(samples.plain(), lines, "14.80", days=days)


@cache
def pdf(sample: str, presentation: Presentation = Presentation()) -> bytes:  # noqa: B008 - frozen
    statement = long_statement() if sample == "long" else getattr(samples, sample)()
    return render("pdf", statement, presentation)


# --------------------------------------------------------------------------- pages


def test_the_text_can_be_read_and_searched() -> None:
    text = " ".join(pages(pdf("adjusted")))

    for shown in (
        "Cloud Usage", "Example GmbH", "5f0c6f1e2d3b4a59", "Europe/Berlin", "datenbank-münchen",
        "deleted at 17:20, which became known later", "1,449.833", "72:29:30", "EUR 1.76",
        "How a charge comes about",
    ):  # fmt: skip
        assert shown in text


def of_names(*names: str) -> Statement:
    """A statement of an image of each name: 0.37 each."""
    statement = samples.plain()
    line = statement.sections[0].lines[0]
    lines = [line._replace(name=name, source_instance_name=name) for name in names]
    total = str(len(names) * Decimal("0.37"))
    return samples.of_lines(statement, lines, total, days=statement.sections[0].days)


def assert_read_back(*names: str) -> None:
    content = render("pdf", of_names(*names), Presentation())

    text = " ".join(pages(content))
    for name in names:
        assert text.count(name) == 2  # the image's, and that of its instance


def test_names_that_run_from_right_to_left_are_read_back() -> None:
    assert_read_back("نسخة", "גיבוי", "Ελληνικά", "Кириллица")


@pytest.mark.all
def test_chinese_japanese_and_korean_names_are_read_back() -> None:
    assert CJK_FONT.exists(), "Install it: apt install fonts-noto-cjk"

    assert_read_back("備份東京", "バックアップ", "백업서울")


@pytest.mark.parametrize(("paper", "size"), [("a4", (595, 842)), ("letter", (612, 792))])
def test_pages_are_of_the_paper_that_is_asked_for(paper: str, size: tuple[int, int]) -> None:
    reader = PdfReader(BytesIO(pdf("plain", Presentation(paper=paper))))

    assert {(round(page.mediabox.width), round(page.mediabox.height)) for page in reader.pages} == {
        size
    }


def test_every_page_has_its_number_in_the_readers_language() -> None:
    english, german = pages(pdf("long")), pages(pdf("plain", Presentation(locale="de_DE")))

    assert len(english) >= 3
    for number, text in enumerate(english, start=1):
        assert f"Page {number} of {len(english)}" in text
    assert f"Seite 1 von {len(german)}" in german[0]


def test_pages_behind_the_first_name_account_and_month() -> None:
    first, *others = pages(pdf("long"))

    assert first.count("Example GmbH") == 1
    for text in others:
        assert "Example GmbH, November 2026" in text


def test_the_head_of_the_table_stands_on_every_page_of_it() -> None:
    with_lines = [text for text in pages(pdf("long")) if "source-" in text]

    assert len(with_lines) >= 2
    for text in with_lines:
        assert "Billable from" in text


def test_no_line_is_cut_in_two() -> None:
    found = pages(pdf("long"))

    for number in range(LINES):
        places = [
            [page for page, text in enumerate(found) if f"{word}-{number:02}" in text]
            for word in ("name", "end", "source")
        ]
        assert places[0] == places[1] == places[2]
        assert len(places[0]) == 1


def test_charts_are_drawn() -> None:
    first = PdfReader(BytesIO(pdf("plain"))).pages[0]

    drawn = first.get_contents()
    assert drawn is not None
    # 23 days with a bar in each of two charts, in the colour of bars: #3a7cae
    colour = " ".join(f"{int(part, 16) / 255:.3f}" for part in ("3a", "7c", "ae"))
    fills = re.findall(rb"(0\.\d+) (0\.\d+) (0\.\d+) scn", drawn.get_data())
    rounded = [" ".join(f"{float(part):.3f}" for part in fill) for fill in fills]
    assert rounded.count(colour) >= 46


# ------------------------------------------------------------------- fonts and width

OURS = "DejaVuSansCondensed"


def test_numbers_keep_our_font_where_one_for_emoji_is_needed() -> None:
    line = samples.plain().sections[0].lines[0]
    lines = [line._replace(name="golden \U0001f680"), line._replace(name="東京")]
    statement = samples.of_lines(samples.plain(), lines, "0.74")

    content = render("pdf", statement)

    pieces = [piece for page in PdfReader(BytesIO(content)).pages for piece in texts_in_print(page)]
    fonts = {font for text, _, font in pieces if any(one.isdigit() for one in text)}
    assert fonts
    assert all(OURS in font for font in fonts)
    assert "0.74" in " ".join(pages(content))


def test_a_name_that_no_font_has_ends_no_report(tmp_path: Path) -> None:
    line = samples.plain().sections[0].lines[0]
    lines = [line._replace(name="\U00012345 cuneiform")]

    content = render("pdf", samples.of_lines(samples.plain(), lines, "0.37"))

    root = PdfReader(BytesIO(content)).root_object
    assert root["/MarkInfo"]["/Marked"]  # type: ignore[index]
    assert "cuneiform" in " ".join(pages(content))


def test_names_of_many_scripts_are_in_our_font() -> None:
    names = ["Ünïcode", "сервер", "διακομιστής", "שרת", "خادم", "Việt Nam"]
    line = samples.plain().sections[0].lines[0]
    lines = [line._replace(name=name, source_instance_name=name) for name in names]

    content = render("pdf", samples.of_lines(samples.plain(), lines, "2.22"))

    pieces = [piece for page in PdfReader(BytesIO(content)).pages for piece in texts_in_print(page)]
    assert all(OURS in font for _, _, font in pieces)
    assert is_accessible(content)


@pytest.mark.parametrize(("factor", "paper"), [(1, "letter"), (10**6, "a4")])
def test_the_widest_numbers_stay_on_the_paper(factor: int, paper: str) -> None:
    line = samples.plain().sections[0].lines[0]
    wide = line._replace(
        name="W" * 255,
        source_instance_name="W" * 255,
        size_bytes=line.size_bytes * factor,
        unit_hours=line.unit_hours * factor,
        rate=Decimal("12345.67"),
        amount=Decimal("1234567.89") * factor,
    )
    statement = samples.of_lines(samples.plain(), [wide], str(wide.amount))

    content = render("pdf", statement, Presentation(paper=paper))

    charge = f"{wide.amount:,}"
    assert sum(page.count(charge) for page in pages(content)) >= 3  # line, section, report
    assert_on_paper(content)


def test_numbers_too_wide_for_any_size_break() -> None:
    line = samples.plain().sections[0].lines[0]
    wide = line._replace(size_bytes=10**27, amount=Decimal(10**20), unit_hours=Decimal(10**24))

    content = render("pdf", samples.of_lines(samples.plain(), [wide], str(10**20)))

    assert f"{10**20:,}" in "".join(pages(content)).replace(" ", "")
    assert_on_paper(content)


def test_the_last_column_is_on_every_page_and_adds_up() -> None:
    content = pdf("long")

    amounts = [
        sum(text == "0.37" for text, _, _ in texts_in_print(page))
        for page in PdfReader(BytesIO(content)).pages
    ]
    rows = [len(re.findall(r"\bsource-\d\d", text)) for text in pages(content)]
    # The first page shows what the images cost in the chart of shares as well.
    assert amounts[1:] == rows[1:]
    assert sum(rows) == LINES
    assert sum(page.count("14.80") for page in pages(content)) >= 3
    assert_on_paper(content)


def assert_on_paper(content: bytes) -> None:
    """Each piece of text ends within the margins; a digit is 0.5 em wide at least."""
    for page in PdfReader(BytesIO(content)).pages:
        width = float(page.mediabox.width)
        for text, left, _ in texts_in_print(page):
            assert left + len(text) * 4.5 * 0.5 < width - 36, (text, left)


def test_long_names_break_between_their_parts() -> None:
    name = "build-38.production.cluster-7.example.net"
    line = samples.plain().sections[0].lines[0]._replace(name=name)

    content = render("pdf", samples.of_lines(samples.plain(), [line], "0.37"))

    rows = PdfReader(BytesIO(content)).pages[0].extract_text().splitlines()
    assert any(row.endswith(("production.", "cluster-7.")) for row in rows)
    assert "\u200b" not in "".join(rows)


@pytest.mark.parametrize("count_of_images", [1000])
def test_a_thousand_images_take_40_pages_at_most(count_of_images: int) -> None:
    line = samples.plain().sections[0].lines[0]
    lines = [
        line._replace(name=f"image-{number:04}", image_id=str(number), ending=Ending.PERIOD_ENDED)
        for number in range(count_of_images)
    ]

    content = render("pdf", samples.of_lines(samples.plain(), lines, "370.00"))

    found = pages(content)
    assert len(found) <= 40
    assert sum(text.count("image-") for text in found) == count_of_images


# ------------------------------------------------------------------------- the file


def test_all_fonts_are_in_the_file() -> None:
    fonts = [one for one in objects(pdf("hostile")) if one.get("/Type") == "/FontDescriptor"]

    assert fonts
    assert all("/FontFile2" in font or "/FontFile3" in font for font in fonts)


@pytest.mark.parametrize("sample", ["plain", "hostile"])
def test_the_file_does_nothing_when_it_is_opened_and_leads_nowhere(sample: str) -> None:
    keys = {key for one in objects(pdf(sample)) for key in one}
    kinds = {str(one.get("/S")) for one in objects(pdf(sample))}

    assert keys.isdisjoint({"/JS", "/OpenAction", "/AA", "/URI", "/EmbeddedFiles", "/Annots", "/F"})
    assert kinds.isdisjoint({"/URI", "/JavaScript", "/Launch", "/GoToR", "/SubmitForm"})


def test_the_document_says_what_it_is_and_can_be_read_aloud() -> None:
    reader = PdfReader(BytesIO(pdf("plain", Presentation(locale="de_DE"))))

    assert reader.metadata is not None
    assert reader.metadata.title == "Cloud-Nutzung, Example GmbH, November 2026"
    assert reader.root_object["/Lang"] == "de"
    assert reader.root_object["/MarkInfo"]["/Marked"]  # type: ignore[index]
    assert is_accessible(pdf("plain"))


def is_accessible(content: bytes) -> bool:
    """Whether the file says that it conforms to PDF/UA-1; Typst checks that before it says so."""
    metadata = PdfReader(BytesIO(content)).xmp_metadata
    return metadata is not None and b"<pdfuaid:part>1" in metadata.stream.get_data()


def test_tables_have_heads_and_charts_have_words() -> None:
    elements = [one for one in objects(pdf("adjusted")) if one.get("/S") and one.get("/P")]

    kinds = Counter(str(one["/S"]) for one in elements)
    # Headings of the page, the section and the footer; the tables of images and of days.
    assert kinds["/H1"] == 1
    assert kinds["/H2"] == 2
    assert kinds["/Table"] == 2
    assert kinds["/TH"] == 10 + 3
    charts = [str(one["/Alt"]) for one in elements if one["/S"] == "/Figure"]
    assert len(charts) == 2
    assert all(text.startswith("Bar chart: ") for text in charts)
    heads = [one["/A"] for one in elements if one["/S"] == "/TH"]
    scopes = [part["/Scope"] for attributes in heads for part in attributes if "/Scope" in part]
    assert scopes.count("/Column") == 10 + 3


def test_the_same_statement_gives_the_same_file_on_a_machine_without_fonts(tmp_path: Path) -> None:
    fonts = tmp_path / "fonts.conf"
    fonts.write_text("<fontconfig></fontconfig>")
    code = (
        "import sys; from instance_images_reports.formats.registry import render\n"
        "from support.statements import sample_statements as samples\n"
        "sys.stdout.buffer.write(render('pdf', samples.adjusted()))"
    )
    environment = {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "FONTCONFIG_FILE": str(fonts),
        "HOME": str(tmp_path),
    }

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environment, timeout=120
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == pdf("adjusted")


# ---------------------------------------------------------------------------- names


def test_hostile_names_are_text_on_the_pages() -> None:
    found = "".join(pages(pdf("hostile"))).replace(" ", "")

    for name in samples.HOSTILE_NAMES:
        shown = printable(name).replace(" ", "")
        assert shown[:40] in found or "\U0001f600" in name
    assert found.count("W") >= 4 * 255  # as image, as instance, and twice in an adjustment
    assert "\u202e" not in found


def test_a_long_name_leaves_room_for_the_month_in_the_running_head() -> None:
    account = replace(samples.plain().account, name="W" * 255)

    second = pages(render("pdf", replace(samples.adjusted(), account=account)))[1]

    assert second.count("W") == 39
    assert "W…, November 2026" in second


@pytest.mark.parametrize(
    "name",
    [
        '#read("/etc/passwd")', "$x$", "*b*", "@ref", "<label>", "\\u{41}", '"', "// no comment",
        "#{1+1}", "[#1]", "`raw`", "- list", "= heading", "{page}", "--- ~ ...",
    ],
)  # fmt: skip
def test_a_name_is_no_markup(name: str) -> None:
    line = samples.plain().sections[0].lines[0]._replace(name=name, source_instance_name=name)
    evil = replace(
        samples.of_lines(samples.plain(), [line] * 3, "1.11"),
        account=replace(samples.plain().account, name=name),
    )

    text = "".join(pages(render("pdf", evil))).replace(" ", "")

    assert text.count(name.replace(" ", "")) >= 1 + 2 * 3  # account, images, instances


# -------------------------------------------------------------------------- engines


def test_an_operators_page_keeps_its_engine_unless_a_document_replaces_it(tmp_path: Path) -> None:
    own = Presentation(template_directories=(tmp_path,))

    assert engine(own) == "typst"
    (tmp_path / "cloud-usage.html.j2").write_text("")
    assert engine(own) == "weasyprint"
    assert engine(replace(own, pdf_engine="typst")) == "typst"
    (tmp_path / "cloud-usage.typ").write_text("")
    assert engine(own) == "typst"
    assert engine(replace(own, pdf_engine="weasyprint")) == "weasyprint"


def test_an_operators_section_is_part_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "sections").mkdir()
    (tmp_path / "sections" / "backups.html.j2").write_text("")

    assert engine(Presentation(template_directories=(tmp_path,))) == "weasyprint"


def engine(presentation: Presentation) -> str:
    return engine_of(presentation, pages=PAGES, document=DOCUMENT)


def test_an_operators_document_extends_ours(tmp_path: Path) -> None:
    (tmp_path / "cloud-usage.typ").write_text(
        '#import "shipped/cloud-usage.typ": *\n#show: paper\n*ACME Cloud* #image("logo.svg", '
        'alt: "ACME")\n#header\n#sections\n#total\nWe debit #data.total.amount.\n'
    )
    (tmp_path / "logo.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">'
        '<rect width="9" height="9"/></svg>'
    )

    text = " ".join(
        pages(render("pdf", samples.adjusted(), Presentation(template_directories=(tmp_path,))))
    )

    assert "ACME Cloud" in text
    assert "We debit EUR 1.76." in text
    assert "How a charge comes about" not in text


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("#let x = ", r"cloud-usage\.typ.*expected expression"),
        ('#read("/etc/hostname")', "file not found"),
        ('#read("../../../../etc/hostname")', "cannot read file outside of project root|escape"),
        ('#import "@preview/tablex:0.0.8": *', "package|not found|download"),
    ],
)
def test_a_fault_of_an_operators_document_is_told(template: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "cloud-usage.typ").write_text(template)

    with pytest.raises(ConfigurationError, match=told) as caught:
        render("pdf", samples.plain(), Presentation(template_directories=(tmp_path,)))

    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_typst_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)

    with pytest.raises(ConfigurationError, match=r"install instance-images\[pdf\]"):
        render("pdf", samples.plain())
