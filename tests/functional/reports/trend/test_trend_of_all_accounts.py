"""``report trend --all-accounts`` on a real ledger, held against the trends of single accounts."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from instance_images.model.records import Account
from instance_images_billing.ledger.tables import closings, postings
from instance_images_billing.pricing.periods import parse_period
from instance_images_reports.collect.cutoff import read_cut
from instance_images_reports.collect.sums import read_sums
from instance_images_reports.trend.all_accounts.charges import read_charges
from instance_images_reports.trend.all_accounts.collect import collect_accounts_trend
from instance_images_reports.trend.all_accounts.trend import AccountsTrend
from instance_images_reports.trend.collect import collect_trend
from instance_images_reports.trend.trend import Trend

from conftest import ConfiguredCommandLine
from support.pdf_pages import objects, pages
from support.processes.command_line import CommandLine
from support.statements.workbooks import Book
from support.worlds.ledger_world import World
from support.worlds.trend_world import HOSTILE, two_accounts_of

OF_ALL = ("report", "trend", "--all-accounts", "--period", "2026-11")


@pytest.fixture
def cli(configured: ConfiguredCommandLine) -> CommandLine:
    return configured()


@pytest.fixture
def two_accounts(cli: CommandLine) -> World:
    return two_accounts_of(cli)


def all_accounts(cli: CommandLine) -> AccountsTrend:
    with cli.application.database.snapshot() as connection:
        return collect_accounts_trend(
            connection,
            cli.application.settings,
            parse_period("2026-11", World(cli.application.database).billing.timezone),
            periods=12,
            currency=None,
            idle_months=3,
        )


def of_account(cli: CommandLine, account: str) -> Trend:
    with cli.application.database.snapshot() as connection:
        return collect_trend(
            connection,
            cli.application.settings,
            Account(account, account),
            parse_period("2026-11", World(cli.application.database).billing.timezone),
            periods=12,
            currency=None,
            idle_months=3,
        )


def test_the_change_of_all_accounts_is_explained(cli: CommandLine, two_accounts: World) -> None:
    [found] = cli.ok(*OF_ALL, "-f", "json").json["currencies"]

    # "stays": 4 hours at 1 and then 6 hours at 8/6 on average: 4 more.
    #   price: (8/6 - 1) x (4 + 6) / 2 = 5/3; duration: (6 - 4) x (1 + 8/6) / 2 = 7/3.
    assert [(one["period"], one["total"], one["images"]) for one in found["periods"]] == [
        ("2026-10", "6.00", 2),
        ("2026-11", "23.00", 2),
    ]
    assert found["change"] == {
        "before": "6.00",
        "new": "15.00",
        "ended": "-2.00",
        "volume": "0.00",
        "duration": "2.33",
        "price": "1.67",
        "other": "0.00",
        "after": "23.00",
        "new_images": 1,
        "ended_images": 1,
        "month_length": "0.00",
        "rate_changed_at": "2026-11-01T04:00:00Z",
        "cut_short": "0.00",
        "cut_short_images": 0,
    }
    assert found["answer"] == (
        "November 2026: EUR 23.00, which is EUR 17.00 more than in October 2026 (EUR 6.00):"
        " +15.00 new images (1), +2.33 images stored for longer, -2.00 images charged"
        " in October 2026 only (1), +1.67 higher rate from 1 Nov 2026."
    )
    assert [(one["account_id"], one["change"]) for one in found["movers"]] == [
        ("b", "15.000000000"),
        ("a", "2.000000000"),
    ]
    assert [one["name"] for one in found["movers"][1]["images"]] == ["stays", "ends"]


def test_all_accounts_are_the_sum_of_each(cli: CommandLine, two_accounts: World) -> None:
    [found] = all_accounts(cli).currencies
    each = [of_account(cli, name) for name in ("a", "b")]

    for number, period in enumerate(found.periods):
        assert period.total == sum(one.periods[number].total for one in each)
        assert period.images_count == sum(one.periods[number].images_count for one in each)
        assert period.unit_months == sum(one.periods[number].unit_months for one in each)
        assert period.new.count == sum(one.periods[number].new.count for one in each)
        assert period.ended.count == sum(one.periods[number].ended.count for one in each)
    assert found.bridge.price == sum(one.bridge.price for one in each)
    assert found.stored_count == sum(one.stored_count for one in each)
    for mover in found.movers:
        parts = (mover.new, mover.ended, mover.volume, mover.duration, mover.price, mover.other)
        assert sum(parts) == mover.change


def test_of_one_account_it_is_the_trend_of_that_account(
    cli: CommandLine, two_accounts: World
) -> None:
    two_accounts.delete(
        "1T06:10", two_accounts.capture("1T06:06", "short", account="b"), account="b"
    )

    own = of_account(cli, "a")
    with cli.application.database.writing() as connection:
        for table in ("intervals", "postings"):
            connection.exec_driver_sql(
                f"DELETE FROM {table} WHERE account_key IN"
                " (SELECT account_key FROM accounts WHERE account_id = 'b')"
            )
        connection.execute(sa.delete(closings))
    [found] = all_accounts(cli).currencies

    assert found.periods == own.periods
    assert found.bridge == own.bridge
    assert found.outlook is own.outlook is None
    assert [one.image for one in found.largest if one.account.id == "a"] == list(own.largest)


def test_closed_hours_tell_what_postings_add_up_to(cli: CommandLine, two_accounts: World) -> None:
    timezone = two_accounts.billing.timezone
    with cli.application.database.snapshot() as connection:
        for name in ("2026-10", "2026-11"):
            cut = read_cut(connection, parse_period(name, timezone))
            posted = sum(one.nanos for one in read_sums(connection, cut))

            assert read_charges(connection, cut) == {"EUR": posted}


def test_a_month_that_the_chain_lacks_is_added_up(cli: CommandLine, two_accounts: World) -> None:
    with cli.application.database.writing() as connection:
        connection.execute(
            sa.delete(closings).where(closings.c.hour == datetime(2026, 10, 31, 21, tzinfo=UTC))
        )
    with cli.application.database.snapshot() as connection:
        cut = read_cut(connection, parse_period("2026-10", two_accounts.billing.timezone))

        assert read_charges(connection, cut) == {"EUR": 6 * 10**9}


def test_currencies_are_apart(cli: CommandLine, two_accounts: World) -> None:
    two_accounts.location = replace(two_accounts.location, currency="USD")
    two_accounts.set_rate(price_nanos=730 * 10**9, from_hour="1T07:00")
    two_accounts.run("1T08:05")

    found = cli.ok(*OF_ALL, "-f", "json").json["currencies"]

    # 4 GB: "stays" and the hostile one for the hour from 07:00.
    assert [(one["currency"], one["periods"][-1]["total"]) for one in found] == [
        ("EUR", "31.00"),
        ("USD", "4.00"),
    ]
    [only] = cli.ok(*OF_ALL, "-f", "json", "--currency", "USD").json["currencies"]
    assert only["currency"] == "USD"


@pytest.mark.parametrize("locale", ["en_GB", "de_DE"])
def test_every_format_has_the_answer_and_no_harm(
    cli: CommandLine, two_accounts: World, locale: str
) -> None:
    text = cli.ok(*OF_ALL, "--locale", locale).out
    page = cli.ok(*OF_ALL, "--locale", locale, "-f", "html").out.replace("\xa0", " ")
    book = Book.of(cli.ok(*OF_ALL, "--locale", locale, "-f", "xlsx").content)

    shown = "17,00" if locale == "de_DE" else "17.00"
    assert shown in text
    assert shown in page
    assert "=cmd|&#39;" in page
    assert len(book.all_formulas()) == 1
    changes = "EUR Größte Änderungen" if locale == "de_DE" else "EUR Largest changes"
    assert [book.value(changes, f"B{row}") for row in (2, 3)] == [15, 2]


@pytest.mark.parametrize("engine", ["typst", pytest.param("weasyprint", marks=pytest.mark.all)])
def test_the_pdf_has_every_part(configured: ConfiguredCommandLine, engine: str) -> None:
    evil = '#read("/etc/passwd")'
    cli = configured(report=f"pdf_engine = {engine}")
    world = two_accounts_of(cli)
    world.capture("1T06:30", evil, account="*c*")
    world.run("1T07:35")

    content = cli.ok(*OF_ALL, "-f", "pdf").content

    # Until 07:00 "stays" costs 10 EUR, the first hostile one 21, the other one, half an hour, 1.
    text = " ".join(pages(content))
    for shown in (
        "All accounts", "EUR 32.00", "EUR 26.00 more than in October 2026 (EUR 6.00)",
        "New images +22.00", "Price", "Change EUR +26.00", "Charge by month, EUR",
        "Accounts with the largest changes: 3 of 3", "+21.00", "name of *c*", "stays: +6.00",
        "ends, ended: -2.00", "Periods",
        "Stored images: 3", "Largest images", "Oldest images", "Page 1 of",
        "A charge is the sum of the ledger, rounded once.",
    ):  # fmt: skip
        assert shown in text
    whole = text.replace(" ", "")
    for name in (HOSTILE, evil):
        assert whole.count(name.replace(" ", "")) == 3  # of its account, largest, oldest
    assert any("/StructTreeRoot" in one for one in objects(content))


def test_the_pdf_keeps_currencies_apart_and_speaks_german(
    cli: CommandLine, two_accounts: World
) -> None:
    two_accounts.location = replace(two_accounts.location, currency="USD")
    two_accounts.set_rate(price_nanos=730 * 10**9, from_hour="1T07:00")
    two_accounts.run("1T08:05")

    text = " ".join(pages(cli.ok(*OF_ALL, "-f", "pdf", "--locale", "de_DE").content))

    for shown in ("31,00 EUR", "4,00 USD", "EUR: Warum", "USD: Warum", "Seite 1 von"):
        assert shown in text
    assert "35,00" not in text


def test_the_pdf_of_a_ledger_without_a_charge_says_so(cli: CommandLine) -> None:
    assert "Nothing was charged" in pages(cli.ok(*OF_ALL, "-f", "pdf").content)[0]


def test_csv_has_a_row_for_each_currency_and_period(cli: CommandLine, two_accounts: World) -> None:
    rows = list(csv.DictReader(io.StringIO(cli.ok(*OF_ALL, "-f", "csv").out)))

    assert [(row["period"], row["currency"], row["total"]) for row in rows] == [
        ("2026-10", "EUR", "6.00"),
        ("2026-11", "EUR", "23.00"),
    ]


def test_it_says_what_is_not_known(cli: CommandLine, two_accounts: World) -> None:
    text = " ".join(cli.ok(*OF_ALL).out.split())

    assert "The last period is not fully metered" in text
    assert "A forecast needs three whole months." in text


def test_options_of_one_account_are_refused(cli: CommandLine, two_accounts: World) -> None:
    cli.refused(2, "--account", *OF_ALL, "--account", "a")
    cli.refused(3, "USD", *OF_ALL, "--currency", "USD")


def test_a_ledger_without_a_charge_has_a_trend(cli: CommandLine) -> None:
    assert "Nothing was charged" in cli.ok(*OF_ALL).out


@pytest.mark.parametrize("nanos", [2**62, 2**63 - 1, 10**30])
def test_sums_beyond_64_bits_are_exact(cli: CommandLine, two_accounts: World, nanos: int) -> None:
    with cli.application.database.writing() as connection:
        connection.execute(sa.update(postings).values(amount_nanos=nanos))
        count = connection.execute(sa.select(sa.func.count()).select_from(postings)).scalar_one()
    with cli.application.database.snapshot() as connection:
        sums = [
            one.postings
            for name in ("2026-10", "2026-11")
            for one in read_sums(
                connection, read_cut(connection, parse_period(name, two_accounts.billing.timezone))
            )
        ]

    assert sum(sums) == count * nanos
