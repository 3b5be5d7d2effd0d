"""The Parquet data set, read back with pyarrow and pandas."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from instance_images.errors import ConfigurationError
from instance_images.model.records import Account
from instance_images_reports.formats import parquet as parquet_format
from instance_images_reports.formats.datasets import DATASETS, write_dataset
from instance_images_reports.statement.charges import Charge, charge_section
from instance_images_reports.statement.statement import Statement

from support.statements import sample_statements as samples
from support.statements.any_statement import statements

PAGE = Path(__file__).parents[4] / "doc/source/finance/parquet.md"
# Partitions are read as text: without this, a location called 1 would be read as a number.
HIVE = ds.partitioning(
    pa.schema([("period", pa.string()), ("location", pa.string())]), flavor="hive"
)


def read(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ds.dataset(folder, partitioning=HIVE).to_table().to_pylist()
    return rows


def written(folder: Path, *statements: Statement) -> list[dict[str, Any]]:
    write_dataset("parquet", folder, statements)
    return read(folder)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_each_location_has_a_partition_of_the_period(tmp_path: Path) -> None:
    written(tmp_path, samples.plain())

    assert files(tmp_path) == [
        "period=2026-11/location=RegionOne/part-00000.parquet",
        "period=2026-11/location=RegionTwo/part-00000.parquet",
    ]


def test_a_line_is_read_back_as_it_was(tmp_path: Path) -> None:
    rows = written(tmp_path, samples.plain())

    # 20 GB x 260970 s / 3600 = 1449.833333 GB-hours; x 0.073 / 730 = 0.144983333
    (small,) = (row for row in rows if row["location"] == "RegionTwo")
    line = samples.plain().sections[0].lines[2]
    assert small == {
        "kind": "usage",
        "section": "images",
        "account_id": "5f0c6f1e2d3b4a59",
        "account_name": "Example GmbH",
        "currency": "EUR",
        "period_state": "open",
        "closed_at": None,
        "timezone": "Europe/Berlin",
        "metered_until": samples.METERED_UNTIL,
        "image_id": line.image_id,
        "name": "datenbank-münchen",
        "source_instance_id": line.source_instance_id,
        "source_instance_name": "db",
        "size_bytes": 20_000_000_000,
        "billable_from": line.billable_from,
        "billable_until": line.billable_until,
        "billable_seconds": 260_970,
        "open": True,
        "ending": "stored",
        "unit": "GB",
        "gb_hours": Decimal("1449.833333"),
        "rate": Decimal("0.073"),
        "hours_per_month": "730",
        "partial_hour": "prorate",
        "reason": None,
        "details": None,
        "quantity": None,
        "amount_exact": Decimal("0.144983333"),
        "amount": Decimal("0.15"),
        "period": "2026-11",
        "location": "RegionTwo",
    }


def test_an_adjustment_is_a_row_of_the_same_data_set(tmp_path: Path) -> None:
    (adjustment,) = samples.adjusted().sections[0].adjustments
    named = replace(adjustment, name="production-web-server-v2")

    rows = written(tmp_path, samples.with_section(samples.adjusted(), adjustments=[named]))

    (correction,) = (row for row in rows if row["kind"] == "correction")
    assert {name: value for name, value in correction.items() if value is not None} == {
        "kind": "correction",
        "section": "images",
        "account_id": "5f0c6f1e2d3b4a59",
        "account_name": "Example GmbH",
        "currency": "EUR",
        "period_state": "open",
        "timezone": "Europe/Berlin",
        "metered_until": samples.METERED_UNTIL,
        "image_id": "22222222-2222-4222-8222-222222222222",
        "name": "production-web-server-v2",
        "billable_from": datetime(2026, 11, 20, 17, tzinfo=UTC),
        "billable_until": datetime(2026, 11, 20, 18, tzinfo=UTC),
        "reason": "deleted at 17:20, which became known later",
        "amount_exact": Decimal("-0.006666667"),
        "amount": Decimal("-0.01"),
        "period": "2026-11",
        "location": "RegionOne",
    }
    # 0.37 + 1.25 + 0.15 - 0.01 = 1.76
    assert sum(row["amount"] for row in rows) == Decimal("1.76")


@settings(max_examples=40, deadline=None)
@given(statements())
def test_the_rows_of_any_statement_add_up_to_its_total_exactly(statement: Statement) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = written(Path(folder), statement)

    section = statement.sections[0]
    assert sum(row["amount"] for row in rows) == statement.total
    assert len(rows) == len(section.lines) + len(section.adjustments)
    assert {row["location"] for row in rows} == {
        each.location for each in (*section.lines, *section.adjustments)
    }
    for line in section.lines:
        found = [
            row
            for row in rows
            if (row["image_id"], row["billable_from"]) == (line.image_id, line.billable_from)
        ]
        assert line.name in {row["name"] for row in found}
        assert line.amount_exact in {row["amount_exact"] for row in found}
        assert line.unit_hours in {row["gb_hours"] for row in found}


@pytest.mark.parametrize("sample", [samples.yen, samples.plain])
def test_money_and_quantities_are_decimals_and_instants_are_utc(
    tmp_path: Path, sample: Any
) -> None:
    written(tmp_path, sample())

    for file in files(tmp_path):
        schema = pq.read_schema(tmp_path / file)
        kinds = {field.name: field.type for field in schema}
        assert [name for name, kind in kinds.items() if pa.types.is_floating(kind)] == []
        assert {name: kinds[name] for name in ("amount", "amount_exact", "rate", "gb_hours")} == {
            "amount": pa.decimal128(38, 4),
            "amount_exact": pa.decimal128(38, 9),
            "rate": pa.decimal128(38, 9),
            "gb_hours": pa.decimal128(38, 6),
        }
        for name in ("billable_from", "billable_until", "metered_until", "closed_at"):
            assert kinds[name] == pa.timestamp("us", tz="UTC")
        assert schema.metadata[b"instance_images.schema_version"] == b"1"


def test_texts_are_dictionary_encoded(tmp_path: Path) -> None:
    written(tmp_path, samples.plain())

    metadata = pq.read_metadata(tmp_path / files(tmp_path)[0])
    columns = [metadata.row_group(0).column(i) for i in range(metadata.num_columns)]
    encodings = {column.path_in_schema: column.encodings for column in columns}
    assert "RLE_DICTIONARY" in encodings["account_name"]
    assert "RLE_DICTIONARY" in encodings["unit"]


def test_pandas_reads_exact_amounts(tmp_path: Path) -> None:
    written(tmp_path, samples.adjusted())

    frame = pd.read_parquet(tmp_path)

    assert frame["amount"].sum() == Decimal("1.76")
    by_location = frame.groupby("location", observed=True)["amount"].sum().to_dict()
    # RegionOne: 0.37 + 1.25 - 0.01
    assert by_location == {"RegionOne": Decimal("1.61"), "RegionTwo": Decimal("0.15")}


def test_a_statement_without_charges_is_a_data_set_without_rows(tmp_path: Path) -> None:
    rows = written(tmp_path, samples.empty())

    assert rows == []
    assert files(tmp_path) == ["period=2026-11/location=none/part-00000.parquet"]
    assert "amount" in pd.read_parquet(tmp_path).columns


@pytest.mark.parametrize(
    ("location", "directory"),
    [
        ("../../etc", "location=..%2F..%2Fetc"),
        ("..", "location=.."),
        ("a/b=c", "location=a%2Fb%3Dc"),
        ("50% 'x'\n", "location=50%25%20%27x%27%0A"),
        ("Zürich", "location=Z%C3%BCrich"),
        ("1", "location=1"),
    ],
)
def test_a_location_cannot_leave_its_directory(
    tmp_path: Path, location: str, directory: str
) -> None:
    line = samples.plain().sections[0].lines[0]._replace(location=location)
    folder = tmp_path / "out"
    folder.mkdir()

    rows = written(folder, samples.with_section(samples.plain(), lines=[line]))

    assert files(tmp_path) == [f"out/period=2026-11/{directory}/part-00000.parquet"]
    assert [row["location"] for row in rows] == [location]


def test_names_are_kept_as_they_are(tmp_path: Path) -> None:
    rows = written(tmp_path, samples.hostile())

    lines = [row for row in rows if row["kind"] == "usage"]
    assert [row["name"] for row in lines] == list(samples.HOSTILE_NAMES)
    assert [row["source_instance_name"] for row in lines] == list(samples.HOSTILE_NAMES)


def test_a_section_that_others_add_is_in_the_data_set(tmp_path: Path) -> None:
    address = Charge(
        name="198.51.100.7",
        amount=Decimal("0.725"),
        details="IPv4",
        location="",
        quantity=Decimal(725),
        unit="hour",
    )
    added = charge_section("addresses", "Addresses", [address], 2)

    rows = written(
        tmp_path, replace(samples.plain(), added=[added], total=Decimal("1.77") + added.total)
    )

    (row,) = (row for row in rows if row["section"] == "addresses")
    assert (row["name"], row["details"], row["unit"]) == ("198.51.100.7", "IPv4", "hour")
    assert (row["quantity"], row["amount_exact"]) == (725, Decimal("0.725"))
    assert row["location"] == "none"
    # 0.725 is rounded half to even, to 0.72; 1.77 + 0.72 = 2.49
    assert sum(row["amount"] for row in rows) == Decimal("2.49")


def of_account(number: int) -> Statement:
    return replace(samples.plain(), account=Account(f"id-{number}", f"account {number}"))


def test_statements_of_many_accounts_are_one_data_set(tmp_path: Path) -> None:
    rows = written(tmp_path, *map(of_account, range(5)))

    assert len(files(tmp_path)) == 2
    assert sum(row["amount"] for row in rows) == 5 * Decimal("1.77")
    assert len({row["account_id"] for row in rows}) == 5


def test_several_processes_fill_one_folder(tmp_path: Path) -> None:
    for part in range(3):
        write_dataset("parquet", tmp_path, [of_account(part)], part=part)

    assert len(files(tmp_path)) == 6
    assert sum(row["amount"] for row in read(tmp_path)) == 3 * Decimal("1.77")


def test_rows_are_written_before_they_fill_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_format, "_ROWS_AT_A_TIME", 10)
    taken: list[int] = []
    on_disk: list[int] = []

    def source() -> Iterator[Statement]:
        for number in range(20):
            taken.append(number)
            on_disk.append(sum((tmp_path / file).stat().st_size for file in files(tmp_path)))
            yield of_account(number)

    write_dataset("parquet", tmp_path, source())

    assert on_disk[-1] > on_disk[5] > on_disk[0] == 0
    file = pq.ParquetFile(tmp_path / files(tmp_path)[0])
    assert file.num_row_groups == 5  # 20 statements with 3 rows, written at 12 of them
    assert sum(row["amount"] for row in read(tmp_path)) == 20 * Decimal("1.77")


def test_the_same_statement_gives_the_same_files(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        write_dataset("parquet", folder, [samples.adjusted()])

    first, second = (
        [(file, (folder / file).read_bytes()) for file in files(folder)] for folder in folders
    )
    assert first == second


def test_without_the_extra_the_error_names_it(tmp_path: Path) -> None:
    """In a process that cannot import pyarrow, as where it is not installed."""
    code = (
        "import sys; sys.modules['pyarrow'] = None; from pathlib import Path\n"
        "from support.statements import sample_statements\n"
        "from instance_images_reports.formats.datasets import write_dataset\n"
        "write_dataset('parquet', Path(sys.argv[1]), [sample_statements.plain()])\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}

    run = subprocess.run(
        [sys.executable, "-c", code, tmp_path], env=environment, capture_output=True, text=True
    )

    assert ConfigurationError.__name__ in run.stderr
    assert run.stderr.endswith(
        "The format parquet needs pyarrow, which is not installed: install"
        " instance-images[parquet].\n"
    )


def test_data_sets_are_known_without_the_libraries_that_write_them() -> None:
    code = (
        "import sys, instance_images_reports.formats.datasets;"
        "import instance_images_reports.formats.parquet;"
        "print([m for m in ('pyarrow', 'numpy', 'pandas') if m in sys.modules])"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "[]"
    assert "parquet" in DATASETS


def test_no_instant_loses_its_seconds(tmp_path: Path) -> None:
    line = samples.plain().sections[0].lines[2]
    later = line._replace(billable_from=line.billable_from + timedelta(seconds=1))

    rows: Sequence[dict[str, Any]] = written(
        tmp_path, samples.with_section(samples.plain(), lines=[later])
    )

    assert [row["billable_from"].second for row in rows] == [31]


def test_the_columns_are_described_as_they_are(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    written(tmp_path, samples.plain())

    described = [name for row in rows for name in re.findall(r"`(\w+)`", row)]

    assert sorted(described) == sorted(pq.read_schema(tmp_path / files(tmp_path)[0]).names)


def test_what_the_page_loads_it_with_works(tmp_path: Path) -> None:
    (tmp_path / "usage").mkdir()
    written(tmp_path / "usage", samples.adjusted())
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL))

    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert "RegionOne    1.6100" in run.stdout  # 0.37 + 1.25 - 0.01
    assert "Decimal('-0.0100')" in run.stdout
