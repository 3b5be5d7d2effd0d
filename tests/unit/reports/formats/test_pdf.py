"""The PDF, opened again: what is on its pages, and what is not in it.

Needs Pango and fonts; where they are missing, the error of the format names the packages.
"""

import os
import re
import socket
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from functools import cache
from io import BytesIO
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pypdf import PageObject, PdfReader
from pypdf.generic import DictionaryObject, IndirectObject

from instance_images.errors import ConfigurationError
from instance_images.names import printable
from instance_images_reports.formats.paper import table_size
from instance_images_reports.formats.registry import render
from instance_images_reports.presentation import Presentation
from instance_images_reports.statement.statement import Statement
from instance_images_reports.wording.words import words_for

from support.statements import sample_statements as samples

pytestmark = pytest.mark.all

LINES = 40


def long_statement() -> Statement:
    """40 images, each third with a name of several rows: 40 x 0.37 = 14.80."""
    line = samples.plain().sections[0].lines[0]
    lines = [
        replace(
            line,
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


def pages(content: bytes) -> list[str]:
    """Return the text of each page, its blanks made plain."""
    return [
        " ".join(page.extract_text().replace("\xa0", " ").split())
        for page in PdfReader(BytesIO(content)).pages
    ]


def objects(content: bytes) -> list[DictionaryObject]:
    """Return all dictionaries of the file."""
    reader = PdfReader(BytesIO(content))
    found = [
        reader.get_object(IndirectObject(number, 0, reader))
        for number in range(1, int(str(reader.trailer["/Size"])))
    ]
    return [one for one in found if isinstance(one, DictionaryObject)]


# --------------------------------------------------------------------------- pages


def test_the_text_can_be_read_and_searched() -> None:
    text = " ".join(pages(pdf("adjusted")))

    for shown in (
        "Cloud Usage", "Example GmbH", "5f0c6f1e2d3b4a59", "Europe/Berlin", "datenbank- münchen",
        "deleted at 17:20, which became known later", "1,449.833", "72:29:30", "EUR 1.76",
        "How a charge comes about",
    ):  # fmt: skip
        assert shown in text


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
    colour = " ".join(f"{int(part, 16) / 255:.3f}"[:4] for part in ("3a", "7c", "ae"))
    fills = re.findall(rb"(0\.\d+) (0\.\d+) (0\.\d+) rg", drawn.get_data())
    assert sum(" ".join(part.decode()[:4] for part in fill) == colour for fill in fills) >= 46


# ------------------------------------------------------------------- fonts and width

_EMOJI_FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")


def texts_in_print(page: PageObject) -> list[tuple[str, float, str]]:
    """Return each piece of text with where it begins, in points from the left, and its font."""
    found: list[tuple[str, float, str]] = []

    def visit(text: str, user: Any, matrix: Any, font: Any, size: float) -> None:
        if text.strip() and font:
            left = matrix[4] * user[0] + user[4]
            found.append((text.strip(), left, str(font["/BaseFont"])))

    page.extract_text(visitor_text=visit)
    return found


def test_numbers_keep_their_font_where_one_for_emoji_is_installed() -> None:
    assert _EMOJI_FONT.exists(), "Install it: apt install fonts-noto-color-emoji"
    line = samples.plain().sections[0].lines[0]
    statement = samples.of_lines(samples.plain(), [replace(line, name="golden \U0001f680")], "0.37")

    content = render("pdf", statement)

    pieces = [piece for page in PdfReader(BytesIO(content)).pages for piece in texts_in_print(page)]
    fonts = {font for text, _, font in pieces if any(one.isdigit() for one in text)}
    assert fonts
    assert not [font for font in fonts if "Emoji" in font]
    assert [font for _, _, font in pieces if "Emoji" in font]
    assert "0.37" in " ".join(pages(content))


@pytest.mark.parametrize(("factor", "paper"), [(1, "letter"), (10**6, "a4")])
def test_the_widest_numbers_stay_on_the_paper(factor: int, paper: str) -> None:
    line = samples.plain().sections[0].lines[0]
    wide = replace(
        line,
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
    for page in PdfReader(BytesIO(content)).pages:
        width = float(page.mediabox.width)
        for text, left, _ in texts_in_print(page):
            # 14 mm of margin; digits are 0.7 times as wide as the smallest size at most.
            assert left + len(text) * 4.5 * 0.5 < width - 36, (text, left)


def test_numbers_too_wide_for_any_size_break() -> None:
    line = samples.plain().sections[0].lines[0]
    wide = replace(line, size_bytes=10**30, amount=Decimal(10**20))
    words = words_for(samples.plain(), Presentation())
    section = samples.of_lines(samples.plain(), [wide], str(10**20)).sections[0]

    assert table_size([section], words, "a4").numbers_may_break
    assert not table_size(samples.plain().sections, words, "a4").numbers_may_break


def test_long_names_break_between_their_parts() -> None:
    line = replace(samples.plain().sections[0].lines[0], name="build-38.production.example.net")

    content = render("pdf", samples.of_lines(samples.plain(), [line], "0.37"))

    rows = PdfReader(BytesIO(content)).pages[0].extract_text().splitlines()
    assert "build-38.production." in rows or "build-38." in rows
    assert "example.net" in rows or "production.example.net" in rows
    assert "\u200b" not in "".join(rows)


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


def test_the_same_statement_gives_the_same_file() -> None:
    assert render("pdf", samples.adjusted()) == pdf("adjusted")


def test_fonts_that_are_cut_without_harfbuzz_bear_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from fontTools.misc import timeTools
    from weasyprint.pdf import fonts

    monkeypatch.setattr(fonts, "harfbuzz_subset", None)
    monkeypatch.setattr(timeTools, "time", SimpleNamespace(time=count(2_000_000_000).__next__))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)

    assert render("pdf", samples.plain()) == render("pdf", samples.plain())
    assert "SOURCE_DATE_EPOCH" not in os.environ


# ---------------------------------------------------------------------------- names


def test_hostile_names_are_text_on_the_pages() -> None:
    found = "".join(pages(pdf("hostile"))).replace(" ", "")

    for name in samples.HOSTILE_NAMES:
        shown = printable(name).replace(" ", "")
        assert shown[:40] in found or "\U0001f600" in name
    assert found.count("W") >= 4 * 255  # as image, as instance, and twice in an adjustment
    assert "\u202e" not in found


def test_a_name_ends_no_rule_of_the_style_sheet() -> None:
    name = 'a"; } @page { size: letter } /* \\'
    evil = replace(samples.adjusted(), account=replace(samples.plain().account, name=name))

    reader = PdfReader(BytesIO(render("pdf", evil)))

    assert round(reader.pages[0].mediabox.height) == 842
    assert name in " ".join(reader.pages[1].extract_text().split())


def test_a_long_name_leaves_room_for_the_month_in_the_running_head() -> None:
    account = replace(samples.plain().account, name="W" * 255)

    second = pages(render("pdf", replace(samples.adjusted(), account=account)))[1]

    assert second.count("W") == 39
    assert "W…, November 2026" in second


# -------------------------------------------------------------------- what it needs


def test_nothing_is_fetched(tmp_path: Path) -> None:
    style = tmp_path / "leak.css"
    style.write_text("body::before { content: 'LEAKED' }")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        (tmp_path / "cloud-usage.pdf.j2").write_text(
            '{% extends "shipped/cloud-usage.pdf.j2" %}{% block header %}{{ super() }}'
            f'<img src="http://127.0.0.1:{port}/x.png"><img src="file:///etc/hostname">'
            f'<link rel="stylesheet" href="{style.as_uri()}">'
            "{% endblock %}"
        )

        content = render("pdf", samples.plain(), Presentation(template_directories=(tmp_path,)))

        with pytest.raises(BlockingIOError):  # nobody has connected
            server.accept()
    assert "LEAKED" not in pages(content)[0]
    assert [one for one in objects(content) if one.get("/Subtype") == "/Image"] == []


def test_without_weasyprint_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)

    with pytest.raises(ConfigurationError, match=r"install instance-images\[pdf\]"):
        render("pdf", samples.plain())


@pytest.mark.parametrize(
    ("fault", "cure"),
    [
        ("import cffi; cffi.FFI.dlopen = lambda *a: (_ for _ in ()).throw(OSError())", "libpango"),
        ("import os; os.environ['FONTCONFIG_FILE'] = NONE", "apt install fonts-dejavu-core"),
    ],
)
def test_missing_libraries_and_fonts_are_told_with_their_cure(
    fault: str, cure: str, tmp_path: Path
) -> None:
    none = tmp_path / "fonts.conf"
    none.write_text(
        f"<fontconfig><dir>{tmp_path}</dir><cachedir>{tmp_path}</cachedir></fontconfig>"
    )
    code = (
        f"NONE = {str(none)!r}; {fault}\n"
        "from instance_images.errors import ConfigurationError\n"
        "from instance_images_reports.formats.pdf import _engine\n"
        "try: _engine()\n"
        "except ConfigurationError as error: print(error)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr
    [told] = done.stdout.splitlines()
    assert cure in told
