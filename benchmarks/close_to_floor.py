"""Closing hours beside what the database itself needs for the same rows.

*Unchanged*: an hour in which nothing changed, beside one INSERT..SELECT that sums the intervals and
writes a posting per account. *Began*: the hour in which all images began, beside the four
statements that write its rows. Reading the cloud is in neither. Both sides are measured in turn in
one process.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from close_hour_job import without_reading
from cpu_time import cpu_seconds
from ledger_filling import BILLING, FIRST_HOUR, LOCATION, fill, fill_unchanged
from measuring import median, note, spread

from instance_images.db.engine import Database
from instance_images.instants import HOUR
from instance_images.locations.site import Site
from instance_images_billing.hours import close
from instance_images_billing.ledger.tables import postings

from support.clouds.memory_cloud import MemoryProvider
from support.processes.command_line import SetClock

Step = Callable[[], None]

# Nanos of a GB-month / (bytes of a GB x seconds of a month): here a posting is a sum / 52,560,000.
_SECONDS = {
    "postgresql": "coalesce(least(ends_at, {end}), {end}) - greatest(starts_at, {start})",
    "sqlite": "coalesce(min(ends_at, {end}), {end}) - max(starts_at, {start})",
}
_AMOUNT = {"postgresql": "round({sum} / 52560000)", "sqlite": "{sum} / 52560000"}


@dataclass(slots=True)
class Costs:
    """Seconds and CPU seconds of both sides, server included, pair by pair."""

    ours: list[tuple[float, float]] = field(default_factory=list)
    floor: list[tuple[float, float]] = field(default_factory=list)

    def result(self) -> dict[str, Any]:
        """Return the medians."""
        pairs = list(zip(self.ours, self.floor, strict=True))
        return {
            "ours_seconds": median([seconds for seconds, _ in self.ours]),
            "floor_seconds": median([seconds for seconds, _ in self.floor]),
            "ratio": median([a[0] / b[0] for a, b in pairs]),
            "ratio_quartiles": spread([a[0] / b[0] for a, b in pairs]),
            "ours_cpu_seconds": median([cpu for _, cpu in self.ours]),
            "floor_cpu_seconds": median([cpu for _, cpu in self.floor]),
            "cpu_ratio": median([a[1] / max(b[1], 0.01) for a, b in pairs]),
        }


def timed(database: Database, step: Step) -> tuple[float, float]:
    """Return the seconds and CPU seconds that the step takes."""
    began, began_cpu = time.perf_counter(), cpu_seconds(database)
    step()
    took = time.perf_counter() - began
    return took, cpu_seconds(database) - began_cpu


def site_at(database: Database, now: datetime) -> Site:
    """Return the location, as a run at that instant has it."""
    clock = SetClock(now)
    return Site(
        location=LOCATION,
        provider=MemoryProvider(LOCATION, clock),
        database=database,
        clock=clock,
        default_max_images=10,
    )


def close_hours(database: Database, until: datetime) -> Step:
    """Return the step that takes the news in and closes the hours up to that instant."""
    site = site_at(database, until)

    def step() -> None:
        done = close.Metered(location=site.name)
        run = database.write(
            lambda connection: close.prepare(
                connection=connection,
                site=site,
                billing=BILLING,
                reading=without_reading(site),
                until=until,
                done=done,
            )
        )
        close.close_hours(site, run, until, done)
        assert done.closed_until == until, done.problems

    return step


def insert_statement(database: Database, table: str, hour: datetime) -> str:
    """Return the one statement that sums an hour and writes its postings into the table."""
    kind = database.url.get_backend_name()
    start, end = int(hour.timestamp()), int((hour + HOUR).timestamp())
    total = f"sum(size_bytes * ({_SECONDS[kind].format(start=start, end=end)}))"
    return (
        f"INSERT INTO {table} (account_key, starts_at, byte_seconds, amount_nanos)"
        f" SELECT account_key, {start}, {total}, {_AMOUNT[kind].format(sum=total)} FROM intervals"
        " WHERE account_key IN (SELECT account_key FROM accounts WHERE location = 'RegionOne')"
        f" AND starts_at < {end} AND (ends_at IS NULL OR ends_at > {start})"
        " GROUP BY account_key ORDER BY account_key"
    )


def execute(database: Database, statements: list[str]) -> None:
    """Execute the statements in one transaction."""
    with database.writing() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def unchanged(database: Database, images: int, accounts: int, rounds: int) -> dict[str, Any]:
    """Measure hours in which nothing changed, one after the other."""
    note(f"filling: {images} unchanged images of {accounts} accounts")
    fill_unchanged(database, images, accounts)
    floor = sa.Table(
        "floor_postings",
        sa.MetaData(),
        *(sa.Column(c.name, c.type, primary_key=c.primary_key) for c in postings.c),
        sqlite_with_rowid=False,
    )
    with database.writing() as connection:
        floor.create(connection)
    costs = Costs()
    note("an hour in which nothing changed")
    for number in range(rounds + 1):
        hour = FIRST_HOUR + number * HOUR
        both = {
            "floor": partial(
                execute, database, [insert_statement(database, "floor_postings", hour)]
            ),
            "ours": close_hours(database, hour + HOUR),
        }
        order = sorted(both, reverse=bool(number % 2))
        took = {name: timed(database, both[name]) for name in order}
        if number:  # the first one fills the caches
            costs.ours.append(took["ours"])
            costs.floor.append(took["floor"])
    _require_same(database)
    return {"images": images, "accounts": accounts, **costs.result()}


def _require_same(database: Database) -> None:
    """Fail unless both have written the same sums: else it is no floor."""
    with database.reading() as connection:
        both = [
            [
                (row[0], row[1], int(row[2]))
                for row in connection.exec_driver_sql(
                    f"SELECT account_key, starts_at, byte_seconds FROM {name}"
                    " ORDER BY account_key, starts_at"
                )
            ]
            for name in ("postings", "floor_postings")
        ]
    assert both[0] == both[1], "the floor has other postings"


def began(
    database: Database, directory: Path, images: int, accounts: int, rounds: int
) -> dict[str, Any]:
    """Measure the hour in which all images began, each time on a copy of the same database."""
    note(f"filling: {images} new images of {accounts} accounts")
    fill(database, images, accounts)
    costs = Costs()
    for number in range(rounds):
        note(f"the hour in which all images began: {number + 1} of {rounds}")
        with copied(database, directory) as copy:
            costs.floor.append(timed(copy, partial(execute, copy, _rows_of_the_hour(copy))))
        with copied(database, directory) as copy:
            costs.ours.append(timed(copy, close_hours(copy, FIRST_HOUR + HOUR)))
    return {"images": images, "accounts": accounts, **costs.result()}


def _rows_of_the_hour(database: Database) -> list[str]:
    """Return the statements that write what the hour in which all began writes."""
    facts = "image_id, account_key, event, effective_at, size_bytes, learned_at, source"
    return [
        f"INSERT INTO history (news_key, {facts}) SELECT news_key, {facts} FROM news"
        " ORDER BY news_key",
        "INSERT INTO intervals (image_id, starts_at, account_key, size_bytes)"
        " SELECT image_id, effective_at, account_key, size_bytes FROM news",
        "DELETE FROM news",
        insert_statement(database, "postings", FIRST_HOUR),
    ]


@contextmanager
def copied(database: Database, directory: Path) -> Iterator[Database]:
    """Yield a copy of the database, which is removed afterwards."""
    database.engine.dispose()
    if database.url.get_backend_name() == "sqlite":
        assert database.url.database is not None
        path = directory / "copy.db"
        shutil.copy(database.url.database, path)
        copy = Database(f"sqlite:///{path}")
        yield copy
        copy.engine.dispose()
        for end in ("", "-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        return
    server = sa.create_engine(database.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    name = f"{database.url.database}_copy"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {database.url.database}")
        copy = Database(database.url.set(database=name).render_as_string(hide_password=False))
        yield copy
        copy.engine.dispose()
        connection.exec_driver_sql(f"DROP DATABASE {name}")
    server.dispose()
