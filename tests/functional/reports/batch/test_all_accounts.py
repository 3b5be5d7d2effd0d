"""A folder of reports of all accounts: what is in it, what it adds up to, and that it is whole.

An hour of a GB costs one EUR at RegionOne, and one USD at RegionTwo.
"""

import contextlib
import csv
import hashlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from instance_images.db.accounts import lock_account
from instance_images.db.engine import Database
from instance_images.db.schema import upgrade
from instance_images.db.tables import accounts, images
from instance_images.errors import Refused
from instance_images.instants import HOUR, floor_hour
from instance_images.model.records import Account
from instance_images_billing.audit.adjust import Decision, decide
from instance_images_billing.ledger.postings import insert_postings
from instance_images_billing.ledger.tables import postings
from instance_images_billing.ledger.watermarks import begin_watermark
from instance_images_billing.months.close import close_period
from instance_images_billing.pricing.charged import Posting
from instance_images_billing.pricing.periods import days_of, parse_period, slices_of
from instance_images_reports.batch.account_files import Batch, Made
from instance_images_reports.batch.all_accounts import Books, read_books
from instance_images_reports.batch.engines import engine
from instance_images_reports.batch.manifest import MANIFEST
from instance_images_reports.collect.cutoff import list_places, read_cut
from instance_images_reports.collect.ledgers import read_ledgers
from instance_images_reports.statement.days import days_of_postings
from instance_images_reports.statement.rounding import LedgerMismatch

from support.clouds.memory_cloud import GB
from support.worlds.books_world import DOLLAR, EUR, BooksWorld, books_world, content_of
from support.worlds.ledger_world import LOCATION, at


@pytest.fixture
def world(database: Database) -> BooksWorld:
    """Account a has three hours at RegionOne and one at RegionTwo, b has 1.5 hours of 2 GB."""
    world = books_world(database)
    world.one.capture("2T12:00", "web", "a")
    world.one.capture("2T13:30", "db", "b", 2 * GB)
    world.two.capture("2T14:00", "web", "a")
    world.run("2T15:05")
    return world


def manifest_of(directory: Path) -> Any:
    return json.loads((directory / MANIFEST).read_text())


# -------------------------------------------------------------------------- content


def test_each_account_has_a_file_for_each_currency(world: BooksWorld, tmp_path: Path) -> None:
    world.write(tmp_path / "reports")

    found = {row["path"]: row for row in manifest_of(tmp_path / "reports")["accounts"]}
    assert {path: (row["account_id"], row["total"]) for path, row in found.items()} == {
        "accounts/a_EUR.json": ("a", "3.00"),
        "accounts/a_USD.json": ("a", "1.00"),
        "accounts/b_EUR.json": ("b", "3.00"),
    }
    assert found["accounts/b_EUR.json"]["locations"] == {"RegionOne": "3.000000000"}
    report = json.loads((tmp_path / "reports/accounts/b_EUR.json").read_text())
    assert (report["account"]["name"], report["total"]) == ("name of b", "3.00")


def test_the_manifest_says_what_is_in_the_folder_and_adds_up(
    world: BooksWorld, tmp_path: Path
) -> None:
    world.write(tmp_path / "reports", "csv")

    manifest = manifest_of(tmp_path / "reports")
    listed = [*manifest["accounts"], *manifest["shared"]]
    files = content_of(tmp_path / "reports")
    assert {row["path"] for row in listed} | {MANIFEST} == files.keys()
    for row in listed:
        content = files[row["path"]]
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
        assert row["bytes"] == len(content)
    assert manifest["totals"] == [
        {"location": "RegionOne", "currency": "EUR", "exact": "6.000000000"},
        {"location": "RegionTwo", "currency": "USD", "exact": "1.000000000"},
    ]
    assert manifest["period"] == {"name": "2026-11", "timezone": "UTC", "state": "open"}
    assert [place["metered_until"] for place in manifest["locations"]] == [
        "2026-11-02T15:00:00Z"
    ] * 2


def test_an_account_with_nothing_in_the_period_has_no_file(
    world: BooksWorld, tmp_path: Path
) -> None:
    manifest = world.write(tmp_path / "reports", name="2026-10")

    assert (list(manifest.accounts), dict(manifest.totals)) == ([], {})
    assert "No account was charged." in (tmp_path / "reports/summary.txt").read_text()


