"""One run of the meter in a process of its own: what it did, took and held in memory.

    close_hour_job.py URL UNTIL IMAGES [--without-reading] [--explain]

The cloud is a driver in memory that lists the images of ``ledger_filling``. Prints JSON.
"""

import argparse
import itertools
import json
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import sqlalchemy as sa
from ledger_filling import BILLING, LOCATION, image_id_of, rows_by_table, size_of

from instance_images.commands.main import collect_seldom
from instance_images.db.engine import Database
from instance_images.locations.site import Site
from instance_images.model.cloud import CloudImage, CloudImageStatus
from instance_images.sync.compare import Comparison, Listed
from instance_images.sync.reconcile import Reading
from instance_images_billing.hours import close
from instance_images_billing.ledger import postings as ledger

from support.clouds.memory_cloud import MemoryProvider
from support.processes.command_line import SetClock

EXPLAIN = {"postgresql": "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF)", "sqlite": "EXPLAIN QUERY PLAN"}


class ListedCloud(MemoryProvider):
    """Lists images that it makes up while they are read, so that they take no memory here."""

    def __init__(self, clock: SetClock, count: int, accounts: int) -> None:
        super().__init__(LOCATION, clock)
        self.count = count
        self.owners = [image_id_of(number) for number in range(1, accounts + 1)]

    def list_images(self) -> Iterator[CloudImage]:
        """Yield all images as they are on record, as a driver yields the pages of a listing."""
        now = self.clock()
        for number in range(1, self.count + 1):
            yield CloudImage(
                id=image_id_of(number),
                name=f"image-{number}",
                owner_id=self.owners[number % len(self.owners)],
                status=CloudImageStatus.ACTIVE,
                size_bytes=size_of(number),
                virtual_size_bytes=None,
                min_disk_gib=0,
                min_ram_mib=0,
                changed_at=now,
            )


@dataclass(slots=True)
class Stopwatch:
    """Seconds by the function that they were spent in."""

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def watch(self, module: ModuleType, name: str) -> None:
        """Time the module's function of that name, if there is one."""
        plain: Callable[..., Any] | None = getattr(module, name, None)
        if plain is None:
            return

        def timed(*arguments: Any, **more: Any) -> Any:
            began = time.perf_counter()
            try:
                return plain(*arguments, **more)
            finally:
                self.seconds[name] += time.perf_counter() - began

        setattr(module, name, timed)

    def watch_all(self) -> None:
        """Time the reading, and every function of the ledger."""
        for name in ("read_location", "record_reading"):
            self.watch(close, name)
        for name, value in list(vars(ledger).items()):
            if isinstance(value, FunctionType) and value.__module__ == ledger.__name__:
                self.watch(ledger, name)

    def longest(self) -> dict[str, float]:
        """Return what took more than ten milliseconds, the longest first."""
        longest = sorted(self.seconds.items(), key=lambda item: -item[1])
        return {name: round(seconds, 3) for name, seconds in longest if seconds > 0.01}


@dataclass(slots=True)
class Statements:
    """The statements that were sent, with the parameters and the seconds of each."""

    engine: sa.Engine
    sent: dict[str, tuple[float, Any]] = field(default_factory=dict)
    began: float = 0.0

    def listen(self) -> None:
        """Remember every statement from now on."""
        sa.event.listen(self.engine, "before_cursor_execute", self._before)
        sa.event.listen(self.engine, "after_cursor_execute", self._after)

    def _before(self, *_: Any) -> None:
        self.began = time.perf_counter()

    def _after(self, _c: Any, _k: Any, statement: str, given: Any, _x: Any, many: bool) -> None:
        seconds, _ = self.sent.get(statement, (0.0, None))
        self.sent[statement] = (seconds + time.perf_counter() - self.began, None if many else given)

    def explained(self, shown: int = 5) -> list[dict[str, Any]]:
        """Return the plans of the statements that took longest; what they write is undone."""
        longest = sorted(self.sent.items(), key=lambda item: -item[1][0])[:shown]
        return [
            {
                "statement": re.sub(r"\s+", " ", statement),
                "seconds": round(seconds, 3),
                "plan": self._plan(statement, given) if given is not None else [],
            }
            for statement, (seconds, given) in longest
        ]

    def _plan(self, statement: str, given: Any) -> list[str]:
        explain = EXPLAIN[self.engine.dialect.name]
        with self.engine.connect() as connection:
            try:
                rows = connection.exec_driver_sql(f"{explain} {statement}", given).all()
            except sa.exc.IntegrityError:  # PostgreSQL executes what it explains
                return ["it writes what is there already"]
            finally:
                connection.rollback()
        return [str(row[-1]) for row in rows]


def peak_memory_mb() -> float:
    """Return the most memory that this process held at once, in MB."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return round(int(found[1]) * 1024 / 1e6, 1)


def without_reading(site: Site, **_: Any) -> Reading:
    """Stand in for a reading that found everything as it was."""
    return Reading(
        read_at=site.clock(),
        observations=(),
        differences=Comparison(),
        listed=Listed(unlisted={}, on_record=0),
    )


def main() -> None:
    """Run the meter once, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("until", type=datetime.fromisoformat)
    parser.add_argument("images", type=int)
    parser.add_argument("--without-reading", action="store_true")
    parser.add_argument("--explain", action="store_true")
    options = parser.parse_args()
    collect_seldom()
    database = Database(options.url)
    clock = SetClock(options.until)
    site = Site(
        location=LOCATION,
        provider=ListedCloud(clock, options.images, rows_by_table(database)["accounts"]),
        database=database,
        clock=clock,
        default_max_images=10,
    )
    if options.without_reading:
        setattr(close, "read_location", without_reading)  # noqa: B010 (types)
    stopwatch, statements = Stopwatch(), Statements(database.engine)
    stopwatch.watch_all()
    if options.explain:
        statements.listen()
    base_mb = peak_memory_mb()
    began, began_cpu = time.perf_counter(), time.process_time()
    done = close.meter(site, BILLING, options.until)
    result = {
        "seconds": round(time.perf_counter() - began, 3),
        "cpu_seconds": round(time.process_time() - began_cpu, 3),
        "peak_memory_mb": peak_memory_mb(),
        "memory_before_mb": base_mb,
        "hours": done.hours,
        "problems": list(itertools.islice(done.problems, 3)),
        "longest": stopwatch.longest(),
    }
    if options.explain:
        result["statements"] = statements.explained()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
