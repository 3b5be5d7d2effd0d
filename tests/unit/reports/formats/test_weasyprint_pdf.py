"""The PDF by WeasyPrint, for an operator's own HTML templates: what is in it, and what it needs.

Needs Pango and fonts; where they are missing, the error of the format names the packages.
"""

import os
import socket
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from io import BytesIO
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from pypdf import PdfReader

from instance_images.errors import ConfigurationError
from instance_images_reports.formats.paper import table_size
from instance_images_reports.formats.registry import render as render_by
from instance_images_reports.presentation import Presentation
from instance_images_reports.statement.statement import Statement
from instance_images_reports.wording.words import words_for

from support.pdf_pages import objects, pages, texts_in_print
from support.statements import sample_statements as samples

pytestmark = pytest.mark.all

BY_WEASYPRINT = Presentation(pdf_engine="weasyprint")


def render(_name: str, statement: Statement, presentation: Presentation = BY_WEASYPRINT) -> bytes:
    return render_by("pdf", statement, replace(presentation, pdf_engine="weasyprint"))


def test_the_page_is_printed_with_tags() -> None:
    content = render("pdf", samples.adjusted(), Presentation(locale="de_DE"))

    text = " ".join(pages(content))
    for shown in ("Cloud-Nutzung", "Example GmbH", "1.449,833", "1,76", "Seite 1 von 2"):
        assert shown in text
    root = PdfReader(BytesIO(content)).root_object
    assert root["/Lang"] == "de"
    assert root["/MarkInfo"]["/Marked"]  # type: ignore[index]
    assert render("pdf", samples.adjusted(), Presentation(locale="de_DE")) == content


# ------------------------------------------------------------------- fonts and width

EMOJI_FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")


def test_numbers_keep_their_font_where_one_for_emoji_is_installed() -> None:
    assert EMOJI_FONT.exists(), "Install it: apt install fonts-noto-color-emoji"
    line = samples.plain().sections[0].lines[0]
    statement = samples.of_lines(samples.plain(), [line._replace(name="golden \U0001f680")], "0.37")

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
    for page in PdfReader(BytesIO(content)).pages:
        width = float(page.mediabox.width)
        for text, left, _ in texts_in_print(page):
            # 14 mm of margin; digits are 0.7 times as wide as the smallest size at most.
            assert left + len(text) * 4.5 * 0.5 < width - 36, (text, left)


def test_numbers_too_wide_for_any_size_break() -> None:
    line = samples.plain().sections[0].lines[0]
    wide = line._replace(size_bytes=10**30, amount=Decimal(10**20))
    words = words_for(samples.plain(), Presentation())
    section = samples.of_lines(samples.plain(), [wide], str(10**20)).sections[0]

    assert table_size([section], words, "a4").numbers_may_break
    assert not table_size(samples.plain().sections, words, "a4").numbers_may_break


def test_long_names_break_between_their_parts() -> None:
    line = samples.plain().sections[0].lines[0]._replace(name="build-38.production.example.net")

    content = render("pdf", samples.of_lines(samples.plain(), [line], "0.37"))

    rows = PdfReader(BytesIO(content)).pages[0].extract_text().splitlines()
    assert "build-38.production." in rows or "build-38." in rows
    assert "example.net" in rows or "production.example.net" in rows
    assert "\u200b" not in "".join(rows)


def test_fonts_that_are_cut_without_harfbuzz_bear_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from fontTools.misc import timeTools
    from weasyprint.pdf import fonts

    monkeypatch.setattr(fonts, "harfbuzz_subset", None)
    monkeypatch.setattr(timeTools, "time", SimpleNamespace(time=count(2_000_000_000).__next__))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)

    assert render("pdf", samples.plain()) == render("pdf", samples.plain())
    assert "SOURCE_DATE_EPOCH" not in os.environ


def test_a_name_ends_no_rule_of_the_style_sheet() -> None:
    name = 'a"; } @page { size: letter } /* \\'
    evil = replace(samples.adjusted(), account=replace(samples.plain().account, name=name))

    reader = PdfReader(BytesIO(render("pdf", evil)))

    assert round(reader.pages[0].mediabox.height) == 842
    assert name in " ".join(reader.pages[1].extract_text().split())


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

    with pytest.raises(ConfigurationError, match=r"install instance-images\[pdf-html\]"):
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
        "from instance_images_reports.formats.pdf.weasyprint_pages import _engine\n"
        "try: _engine()\n"
        "except ConfigurationError as error: print(error)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr
    [told] = done.stdout.splitlines()
    assert cure in told
