"""What the reports of all accounts cost, by format and by engine, and to a bare floor.

A month of 744 hours of one million images and ten thousand accounts, on SQLite or PostgreSQL. The
first two hours are closed by the meter, and the postings of the second are written again for each
of the others. Every run of the command is a process of its own; what its workers and PostgreSQL
took is counted.
The floor is ``bare_reports``, in the same run: the rows by SQL, written as they are.
"""

import argparse
import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from close_hour import KINDS, empty_ledger, job
from cpu_time import server_cpu_seconds
from ledger_filling import FIRST_HOUR, analyze, fill, repeat_hour, rows_by_table, size_bytes
from measuring import machine, note, report

from instance_images.db.engine import Database

HOURS = 744  # of October


def fill_month(database: Database, images: int, accounts: int) -> None:
    """Fill the ledger with the month, closed to its end."""
    fill(database, images, accounts)
    job(database, 1, images, "--without-reading")
    analyze(database)
    job(database, 2, images, "--without-reading")
    repeat_hour(database, FIRST_HOUR + timedelta(hours=1), HOURS - 2)
    with database.writing() as connection:
        ended = int(FIRST_HOUR.timestamp()) + HOURS * 3600
        connection.exec_driver_sql(f"UPDATE watermarks SET hour = {ended}")
    analyze(database)


class PeakMemory(threading.Thread):
    """Watches how much memory a process and those that it began hold, together and each."""

    def __init__(self, process_id: int) -> None:
        super().__init__(daemon=True)
        self.process_id = process_id
        self.together_mb = self.largest_mb = 0.0
        self.is_over = False

    def run(self) -> None:
        """Look ten times a second."""
        while not self.is_over:
            sizes = [_own_memory_mb(one) for one in _with_descendants(self.process_id)]
            self.together_mb = max(self.together_mb, sum(sizes))
            self.largest_mb = max(self.largest_mb, *sizes, 0.0)
            time.sleep(0.1)


def _with_descendants(process_id: int) -> list[int]:
    found = [process_id]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += [int(child) for child in task.read_text().split()]
            except OSError:
                continue
    return found


def _own_memory_mb(process_id: int) -> float:
    """Return the resident memory of a process, without pages of files that it shares."""
    try:
        status = Path(f"/proc/{process_id}/status").read_text()
    except OSError:
        return 0.0
    lines = (line.split() for line in status.splitlines())
    return sum(int(words[1]) for words in lines if words and words[0] == "RssAnon:") / 1000


def measured(config: Path, *words: str, database: Database | None = None) -> dict[str, Any]:
    """Run the command, which must succeed; return what it took, and a database's server."""
    command = [sys.executable, "-m", "instance_images.commands.main", "--config-file", str(config)]
    return _cost([*command, *words], " ".join(words[:6]), database)


def _cost(command: Sequence[str], shown: str, database: Database | None) -> dict[str, Any]:
    before = _server(database)
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    memory = PeakMemory(process.pid)
    memory.start()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    memory.is_over = True
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    server = _server(database) - before
    result = {
        "seconds": round(seconds, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime + server, 2),
        "of_it_server": round(server, 2),
        "peak_memory_mb": round(memory.together_mb, 1),
        "largest_process_mb": round(memory.largest_mb, 1),
    }
    note(f"{shown}: {result}")
    return result


def _server(database: Database | None) -> float:
    return 0.0 if database is None else server_cpu_seconds(database)


