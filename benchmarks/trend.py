"""What the trend of all accounts over a year costs: time, CPU and memory, by format.

One million images of ten thousand accounts, on SQLite or PostgreSQL. Half of the images were there
from the start, the others came evenly over the year; every tenth was deleted after one to 90 days,
every twentieth grew, and every third was deployed from. Every run of the command is a process of
its own. Only the last two months have postings, for a trend reads no others; the chain of closed
hours has all hours of the year.
"""

import argparse
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from close_hour import KINDS, empty_ledger
from ledger_filling import Year, analyze, fill_year, rows_by_table, size_bytes
from measuring import machine, note, report
from report_all_accounts import measured

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
        empty_ledger(kind, Path(name)) as database,
    ):
        directory = Path(name)
        note(f"filling {kind}")
        fill_year(database, YEAR, options.images, options.accounts)
        analyze(database)
        config = directory / "instance-images.conf"
        url = database.url.render_as_string(hide_password=False).replace("$", "$$")
        config.write_text(
            f"[DEFAULT]\nlocations = RegionOne\n[database]\nconnection = {url}\n"
            "[location:RegionOne]\ncloud = none\n"
        )
        found = {
            "postings": rows_by_table(database)["postings"],
            "database_mb": round(size_bytes(database) / 1e6, 1),
            "all_accounts": runs(config, directory, options.formats),
        }
        trend = json.loads((directory / "all-accounts.json").read_text())
        found["currencies"] = [one["currency"] for one in trend["currencies"]]
        if options.kept:
            (directory / "all-accounts.html").rename(options.kept)
        return found


def runs(config: Path, directory: Path, formats: list[str]) -> dict[str, Any]:
    """Measure the trend in each format; each is written to a file."""
    found = {}
    for name in formats:
        file = directory / f"all-accounts.{name}"
        words = ("report", "trend", "--all-accounts", "--period", "2026-10", "-f", name)
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
    parser.add_argument("--kept", help="keep the page of all accounts here")
    parser.add_argument("--keep", action="store_true", help="write results/trend_*.json")
    options = parser.parse_args()
    if options.quick:
        options.images, options.accounts, options.formats = 500, 10, ["json", "html"]
    if "json" not in options.formats:
        options.formats = ["json", *options.formats]
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