def test_an_account_is_compared_with_its_period_before(database: Database, tmp_path: Path) -> None:
    world = books_world(database)
    world.one.capture("30T12:30", "db", "b", 2 * GB)
    world.one.run(datetime(2026, 12, 1, 2, 5, tzinfo=UTC))

    world.write(tmp_path / "reports", name="2026-12")

    # 2 GB for 11.5 hours are 23.00 in November, and for 2 hours 4.00 in December: 19.00 or 82.6 %
    # less.
    (euro,) = json.loads((tmp_path / "reports/summary.json").read_text())["currencies"]
    (fallen,) = euro["movers"]["fallen"]
    assert [fallen[name] for name in ("total", "total_before", "change", "change_percent")] == [
        "4.00",
        "23.00",
        "-19.00",
        "-82.6",
    ]
    (section,) = json.loads((tmp_path / "reports/accounts/b_EUR.json").read_text())["sections"]
    assert section["previous"]["total"] == "23.00"


def test_minimum_charges_are_in_it_once_the_period_is_closed(
    database: Database, tmp_path: Path
) -> None:
    world = books_world(database)
    world.one.capture("30T22:00", "web", "a")
    with world.one.database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE rates SET minimum_nanos = {100 * EUR}")
    december = datetime(2026, 12, 1, 0, 5, tzinfo=UTC)
    world.one.run(december)
    before = world.write(tmp_path / "open")
    with database.writing() as connection:
        close_period(connection, [LOCATION.name], world.period(), december)

    after = world.write(tmp_path / "closed")

    assert (before.totals, after.totals) == (
        {("RegionOne", "EUR"): 2 * EUR},
        {("RegionOne", "EUR"): 100 * EUR},
    )
    # The folder of the open period still agrees with what the ledger was then.
    proof = world.prove(tmp_path / "open")
    assert (list(proof.findings), proof.note is not None) == ([], True)
    assert world.prove(tmp_path / "closed").findings == []


# --------------------------------------------------------------------------- reading


def test_the_number_of_queries_does_not_grow_with_accounts(database: Database) -> None:
    world = books_world(database)
    counts = []
    for number in range(12):
        world.one.capture("2T12:00", "web", f"account-{number}")
        world.one.run("2T13:05")
        if number in (1, 11):
            with database.snapshot() as connection:
                counts.append(count_of_statements(connection))

    assert counts[0] == counts[1]


def count_of_statements(connection: sa.Connection) -> int:
    sent: list[str] = []

    def note(_c: Any, _k: Any, statement: str, *_more: Any) -> None:
        sent.append(statement)

    sa.event.listen(connection, "before_cursor_execute", note)
    period = parse_period("2026-11", ZoneInfo("UTC"))
    cut, days = read_cut(connection, period), days_of(period, ZoneInfo("UTC"))
    assert list(read_ledgers(connection, cut, days, list_places(connection)))
    sa.event.remove(connection, "before_cursor_execute", note)
    return len(sent)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu", "Africa/Casablanca"])
def test_postings_added_up_by_the_database_are_those_of_their_local_days(
    database: Database, zone: str
) -> None:
    """Clocks are changed in the month, or hours are cut by its edges; a rate begins at noon."""
    period = parse_period("2026-10", ZoneInfo(zone))
    days = days_of(period, ZoneInfo(zone))
    change = datetime(2026, 10, 20, 11, tzinfo=UTC)
    world = books_world(database)
    for from_hour in (datetime(2026, 9, 30, tzinfo=UTC), change):
        world.one.clock.now = from_hour
        world.one.set_rate(from_hour=from_hour)
    by_hour = [
        Posting(1, part.start, 7**number % 10**15, 5**number % 10**12)
        for number in range(33 * 24)
        for part in slices_of(floor_hour(period.start) + (number - 9) * HOUR, ZoneInfo(zone))
    ]
    with database.writing() as connection:
        lock_account(connection, LOCATION.name, Account("a", "acme"))
        insert_postings(connection, by_hour)
        begin_watermark(connection, LOCATION.name, datetime(2026, 11, 3, tzinfo=UTC))

    with database.snapshot() as connection:
        cut = read_cut(connection, period)
        ((_, (found,)),) = read_ledgers(connection, cut, days, list_places(connection))

    counted = [one for one in by_hour if period.start <= one.starts_at < period.end]
    assert len(found.postings) < 40 < len(counted)
    for unit in ("GB", "GiB"):
        assert days_of_postings(days, found.postings, period.end, unit) == days_of_postings(
            days, counted, period.end, unit
        )
    assert nanos_before(found.postings, change) == nanos_before(counted, change)


def nanos_before(posted: Sequence[Posting], instant: datetime) -> int:
    return sum(one.amount_nanos for one in posted if one.starts_at < instant)


