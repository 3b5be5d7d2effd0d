"""Each benchmark starts and ends; what it measures with a few images is worth nothing."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.clouds.embedded_cloud import CHECKOUT
from support.worlds.api_world import Office

BENCHMARKS = CHECKOUT / "benchmarks"
ON_DATABASES = ("close_hour", "report_all_accounts", "trend")
# Those that start a cloud of their own.
ON_A_CLOUD = ("command_overhead", "listing")


def last_result(*command: str) -> dict[str, object]:
    """Run a benchmark; return the JSON object that it printed last."""
    paths = os.pathsep.join([str(CHECKOUT / "tests"), str(BENCHMARKS)])
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-4000:]
    decoder, text = json.JSONDecoder(), done.stdout.lstrip()
    while text:
        result, end = decoder.raw_decode(text)
        text = text[end:].lstrip()
    return dict(result)


@pytest.mark.parametrize(
    ("name", "database"),
    list(zip(ON_DATABASES, ("sqlite", "postgresql", "postgresql"), strict=True)),
)
def test_benchmark_of_a_database_runs(name: str, database: str) -> None:
    script = str(BENCHMARKS / f"{name}.py")

    result = last_result(sys.executable, script, "--quick", "--database", database)

    assert (result["database"], result["images"]) == (database, 500)


def test_benchmark_of_the_copy_of_a_ledger_runs() -> None:
    script = str(BENCHMARKS / "copy_ledger.py")

    result = last_result(sys.executable, script, "--quick", "--database", "postgresql")

    assert dict(result["from_sqlite"])["rows"] == dict(result["to_sqlite"])["rows"]  # type: ignore[call-overload]


def test_benchmark_of_closing_beside_the_database_runs() -> None:
    script = str(BENCHMARKS / "close_hour.py")

    result: Any = last_result(
        sys.executable, script, "--quick", "--to-floor", "unchanged", "began", "--rounds", "1"
    )

    assert result["unchanged"]["ratio"] > 0
    assert result["began"]["ratio"] > 0


def test_benchmark_of_the_first_reading_runs() -> None:
    result: Any = last_result(sys.executable, str(BENCHMARKS / "first_reading.py"), "--quick")

    assert [one["database"] for one in result["results"]] == ["sqlite", "postgresql"]


def test_benchmark_of_the_reports_of_one_account_runs() -> None:
    result = last_result(sys.executable, str(BENCHMARKS / "report_one_account.py"), "--quick")

    assert "html" in dict(result["reports"])  # type: ignore[call-overload]


def test_benchmark_of_growth_runs(tmp_path: Path) -> None:
    script = str(BENCHMARKS / "growth.py")

    axes = ("images", "adjustments", "hours")
    result: Any = last_result(
        sys.executable, script, "--quick", "--axes", *axes, "--charts", str(tmp_path)
    )

    assert result["images"]["reconcile"]["cpu_seconds"].keys() == {"100", "200"}
    assert result["hours"]["meter"]["cpu_seconds"].keys() == {"1", "4"}
    charts = sorted(one.name for one in tmp_path.iterdir())
    assert charts == sorted(f"growth-{axis}.svg" for axis in axes)


def test_benchmark_of_the_worker_runs() -> None:
    result = last_result(sys.executable, str(BENCHMARKS / "worker.py"), "--quick")

    assert dict(result["checks"])["tasks"] == 20  # type: ignore[call-overload]


@pytest.mark.all
@pytest.mark.parametrize("name", ON_A_CLOUD)
def test_benchmark_on_a_cloud_of_its_own_runs(name: str) -> None:
    assert last_result(sys.executable, str(BENCHMARKS / f"{name}.py"), "--quick")


@pytest.mark.all
def test_comparison_with_cloudkitty_runs() -> None:
    script = str(BENCHMARKS / "cloudkitty" / "run")

    result: Any = last_result(script, "--quick", "--only", "throughput", "best")

    assert {*result["throughput"]} == {"cloudkitty", "instance_images"}
    (best,) = result["best"].values()
    theirs, ours = best["cloudkitty"], best["ours"]
    assert len(theirs["hours"]) == len(ours["hours"]) == 3
    assert round(float(theirs["total"]), 6) == round(float(ours["total"]), 6)
    assert all(ratio["wall_ratio"] > 0 for ratio in best["ratios"].values())


def test_day_beside_cloudkitty_is_calculated_from_the_measured_hours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS / "cloudkitty"))
    hours: Any = importlib.import_module("hours")

    theirs = hours.kinds_of_hours([hours.Took(30, 50), hours.Took(20, 30)])
    ours = hours.kinds_of_hours([hours.Took(2, 2), *(hours.Took(x, x) for x in (0.1, 0.2, 0.9))])
    ours["hour_of_its_own_run"] = hours.Took(1, 2)
    ratios = hours.ratios_of(theirs, ours)

    assert theirs["day_calculated"].rounded() == {"seconds": 490, "cpu_seconds": 740}
    assert ours["day_calculated"].rounded() == {"seconds": 6.6, "cpu_seconds": 11.2}
    assert ratios["first_hour"] == {"wall_ratio": 15, "cpu_ratio": 25}
    assert ratios["unchanged_hour"] == {"wall_ratio": 100, "cpu_ratio": 75}
    assert ratios["day_calculated"] == {"wall_ratio": 74.2, "cpu_ratio": 66.1}
    assert ratios["hour_of_its_own_run"] == {"wall_ratio": 20, "cpu_ratio": 15}


@pytest.mark.all
@pytest.mark.cloud
def test_benchmark_of_the_api_runs(office: Office) -> None:
    script, state = str(BENCHMARKS / "api.py"), str(office.cloud.state_dir)

    result: Any = last_result(sys.executable, script, "--quick", "--running", state)

    reads = result["reads"]["table of 200"]
    assert 0 < reads["one_image"]["ratio"] < 100
    assert reads["while_nova_hangs"]["statuses_of_posts"]
    calls = result["until_202"]["calls"]
    # Glance asks Keystone for limits meanwhile.
    assert {*calls["by hand"]} >= {one for one in calls["ours"] if one.startswith("nova")}
    assert result["one_key"]["images"] == 1


@pytest.mark.cloud
def test_benchmark_of_the_client_runs(office: Office) -> None:
    script, state = str(BENCHMARKS / "client_start.py"), str(office.cloud.state_dir)

    result = last_result(sys.executable, script, "--quick", "--running", state)

    assert set(dict(result["wall_seconds"])) == {  # type: ignore[call-overload]
        "openstack image list",
        "openstack custom image list",
    }


def test_every_benchmark_is_run_by_a_test() -> None:
    tested = {
        *ON_DATABASES,
        *ON_A_CLOUD,
        "api",
        "client_start",
        "copy_ledger",
        "first_reading",
        "growth",
        "report_one_account",
        "worker",
    }
    scripts = {path.stem for path in BENCHMARKS.glob("*.py") if "--quick" in path.read_text()}

    assert scripts == tested
    listed = (BENCHMARKS / "run").read_text()
    assert all(name in listed for name in tested)