def measure(kind: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one kind of database."""
    with (
        tempfile.TemporaryDirectory(dir=options.directory) as directory,
        empty_ledger(kind, Path(directory)) as database,
    ):
        note(f"filling {kind}")
        fill_month(database, options.images, options.accounts)
        config = Path(directory) / "instance-images.conf"
        url = database.url.render_as_string(hide_password=False).replace("$", "$$")
        config.write_text(
            f"[DEFAULT]\nlocations = RegionOne\n[database]\nconnection = {url}\n"
            "[location:RegionOne]\ncloud = none\n"
        )
        return {
            "postings": rows_by_table(database)["postings"],
            "database_mb": round(size_bytes(database) / 1e6, 1),
            **reports(config, database, Path(directory), options),
        }


def floor(database: Database, what: str, directory: Path) -> dict[str, Any]:
    """Measure the bare script in a process of its own."""
    url, folder = database.url.render_as_string(hide_password=False), directory / f"bare_{what}"
    script = str(Path(__file__).with_name("bare_reports.py"))
    found = _cost([sys.executable, script, url, what, str(folder)], f"bare {what}", database)
    shutil.rmtree(folder, ignore_errors=True)
    return found


def beside(ours: dict[str, Any], bare: dict[str, Any]) -> dict[str, Any]:
    """Return both costs, and the one to the other."""
    names = (("wall_ratio", "seconds"), ("cpu_ratio", "cpu_seconds"))
    ratios = {name: round(ours[what] / max(bare[what], 0.01), 2) for name, what in names}
    return {**ours, "floor": bare, **ratios}


def reports(
    config: Path, database: Database, directory: Path, options: argparse.Namespace
) -> dict[str, Any]:
    """Measure the summary, the folders, and what proves them."""
    run = partial(measured, config, database=database)
    every = ("report", "cloud-usage", "--all-accounts", "--period", "2026-10")
    found: dict[str, Any] = {"summary": run(*every, "-f", "json")}
    for name in options.formats:
        folder = directory / name
        bare = floor(database, name, directory)
        found[name] = beside(run(*every, "-f", name, "-o", str(folder)), bare)
        files = [path for path in folder.rglob("*") if path.is_file()]
        found[name]["files"] = len(files)
        found[name]["mb"] = round(sum(path.stat().st_size for path in files) / 1e6, 1)
        if name != options.formats[0]:
            shutil.rmtree(folder)
    first = directory / options.formats[0]
    proved = ("report", "reconcile", "--period", "2026-10")
    found["reconcile_folder"] = run(*proved, str(first))
    found["reconcile"] = beside(run(*proved), floor(database, "sum", directory))
    found["dask"] = {}
    for jobs in options.jobs:
        several = ("-f", first.name, "--jobs", str(jobs))
        plain = run(*every, *several, "-o", str(directory / "plain"))
        dask = run(*every, *several, "-o", str(directory / "dask"), "--engine", "dask")
        found["dask"][jobs] = beside(dask, plain)
        found["dask"][jobs]["same_bytes"] = _is_same(first, directory / "dask")
        shutil.rmtree(directory / "plain")
        shutil.rmtree(directory / "dask")
    return found


def _is_same(one: Path, other: Path) -> bool:
    names = {path.relative_to(one).as_posix() for path in one.rglob("*") if path.is_file()}
    others = {path.relative_to(other).as_posix() for path in other.rglob("*") if path.is_file()}
    _, differ, failed = filecmp.cmpfiles(one, other, sorted(names), shallow=False)
    return names == others and not differ and not failed


def main() -> None:
    """Measure, and print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--formats", nargs="+", default=["json", "csv"])
    parser.add_argument("--jobs", type=int, nargs="*", default=[1, 2, 4], help="of Dask's runs")
    parser.add_argument("--quick", action="store_true", help="a few of everything: does it run?")
    parser.add_argument("--database", choices=KINDS, help="only this one")
    parser.add_argument("--directory", help="where databases and folders are made")
    parser.add_argument("--keep", action="store_true", help="write results/report_all_accounts_*")
    options = parser.parse_args()
    if options.quick:
        options.images, options.accounts, options.jobs = 500, 10, [1]
    for kind in [options.database] if options.database else KINDS:
        result = {
            **machine("instance-images", "SQLAlchemy", "psycopg", "distributed"),
            "database": kind,
            "images": options.images,
            "accounts": options.accounts,
            "hours": HOURS,
            **measure(kind, options),
        }
        report(f"report_all_accounts_{kind}", result, keep=options.keep)


if __name__ == "__main__":
    main()
