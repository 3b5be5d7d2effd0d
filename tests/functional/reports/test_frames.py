"""The data frames: exact sums, what a choice leaves out, and their columns."""

import re
import subprocess
import sys
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instance_images.config.settings import CONFIG_FILE_VARIABLE, load_settings
from instance_images.db.engine import Database
from instance_images.db.exact import ExactSum
from instance_images.db.schema import upgrade
from instance_images.errors import ConfigurationError, UsageError
from instance_images_billing.ledger.tables import adjustments, minimum_charges, postings
from instance_images_reports import frames
from instance_images_reports.frames import reading

from support.clouds.memory_cloud import GB
from support.worlds.books_world import BooksWorld, books_world

ROOT = Path(__file__).parents[3]


def sqlite_world(folder: Path) -> BooksWorld:
    database = Database(f"sqlite:///{folder / 'ledger.db'}")
    upgrade(database)
    return books_world(database)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BooksWorld:
    """Account a has 3 hours of 1 GB at RegionOne and 1 at RegionTwo, b has 1.5 hours of 2 GB."""
    return filled(sqlite_world(tmp_path), monkeypatch)


def filled(world: BooksWorld, monkeypatch: pytest.MonkeyPatch) -> BooksWorld:
    world.one.capture("2T12:00", "web", "a")
    world.one.capture("2T13:30", "db", "b", 2 * GB)
    world.two.capture("2T14:00", "web", "a")
    world.run("2T15:05")
    monkeypatch.setenv(CONFIG_FILE_VARIABLE, str(world.settings.config_paths[0]))
    return world


def sums(frame: Any, *columns: str) -> dict[Any, Decimal]:
    """Return the exact sum of the amounts by the columns."""
    found: dict[Any, Decimal] = {}
    for *key, amount in frame[[*columns, "amount"]].itertuples(index=False):
        found[tuple(key)] = found.get(tuple(key), Decimal(0)) + amount
    return found


def test_charges_are_had_in_one_line(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    world = filled(books_world(database), monkeypatch)

    frame = frames.charges("2026-11")

    assert sums(frame, "account_id", "location", "currency") == {
        ("a", "RegionOne", "EUR"): Decimal(3),
        ("a", "RegionTwo", "USD"): Decimal(1),
        ("b", "RegionOne", "EUR"): Decimal(3),
    }
    assert set(frame["kind"]) == {"usage"}
    assert set(frame["period"]) == {world.period().name}
    assert str(frame["amount"].dtype) == "decimal128(38, 9)[pyarrow]"
    assert str(frame["starts_at"].dtype) == "timestamp[us, tz=UTC][pyarrow]"
    assert frame["byte_seconds"].sum() == 3 * 3600 * GB + 3600 * GB + 5400 * 2 * GB


def test_periods_accounts_and_locations_are_chosen(world: BooksWorld) -> None:
    import pandas as pd

    several = frames.charges(pd.period_range("2026-10", "2026-12", freq="M"), accounts=["a"])
    one = frames.accounts(["2026-11"], locations=["RegionTwo"])

    assert set(several["account_id"]) == {"a"}
    assert set(several["period"]) == {"2026-11"}
    assert one[["account_id", "location", "currency"]].values.tolist() == [
        ["a", "RegionTwo", "USD"]
    ]


def test_a_choice_that_finds_nothing_keeps_the_columns(world: BooksWorld) -> None:
    for function in (frames.charges, frames.usage, frames.accounts, frames.images):
        empty, full = function("2026-11", accounts=["nobody"]), function("2026-11")

        assert len(empty) == 0
        assert list(empty.dtypes) == list(full.dtypes)
        assert list(empty.columns) == list(full.columns)


def test_usage_is_by_day(world: BooksWorld) -> None:
    world.run("3T02:05")

    frame = frames.usage("2026-11", accounts=["b"])

    # 10.5 hours of 2 GB on the 2nd; 2 hours on the 3rd, by the 24 hours of the day.
    assert frame[["day", "byte_seconds", "average_bytes"]].values.tolist() == [
        [date(2026, 11, 2), Decimal(37_800 * 2 * GB), 37_800 * 2 * GB // 86_400],
        [date(2026, 11, 3), Decimal(7_200 * 2 * GB), 7_200 * 2 * GB // 86_400],
    ]


def test_images_are_the_lines_of_the_statements(world: BooksWorld) -> None:
    frame = frames.images("2026-11")

    rows = frame[["account_id", "location", "name", "size_bytes", "amount"]].values.tolist()
    assert sorted(rows) == [
        ["a", "RegionOne", "web", GB, Decimal("3.0000")],
        ["a", "RegionTwo", "web", GB, Decimal("1.0000")],
        ["b", "RegionOne", "db", 2 * GB, Decimal("3.0000")],
    ]


@pytest.mark.parametrize("periods", ["2026", ["2026-11", "x"]])
def test_what_is_no_period_is_refused(world: BooksWorld, periods: Any) -> None:
    with pytest.raises(UsageError, match="is not a period"):
        frames.charges(periods)


def test_missing_libraries_are_named(world: BooksWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        reading, "find_spec", lambda name: None if name == "pandas" else find_spec(name)
    )

    with pytest.raises(ConfigurationError, match=r"need pandas: install instance-images\[frames\]"):
        frames.images("2026-11")


def test_pandas_is_loaded_only_for_a_frame() -> None:
    code = "import sys; from instance_images_reports import frames; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


def test_the_examples_of_the_page_run(
    world: BooksWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "doc/source/finance/frames.md").read_text()
    scope: dict[str, Any] = {}

    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "frames.md", "exec"), scope)

    assert scope["by_account"].sum() == Decimal(7)
    assert list(scope["by_month"].columns) == ["2026-10", "2026-11"]
    assert scope["largest"]["name"].tolist() == ["db", "web", "web"]
    assert scope["count"] == 3


CAPTURES = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 10**15), st.booleans()),
    min_size=1,
    max_size=4,
)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(captures=CAPTURES)
def test_frames_add_up_to_the_ledger(
    tmp_path_factory: pytest.TempPathFactory, captures: list[tuple[str, int, bool]]
) -> None:
    world = sqlite_world(tmp_path_factory.mktemp("frames"))
    for number, (account, size, is_deleted) in enumerate(captures):
        image = world.one.capture(f"1T{2 * number:02}:07", f"i{number}", account, size)
        if is_deleted:
            world.one.delete(f"1T{2 * number + 1:02}:53:11", image, account)
    world.run("1T10:05")
    configured = load_settings(world.settings.config_paths)

    with world.one.database.snapshot() as connection:
        ledger = sum(
            connection.execute(sa.select(ExactSum(table.c.amount_nanos))).scalar_one() or 0
            for table in (postings, adjustments, minimum_charges)
        )

    for function in (frames.charges, frames.accounts):
        exact = sum(function("2026-11", settings=configured)["amount"], Decimal(0))
        assert exact.scaleb(9) == ledger, function
    by_account = sums(frames.accounts("2026-11", settings=configured), "account_id")
    lines = sums(frames.images("2026-11", settings=configured), "account_id")
    assert lines == {
        key: exact.quantize(Decimal("0.01"), ROUND_HALF_EVEN) for key, exact in by_account.items()
    }
