"""What the trend over a year costs, of all accounts and of one: time, CPU and memory, by format.

One million images of ten thousand accounts, on SQLite or PostgreSQL. Half of the images were there
from the start, the others came evenly over the year; every tenth was deleted after one to 90 days,
every twentieth grew, and every third was deployed from. Every run of the command is a process of
its own. Only the last two months have postings, for a trend reads no others; the chain of closed
hours has all hours of the year. One account more has a hundred images and all of its postings.
"""

import argparse
import contextlib
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from close_hour import KINDS, empty_ledger
from ledger_filling import (
    STEADY,
    Year,
    add_steady_account,
    analyze,
    fill_year,
    rows_by_table,
    size_bytes,
)
from measuring import machine, note, report
from report_all_accounts import measured

from instance_images.db.engine import Database

FORMATS = ("json", "csv", "text", "html", "xlsx", "pdf")
YEAR = Year(
    start=datetime(2025, 10, 1, tzinfo=UTC),
    end=datetime(2026, 11, 1, tzinfo=UTC),
    posted_from=datetime(2026, 9, 1, tzinfo=UTC),
    rate_changes_at=datetime(2026, 10, 15, tzinfo=UTC),
)


def measure(kind: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one kind of database."""
    with (
        tempfile.TemporaryDirectory(dir=options.directory) as name,
        filled_ledger(kind, Path(name), options) as database,
    ):
        directory = Path(name)
        config = directory / "instance-images.conf"
        url = database.url.render_as_string(hide_password=False).replace("$", "$$")
        config.write_text(
            f"[DEFAULT]\nlocations = RegionOne\n[database]\nconnection = {url}\n"
            "[location:RegionOne]\ncloud = none\n"
        )
        found = {
            "postings": rows_by_table(database)["postings"],
            "database_mb": round(size_bytes(database) / 1e6, 1),
            "all_accounts": runs(config, directory, options.formats, "--all-accounts"),
            "one_account": runs(config, directory, options.formats, "--account", STEADY),
        }
        if options.kept:
            (directory / "all-accounts.html").rename(options.kept)
        return found


@contextlib.contextmanager
def filled_ledger(kind: str, directory: Path, options: argparse.Namespace) -> Iterator[Database]:
    """Yield the ledger of the year; one in a file is filled once, and used again."""
    if options.ledger and Path(options.ledger).exists():
        yield Database(f"sqlite:///{Path(options.ledger).resolve()}")
        return
    with empty_ledger(kind, directory) as database:
        note(f"filling {kind}")
        fill_year(database, YEAR, options.images, options.accounts)
        add_steady_account(database, YEAR, max(1, options.images // options.accounts))
        analyze(database)
        if options.ledger:
            database.engine.dispose()  # so that all is in one file
            (directory / "ledger.db").rename(options.ledger)
            database = Database(f"sqlite:///{Path(options.ledger).resolve()}")
        yield database


def runs(config: Path, directory: Path, formats: list[str], *whose: str) -> dict[str, Any]:
    """Measure the trend in each format; each is written to a file."""
    found = {}
    for name in formats:
        file = directory / f"{whose[0].strip('-')}.{name}"
        words = ("report", "trend", *whose, "--period", "2026-10", "-f", name)
        found[name] = measured(config, *words, "-o", str(file))
    return found


def main() -> None:
    """Measure, and print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--formats", nargs="+", default=list(FORMATS), choices=FORMATS)
    parser.add_argument("--quick", action="store_true", help="a few of everything: does it run?")
    parser.add_argument("--database", choices=KINDS, help="only this one")
    parser.add_argument("--directory", help="where databases and files are made")
    parser.add_argument(
        "--ledger", metavar="FILE", help="fill this file of SQLite once, and use it again"
    )
    parser.add_argument("--kept", help="keep the page of all accounts here")
    parser.add_argument("--keep", action="store_true", help="write results/trend_*.json")
    options = parser.parse_args()
    if options.quick:
        options.images, options.accounts, options.formats = 500, 10, ["json", "html"]
    if options.ledger:
        options.database = "sqlite"
    for kind in [options.database] if options.database else KINDS:
        result = {
            **machine("instance-images", "SQLAlchemy", "psycopg"),
            "database": kind,
            "images": options.images,
            "accounts": options.accounts,
            "months": 12,
            **measure(kind, options),
        }
        report(f"trend_{kind}", result, keep=options.keep)


if __name__ == "__main__":
    main()
