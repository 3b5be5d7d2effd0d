"""The HTML report in a real browser."""

from pathlib import Path

import pytest
from pypdf import PdfReader

from instance_images_reports.formats.html import render_html, render_section
from instance_images_reports.presentation import Presentation

from support.browser import chromium
from support.statements import sample_statements as samples

pytestmark = pytest.mark.all


@pytest.fixture
def hostile_page(tmp_path: Path) -> Path:
    page = tmp_path / "report.html"
    page.write_text(render_html(samples.hostile()), encoding="utf-8")
    return page


def test_no_name_runs_as_a_script_or_becomes_markup(hostile_page: Path, tmp_path: Path) -> None:
    document = chromium(hostile_page, tmp_path / "profile", "--dump-dom")

    assert "<title>Cloud Usage" in document
    assert document.count("</main>") == 1
    for element in ("<script", "<img", "<iframe", "<b>"):
        assert element not in document


def test_the_report_prints_on_paper(hostile_page: Path, tmp_path: Path) -> None:
    paper = tmp_path / "report.pdf"

    chromium(hostile_page, tmp_path / "profile", f"--print-to-pdf={paper}")

    assert paper.read_bytes().startswith(b"%PDF-")


def test_what_is_folded_on_a_screen_is_open_on_paper(tmp_path: Path) -> None:
    page, paper = tmp_path / "report.html", tmp_path / "report.pdf"
    page.write_text(render_html(samples.plain()), encoding="utf-8")

    chromium(page, tmp_path / "profile", f"--print-to-pdf={paper}")

    printed = "".join(sheet.extract_text() for sheet in PdfReader(paper).pages)
    assert "55.625" in printed  # GB of the tenth, in the values by day


@pytest.mark.parametrize("locale", ["en_GB", "de_DE"])
def test_the_report_fits_on_a_phone(locale: str, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    # The page forbids scripts, so it is measured from a page around it.
    content = render_html(samples.adjusted(), Presentation(locale=locale))
    page.write_text(content, encoding="utf-8")
    around = tmp_path / "around.html"
    around.write_text(
        f'<iframe src={page.as_uri()} width=390 height=900 onload="document.title ='
        ' this.contentDocument.documentElement.scrollWidth"></iframe>'
    )

    document = chromium(
        around, tmp_path / "profile", "--allow-file-access-from-files", "--dump-dom"
    )

    width = int(document.partition("<title>")[2].partition("</title>")[0])
    assert width <= 390


# What a page looks like that has tables, headings and a footer of its own.
HOST = """<!doctype html><html><body style="color: rgb(230, 230, 230); background: #222">
<h2 id="theirs">Theirs</h2><table id="table"><tr><td>1</td></tr></table>{}
<script>
const style = (selector, name) => getComputedStyle(document.querySelector(selector))[name];
document.title = ["#theirs", "#table", ".cloud-usage h2", ".cloud-usage .lines"].map(
  (one) => style(one, one.endsWith("h2") || one == "#theirs" ? "fontWeight" : "borderCollapse")
).concat([style("#theirs", "color"), style(".cloud-usage h2", "color")]).join(";");
</script></body></html>"""


def test_a_section_alone_keeps_its_style_to_itself_and_takes_the_pages_colour(
    tmp_path: Path,
) -> None:
    page = tmp_path / "theirs.html"
    page.write_text(HOST.replace("{}", render_section(samples.adjusted(), "images")))

    document = chromium(page, tmp_path / "profile", "--dump-dom")

    shown = document.partition("<title>")[2].partition("</title>")[0]
    ink = "rgb(230, 230, 230)"
    assert shown.split(";") == ["700", "separate", "600", "collapse", ink, ink]
