"""What a person from finance reads about a month that cost about 400 EUR more, in every format.

By hand, in EUR, per GB and hour 0.10 / 730 and from 15 November 0.12 / 730; October has 744 hours,
November 336 before that day and 384 from it on:

    9,000 GB    October 9,000 x 744 x 0.10 / 730 = 917.26
                November 9,000 x (336 x 0.10 + 384 x 0.12) / 730 = 982.36, so 65.10 more
                mean price of November: (336 x 0.10 + 384 x 0.12) / 720 = 0.110667
                price: 9,000 x (0.110667 - 0.10) x (744 + 720) / 2 / 730 = 96.26
                length of the month: 9,000 x (720 - 744) x (0.10 + 0.110667) / 2 / 730 = -31.17
    old-web     1,000 x (240 - 744) x 0.10 / 730 = -69.04
    new images  4,500 x (216 x 0.10 + 384 x 0.12) / 730 = 417.21
"""

import html
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from instance_images.db.tables import accounts

from support.browser import chromium
from support.pdf_pages import pages
from support.processes.command_line import CommandLine, write_config
from support.statements.workbooks import Book
from support.worlds.trend_world import four_hundred_more

WHOSE = {"one": ("--account", "demo"), "all": ("--all-accounts",)}
ANSWER = {
    "en_GB": "November 2026: EUR 1,432.44, which is EUR 413.26 more than in October 2026"
    " (EUR 1,019.18): +417.21 new images (2), +96.26 higher rate from 15 Nov 2026,"
    " -69.04 images that ended in November 2026 (1), -31.17 month of 30 days after one of 31.",
    "de_DE": "November 2026: 1.432,44 EUR, das sind 413,26 EUR mehr als im Oktober 2026"
    " (1.019,18 EUR): +417,21 neue Images (2), +96,26 höherer Preis ab 15.11.2026,"
    " -69,04 im November 2026 beendete Images (1), -31,17 Monat mit 30 Tagen nach einem mit 31.",
}
CAUSES = ["417.21", "0.00", "-69.04", "0.00", "-31.17", "0.00", "96.26", "0.00"]


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """The command line on a ledger that all tests of this file read."""
    directory = tmp_path_factory.mktemp("dearer-month")
    database = f"sqlite:///{directory / 'instance-images.db'}"
    made = CommandLine(write_config(directory / "instance-images.conf", database))
    made.ok("db", "upgrade")
    four_hundred_more(made)
    return made


def trend(cli: CommandLine, whose: str, locale: str, name: str) -> bytes:
    words = ("report", "trend", *WHOSE[whose], "--period", "2026-11", "--locale", locale)
    return cli.ok(*words, "-f", name).content


@pytest.mark.parametrize("whose", WHOSE)
@pytest.mark.parametrize("locale", ANSWER)
def test_the_first_sentence_says_why(cli: CommandLine, whose: str, locale: str) -> None:
    text = trend(cli, whose, locale, "text").decode()
    page = html.unescape(trend(cli, whose, locale, "html").decode())
    book = Book.of(trend(cli, whose, locale, "xlsx"))
    first_page = pages(trend(cli, whose, locale, "pdf"))[0]

    assert ANSWER[locale] in " ".join(text.split())
    [answer, *_] = re.findall(r'<p class="answer">(.*?)</p>', page)
    assert answer.replace("\xa0", " ") == ANSWER[locale]
    assert ANSWER[locale] in first_page
    first = book.formulas.worksheets[0]
    cells = [str(cell.value).replace("\xa0", " ") for row in first for cell in row]
    assert ANSWER[locale] in cells


@pytest.mark.parametrize("whose", WHOSE)
def test_the_causes_add_up(cli: CommandLine, whose: str) -> None:
    page = trend(cli, whose, "en_GB", "html").decode()

    [causes] = re.findall(r'<table class="causes">(.*?)</table>', page, re.DOTALL)
    *parts, change = re.findall(r'<td class="number">(.*?)</td>', causes)
    assert [one.removeprefix("+") for one in parts] == CAUSES
    assert change == "+413.26"
    assert "Images that ended in November 2026" in causes
    assert "Images charged in October 2026 only" in causes


def test_an_image_that_was_deleted_is_said_to_have_ended(cli: CommandLine) -> None:
    text = trend(cli, "one", "en_GB", "text").decode()

    assert re.search(r"old-web +RegionOne +ended +-69\.04", text)
    assert re.search(r"shop-2026 +RegionOne +new +\+370\.85 +- +- +-", text)


@pytest.mark.all
@pytest.mark.parametrize("whose", WHOSE)
@pytest.mark.parametrize("locale", ANSWER)
def test_the_page_fits_on_a_phone_and_on_paper(
    cli: CommandLine, whose: str, locale: str, tmp_path: Path
) -> None:
    page, around, paper = (tmp_path / name for name in ("page.html", "around.html", "paper.pdf"))
    page.write_bytes(trend(cli, whose, locale, "html"))
    # The page forbids scripts, so it is measured from a page around it.
    around.write_text(
        f'<iframe src={page.as_uri()} width=390 height=900 onload="document.title ='
        ' this.contentDocument.documentElement.scrollWidth"></iframe>'
    )

    shown = chromium(around, tmp_path / "p", "--allow-file-access-from-files", "--dump-dom")
    chromium(page, tmp_path / "p", f"--print-to-pdf={paper}")

    [width] = re.findall("<title>([0-9]+)</title>", shown)
    assert int(width) <= 390
    assert ANSWER[locale] in " ".join(pages(paper.read_bytes()))


def test_a_renamed_account_is_one_and_has_its_new_name(cli: CommandLine) -> None:
    renamed = sa.update(accounts).where(accounts.c.account_id == "demo")
    with cli.application.database.writing() as connection:
        connection.execute(renamed.values(account_name="renamed <b>"))

    try:
        text = trend(cli, "all", "en_GB", "text").decode()
        page = trend(cli, "all", "en_GB", "html").decode()
    finally:
        with cli.application.database.writing() as connection:
            connection.execute(renamed.values(account_name="name of demo"))

    assert "Accounts with the largest changes: 1 of 1" in text
    assert "renamed &lt;b&gt;" in page
    assert "name of demo" not in page


def test_the_causes_of_an_account_are_those_of_the_month(cli: CommandLine) -> None:
    of_all = ("report", "trend", "--all-accounts", "--period", "2026-11")
    [currency] = cli.ok(*of_all, "-f", "json").json["currencies"]
    book = Book.of(cli.ok(*of_all, "-f", "xlsx").content)

    # Change, new, ended (old-web, in November), volume, month length, duration, price, other.
    shown = "+413.26 +417.21 -69.04 0.00 -31.17 0.00 +96.26 0.00"
    assert shown in re.sub(" +", " ", cli.ok(*of_all).out)
    parts = [book.value("EUR Largest changes", f"{column}2") for column in "CDEFGHI"]
    assert sum(map(float, parts)) == pytest.approx(float(currency["movers"][0]["change"]))
    assert currency["movers"][0]["cut_short"].startswith("-69.041")