def test_sums_beyond_64_bits_are_exact(world: BooksWorld) -> None:
    huge = 10**24 + 7
    with world.one.database.writing() as connection:
        connection.execute(sa.update(postings).values(byte_seconds=huge))

    with world.one.database.snapshot() as connection:
        cut, days = read_cut(connection, world.period()), days_of(world.period(), ZoneInfo("UTC"))
        ledgers = dict(read_ledgers(connection, cut, days, list_places(connection)))

    (account_a,) = (found for account, found in ledgers.items() if account.id == "a")
    assert sum(p.byte_seconds for p in account_a[0].postings) == 3 * huge


def test_reports_of_one_cut_are_the_same_after_the_ledger_has_moved_on(
    world: BooksWorld, tmp_path: Path
) -> None:
    before = world.write(tmp_path / "before", "csv")

    def later(function: Any, batches: Sequence[Any]) -> Iterator[Made]:
        """Before the reports are made, hours are closed, and an image turns out to be gone."""
        world.one.run("2T16:05")
        world.one.delete("2T16:30", image_of(world, "b"), "b")
        world.one.run("2T18:05")
        with world.one.database.writing() as connection:
            decision = Decision(
                image_id=image,
                start=at("2T12:00"),
                end=at("2T13:00"),
                wanted_nanos=0,
                reason="an outage",
                author="op",
            )
            decide(connection, [LOCATION.name], decision, ZoneInfo("UTC"), at("2T18:05"))
        yield from map(function, batches)

    image = image_of(world, "a")
    after = world.write(tmp_path / "after", "csv", made_by=later)

    assert after == before
    assert content_of(tmp_path / "after") == content_of(tmp_path / "before")
    proof = world.prove(tmp_path / "after")
    assert (list(proof.findings), proof.note is not None) == ([], True)
    # A new folder has the three hours more, and the waived one.
    now = world.write(tmp_path / "now", "csv")
    assert now.totals["RegionOne", "EUR"] == before.totals["RegionOne", "EUR"] + (
        3 * EUR + 3 * EUR - EUR
    )


def test_images_that_have_moved_to_another_account_keep_their_names(
    world: BooksWorld, tmp_path: Path
) -> None:
    world.write(tmp_path / "before", "csv")

    with world.one.database.writing() as connection:
        own = sa.select(accounts.c.account_key).where(accounts.c.location == LOCATION.name)
        b = own.where(accounts.c.account_id == "b").scalar_subquery()
        moved = images.c.image_id == image_of(world, "a")
        assert connection.execute(images.update().where(moved).values(account_key=b)).rowcount == 1
    world.write(tmp_path / "after", "csv", made_by=in_batches_of_one("local", 1))

    assert content_of(tmp_path / "after") == content_of(tmp_path / "before")


def test_batches_by_key_have_the_accounts_in_the_order_of_their_rows(world: BooksWorld) -> None:
    world.one.capture("2T15:10", "late", "0-first-by-id")
    world.run("2T17:05")

    with world.one.database.snapshot() as connection:
        by_id = read_books(connection, world.settings, world.period())
        by_key = read_books(connection, world.settings, world.period(), by_key=True)

    assert accounts_of(by_id) == ["0-first-by-id", "a", "b"]
    assert accounts_of(by_key) == ["a", "b", "0-first-by-id"]


def accounts_of(books: Books) -> list[str]:
    return [one.places.account.id for batch in books.batches for one in batch.members]


def image_of(world: BooksWorld, account: str) -> str:
    with world.one.database.reading() as connection:
        query = (
            sa.select(images.c.image_id)
            .join(accounts)
            .where(accounts.c.account_id == account, accounts.c.location == LOCATION.name)
        )
        image: str = connection.execute(query).scalar_one()
    return image


# --------------------------------------------------------------------------- engines


def in_batches_of_one(name: str, jobs: int) -> Any:
    """Return the engine; each account is a batch, so that there is work for several processes."""

    def run(function: Any, batches: Sequence[Batch]) -> Iterator[Made]:
        members = [member for batch in batches for member in batch.members]
        single = [Batch(part, [member]) for part, member in enumerate(members)]
        yield from engine(name, jobs, None)(function, single)

    return run


@pytest.fixture
def small(tmp_path: Path) -> BooksWorld:
    """A ledger of six accounts on SQLite."""
    database = Database(f"sqlite:///{tmp_path / 'small.db'}")
    upgrade(database)
    world = books_world(database)
    for number in range(6):
        world.one.capture("2T12:00", f"image-{number}", f"account-{number}", GB + number)
    world.run("2T15:05")
    return world


@pytest.mark.parametrize("name", ["local", "dask"])
def test_several_processes_write_the_same_bytes_as_one(
    small: BooksWorld, tmp_path: Path, name: str
) -> None:
    small.write(tmp_path / "one")

    small.write(tmp_path / "several", made_by=in_batches_of_one(name, 2))

    assert len(content_of(tmp_path / "one")) == 6 + 4 + 1
    assert content_of(tmp_path / "several") == content_of(tmp_path / "one")
    assert children() == []


