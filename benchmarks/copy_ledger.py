"""What copying a ledger into another database costs: time, and memory of the command.

One million images of ten thousand accounts after their first hour: a row of each in images, history
and intervals, and the postings of an hour. The command is a process of its own.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from close_hour import empty_ledger, job
from ledger_filling import fill, rows_by_table
from measuring import machine, note, report

from instance_images.db.engine import Database

from support.processes.command_line import write_config
from support.servers import database_servers

KINDS = ("sqlite", "postgresql", "mariadb")
HOURS = 1


@contextmanager
def empty_target(kind: str, directory: Path) -> Iterator[Database]:
    """Yield a database of that kind without tables."""
    if kind == "sqlite":
        yield Database(f"sqlite:///{directory / 'target.db'}")
        return
    with _server(kind, directory) as server, database_servers.new_database(server) as url:
        yield Database(url)


@contextmanager
def _server(kind: str, directory: Path) -> Iterator[Any]:
    if kind == "postgresql":
        with database_servers.postgresql() as server:
            yield server
    else:
        with database_servers.mariadb(directory) as server:
            yield server


def copy(source: Database, target: Database, directory: Path) -> dict[str, Any]:
    """Copy the ledger by the command; return how long it took and how much memory it had."""
    config = write_config(directory / "ii.conf", source.url.render_as_string(hide_password=False))
    program = "from instance_images.commands.main import main; main()"
    command = [sys.executable, "-c", program, "--config-file", str(config), "db", "copy"]
    began = time.perf_counter()
    url = target.url.render_as_string(hide_password=False)
    process = subprocess.Popen(
        command,
        env={**os.environ, "INSTANCE_IMAGES_COPY_TO": url},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = round(time.perf_counter() - began, 1)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said
    copied = rows_by_table(target)
    assert copied == rows_by_table(source)
    return {
        "seconds": seconds,
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_memory_mb": round(usage.ru_maxrss / 1000, 1),
        "rows": sum(copied.values()),
    }


def measure(kind: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure SQLite into that kind of database, and back."""
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        directory = Path(name)
        with (
            empty_ledger("sqlite", directory) as source,
            empty_target(kind, directory) as target,
        ):
            note("filling")
            fill(source, options.images, options.accounts)
            job(source, HOURS, options.images, "--without-reading")
            source.engine.dispose()
            note(f"from SQLite to {kind}")
            there = copy(source, target, directory)
            note(f"{there}; and back")
            with empty_target("sqlite", directory) as again:
                back = copy(target, again, directory) if kind != "sqlite" else None
            target.engine.dispose()
    return {"from_sqlite": there, **({"to_sqlite": back} if back else {})}


def main() -> None:
    """Measure, and print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--quick", action="store_true", help="a few of everything: does it run?")
    parser.add_argument("--database", choices=KINDS, help="only this one")
    parser.add_argument("--directory", help="where the databases are made")
    parser.add_argument("--keep", action="store_true", help="write results/copy_ledger_*.json")
    options = parser.parse_args()
    if options.quick:
        options.images, options.accounts = 500, 10
    for kind in [options.database] if options.database else KINDS:
        result = {
            **machine("instance-images", "SQLAlchemy", "psycopg", "PyMySQL"),
            "database": kind,
            "images": options.images,
            "accounts": options.accounts,
            **measure(kind, options),
        }
        report(f"copy_ledger_{kind}", result, keep=options.keep)


if __name__ == "__main__":
    main()
