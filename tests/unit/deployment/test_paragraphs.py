"""No paragraph of a document has more than 90 words; facts belong into tables and lists.

A list item and a block quote count as paragraphs. Tables, code and literal blocks do not count.
"""

import re
from pathlib import Path

import pytest

from support.clouds.embedded_cloud import CHECKOUT

MOST_WORDS = 90
PAGES = sorted(
    page
    for pattern in ("*.md", "*.rst", "*/README.md", "tests/*/README.md", "doc/source/**/*.*")
    for page in CHECKOUT.glob(pattern)
    if page.suffix in {".md", ".rst"} and page.name != "CHANGELOG.md"
)
_CODE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_ITEM = re.compile(r"^(?= *(?:[-*]|\d+\.) )", re.MULTILINE)
_TABLE_ROW = re.compile(r"^ *\|.*$", re.MULTILINE)


def long_paragraphs(text: str) -> list[str]:
    """Return the number of words and the beginning of each paragraph that is too long."""
    blocks = re.split(r"\n\s*\n", _TABLE_ROW.sub("", _CODE.sub("", text)))
    found = []
    for paragraph in (item for block in blocks for item in _ITEM.split(block)):
        words = paragraph.split()
        is_literal = all(line.startswith("    ") for line in paragraph.splitlines())
        if len(words) > MOST_WORDS and not is_literal:
            found.append(f"{len(words)} words: {' '.join(words[:8])} ...")
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_no_paragraph_is_long(page: Path) -> None:
    assert long_paragraphs(page.read_text()) == []


def test_the_pages_of_readers_are_checked() -> None:
    checked = {str(page.relative_to(CHECKOUT)) for page in PAGES}

    assert {
        "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "HACKING.rst", "etc/README.md",
        "doc/source/index.md", "doc/source/finance/rules.md", "doc/source/release-notes.rst",
    } <= checked  # fmt: skip


FILLED = "word " * MOST_WORDS


@pytest.mark.parametrize("start", ["one ", "- ", "  2. ", "> "])
def test_a_long_paragraph_is_found(start: str) -> None:
    text = f"A short one.\n\n{start}{FILLED}more\n\nAnother short one.\n"

    assert len(long_paragraphs(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        FILLED,
        f"- {FILLED[:300]}\n- {FILLED[:300]}\n",
        f"| {FILLED} | {FILLED} |\n",
        f"```\n{FILLED}{FILLED}\n```\n",
        f"    {FILLED}{FILLED}\n",
    ],
    ids=["limit", "items", "table", "code", "literal"],
)
def test_short_paragraphs_tables_and_code_are_not_found(text: str) -> None:
    assert long_paragraphs(text) == []