def children() -> list[str]:
    """Return the processes that were left behind, without Python's own resource tracker."""
    import psutil

    lines = [" ".join(one.cmdline()) for one in psutil.Process().children(recursive=True)]
    return [line for line in lines if "distributed" in line or "spawn_main" in line]


def end_other_process(_batch: Any) -> Made:
    if multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return Made(0, [], [])


def test_a_process_that_is_killed_leaves_no_folder(small: BooksWorld, tmp_path: Path) -> None:
    def killed(_function: Any, batches: Sequence[Any]) -> Iterator[Any]:
        yield from engine("local", 2, None)(end_other_process, [*batches, *batches])

    with pytest.raises(Refused, match="was killed"):
        small.write(tmp_path / "reports", made_by=killed)

    assert not (tmp_path / "reports").exists()
    assert children() == []
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".reports")] == []


# -------------------------------------------------------------------------- data sets


def test_processes_end_with_the_first_one_however_it_is_killed() -> None:
    work = "__import__('time').sleep(0.02) or __import__('os').getpid()"
    script = (
        "from instance_images_reports.batch.engines import engine\n"
        f'for one in engine("local", 2, None)(eval, ["{work}"] * 9999):\n'
        "    print(one, flush=True)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        worker = next(pid for pid in map(int, first.stdout) if pid != first.pid)

        first.kill()

    deadline = time.monotonic() + 10
    while _is_running(worker):
        assert time.monotonic() < deadline, f"process {worker} was left behind"
        time.sleep(0.02)


def _is_running(process_id: int) -> bool:
    """Return whether the process is there, and no zombie that nobody has waited for."""
    with contextlib.suppress(OSError):
        stat = Path(f"/proc/{process_id}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.parametrize("name", ["focus", "parquet"])
def test_a_data_set_of_all_accounts_is_one_that_adds_up(
    small: BooksWorld, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "reports"

    manifest = small.write(folder, name, made_by=in_batches_of_one("local", 1))

    assert [one.file for one in manifest.accounts] == [None] * 6
    paths = [one.path for one in manifest.shared if one.path.startswith(f"{name}/")]
    assert {*paths, *(f"summary.{s}" for s in ("html", "txt", "csv", "json")), MANIFEST} == set(
        content_of(folder)
    )
    # An hour of a GB and up to five bytes more costs a EUR; each of six accounts has three.
    assert sum(costs_of(folder / name)) == Decimal("18.00")
    assert small.prove(folder).findings == []

    (folder / paths[0]).write_bytes(b"")
    (finding,) = small.prove(folder).findings
    assert finding == f"{paths[0]}: was changed: its size or SHA-256 differs"


def costs_of(folder: Path) -> list[Decimal]:
    """Return all charges of the data set."""
    if folder.name == "parquet":
        import pyarrow.dataset

        table = pyarrow.dataset.dataset(folder, partitioning="hive").to_table()
        return [Decimal(amount) for amount in table.column("amount").to_pylist()]
    rows: list[dict[str, str]] = []
    for path in folder.glob("cost-and-usage*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            rows += csv.DictReader(file)
    return [Decimal(row["BilledCost"]) for row in rows]


# --------------------------------------------------------------------------- mismatch


def test_no_folder_is_written_of_a_ledger_that_does_not_add_up(
    world: BooksWorld, tmp_path: Path
) -> None:
    world.write(tmp_path / "reports")
    whole = content_of(tmp_path / "reports")
    with world.one.database.writing() as connection:
        key = sa.select(accounts.c.account_key).where(accounts.c.account_id == "b")
        connection.execute(
            sa.update(postings)
            .where(postings.c.account_key.in_(key), postings.c.starts_at == at("2T14:00"))
            .values(amount_nanos=5 * EUR)
        )

    with pytest.raises(LedgerMismatch, match="account b: The postings of the ledger do not add up"):
        world.write(tmp_path / "reports", replace=True)

    assert content_of(tmp_path / "reports") == whole
    assert any("account b" in finding for finding in world.prove().findings)


def test_amounts_of_both_currencies_are_never_added_up(world: BooksWorld, tmp_path: Path) -> None:
    world.write(tmp_path / "reports")

    summary = json.loads((tmp_path / "reports/summary.json").read_text())
    assert [(one["currency"], one["total"]) for one in summary["currencies"]] == [
        ("EUR", "6.00"),
        ("USD", "1.00"),
    ]
    assert Decimal(summary["currencies"][1]["exact"]) * DOLLAR == DOLLAR
    for content in content_of(tmp_path / "reports").values():
        assert b"7.00" not in content
