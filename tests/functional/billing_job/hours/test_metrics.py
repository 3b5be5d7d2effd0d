"""Every run leaves metrics for Prometheus; no metric is worth a run."""

import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from instance_images.config.settings import Location
from instance_images.db import notices
from instance_images.db.engine import Database
from instance_images.db.schema import upgrade
from instance_images_billing.hours import metrics
from instance_images_billing.hours.outcome import Outcome

from support.clouds import installed_memory_cloud
from support.clouds.memory_cloud import GB
from support.processes.command_line import CommandLine
from support.worlds.ledger_world import at
from support.worlds.operations_world import Deployment


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.syspath_prepend(str(installed_memory_cloud.install(tmp_path / "site")))
    monkeypatch.setattr(installed_memory_cloud, "CLOUDS", {})
    made = Deployment(tmp_path)
    made.prepare()
    return made


def read(path: Path) -> dict[tuple[str, ...], float]:
    """Return the value of each sample by its name, location and, if it has one, currency."""
    return {
        (
            sample.name.removeprefix("instance_images_"),
            *(sample.labels[label] for label in ("location", "currency") if label in sample.labels),
        ): sample.value
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }


def test_notifications_that_are_not_confirmed_are_counted(deployment: Deployment) -> None:
    database = CommandLine(deployment.config).application.database
    with database.writing() as connection:
        notices.count(connection, "RegionOne", {"unknown": 7, "unreadable": 2}, at("2T12:00"))

    deployment.run("2T14:05")

    assert read(deployment.metrics)["notifications_unconfirmed", "RegionOne"] == 9


def test_a_run_tells_what_it_did_and_how_the_ledger_stands(deployment: Deployment) -> None:
    deployment.capture("2T12:30", size=3 * GB)

    result = deployment.run("2T14:05")

    assert result.exit_code == 0
    found = read(deployment.metrics)
    assert 0 < found.pop(("meter_run_duration_seconds", "RegionOne")) < 60
    assert found == {
        ("meter_last_run_timestamp_seconds", "RegionOne"): at("2T14:05").timestamp(),
        ("meter_last_success_timestamp_seconds", "RegionOne"): at("2T14:05").timestamp(),
        ("meter_run_failed", "RegionOne"): 0,
        ("meter_run_closings", "RegionOne"): 2,
        ("meter_run_problems", "RegionOne"): 0,
        ("meter_run_amount", "RegionOne", "EUR"): 4.5,  # 3 GB for an hour and a half
        ("meter_watermark_timestamp_seconds", "RegionOne"): at("2T14:00").timestamp(),
        ("meter_lag_seconds", "RegionOne"): 300,
        ("billable_images", "RegionOne"): 1,
        ("billable_bytes", "RegionOne"): 3 * GB,
        ("unbilled_bytes", "RegionOne"): 0,
        ("overbilled_bytes", "RegionOne"): 0,
        ("notifications_unconfirmed", "RegionOne"): 0,
        ("notifications_postponed", "RegionOne"): 0,
    }


def test_every_metric_says_what_it_is_and_amounts_that_they_are_rounded(
    deployment: Deployment,
) -> None:
    deployment.capture("2T12:30")
    deployment.run("2T14:05")

    families = {f.name: f for f in text_string_to_metric_families(deployment.metrics.read_text())}

    assert all(family.type == "gauge" and family.documentation for family in families.values())
    assert set(families) == {metrics.PREFIX + name for name in metrics.HELP}
    assert "rounded to a float" in families["instance_images_meter_run_amount"].documentation


def test_a_run_that_fails_leaves_the_last_success_as_it_was(deployment: Deployment) -> None:
    deployment.capture("2T12:30")
    deployment.run("2T14:05")
    deployment.state_of["RegionOne"] = "down"

    result = deployment.run("2T15:05")

    assert result.exit_code == 4
    found = read(deployment.metrics)
    assert found["meter_run_failed", "RegionOne"] == 1
    assert found["meter_last_run_timestamp_seconds", "RegionOne"] == at("2T15:05").timestamp()
    assert found["meter_last_success_timestamp_seconds", "RegionOne"] == at("2T14:05").timestamp()
    assert found["meter_watermark_timestamp_seconds", "RegionOne"] == at("2T14:00").timestamp()
    assert found["meter_lag_seconds", "RegionOne"] == 3900
    assert found["meter_run_closings", "RegionOne"] == 0
    assert found["billable_images", "RegionOne"] == 1


def test_a_run_that_cannot_reach_the_database_leaves_what_the_ledger_said(
    deployment: Deployment,
) -> None:
    deployment.capture("2T12:30")
    deployment.run("2T14:05")
    (deployment.directory / "instance-images.db").rename(deployment.directory / "elsewhere.db")

    result = deployment.run("2T15:05")

    assert result.exit_code == 2
    found = read(deployment.metrics)
    assert found["meter_run_failed", "RegionOne"] == 1
    assert found["meter_watermark_timestamp_seconds", "RegionOne"] == at("2T14:00").timestamp()
    assert found["billable_bytes", "RegionOne"] == GB


def test_a_run_that_a_fault_breaks_off_counts_as_failed(deployment: Deployment) -> None:
    deployment.run("2T14:05")
    installed_memory_cloud.CLOUDS.clear()
    deployment.state_of["RegionOne"] = "faulty"

    result = deployment.run("2T15:05")

    assert result.exit_code == 70
    found = read(deployment.metrics)
    assert found["meter_run_failed", "RegionOne"] == 1
    assert found["meter_last_success_timestamp_seconds", "RegionOne"] == at("2T14:05").timestamp()


def test_what_a_run_finds_wrong_is_counted(deployment: Deployment) -> None:
    deployment.state_of = {"RegionTwo": "up"}  # which has no rate
    deployment.capture("2T12:30", "RegionTwo")

    result = deployment.run("2T14:05")

    assert result.exit_code == 1
    found = read(deployment.metrics)
    assert found["meter_run_problems", "RegionTwo"] == 1
    assert found["meter_run_failed", "RegionTwo"] == 0
    assert ("meter_watermark_timestamp_seconds", "RegionTwo") not in found


def test_a_run_of_one_location_leaves_the_metrics_of_the_others(deployment: Deployment) -> None:
    deployment.state_of = {"RegionOne": "up", "RegionTwo": "up"}
    deployment.run("2T14:05")
    before = read(deployment.metrics)

    deployment.run("2T15:05", "--location", "RegionOne")

    after = read(deployment.metrics)
    assert {k: v for k, v in after.items() if "RegionTwo" in k} == {
        k: v for k, v in before.items() if "RegionTwo" in k
    }
    assert after["meter_last_run_timestamp_seconds", "RegionOne"] == at("2T15:05").timestamp()


def test_a_location_that_is_no_longer_configured_disappears(deployment: Deployment) -> None:
    deployment.state_of = {"RegionOne": "up", "RegionTwo": "up"}
    deployment.run("2T14:05")
    del deployment.state_of["RegionTwo"]

    deployment.run("2T15:05")

    assert {labels[1] for labels in read(deployment.metrics)} == {"RegionOne"}


def test_a_dry_run_writes_no_metrics(deployment: Deployment) -> None:
    deployment.run("2T14:05", "--dry-run")

    assert not deployment.metrics.exists()


def test_metrics_that_cannot_be_written_are_a_warning(deployment: Deployment) -> None:
    deployment.capture("2T12:30")
    deployment.metrics.parent.rmdir()

    without_directory = deployment.run("2T14:05")
    deployment.metrics.parent.touch()
    below_a_file = deployment.run("2T15:05")

    for result in (without_directory, below_a_file):
        assert result.exit_code == 0
        assert "closed" in result.out
        assert result.err.startswith(f"Warning: The metrics {deployment.metrics} cannot be written")
        assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize("text", ["", "not { metrics\n", "\x00\x01", 'up{job="x"} 1\n'])
def test_whatever_stood_in_the_file_is_replaced(deployment: Deployment, text: str) -> None:
    deployment.metrics.write_text(text)

    assert deployment.run("2T14:05").exit_code == 0

    assert read(deployment.metrics)["meter_run_failed", "RegionOne"] == 0
    assert [path.name for path in deployment.metrics.parent.iterdir()] == ["instance_images.prom"]


def test_the_exporter_may_read_the_file_whatever_the_umask_of_the_run(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    before = os.umask(0o077)
    try:
        deployment.run("2T14:05")
    finally:
        os.umask(before)

    assert deployment.metrics.stat().st_mode & 0o777 == 0o644


def test_a_name_that_the_exporter_would_not_read_is_refused(deployment: Deployment) -> None:
    config = deployment.config
    config.write_text(config.read_text().replace("images.prom", "images.txt"))
    from support.processes.command_line import CommandLine

    CommandLine(config).refused(2, "end in .prom", "meter", "run")


def outcome(location: str) -> Outcome:
    return Outcome(location, duration_seconds=1.0)


def test_of_runs_at_once_none_loses_what_another_has_told(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/l.db")
    upgrade(database)
    locations = [
        Location(
            name=f"L{n}",
            enabled=True,
            provider="memory",
            cloud="up",
            region_name="",
            currency="EUR",
            max_images=None,
        )
        for n in range(8)
    ]
    path = tmp_path / "all.prom"

    def tell(location: Location) -> None:
        for _ in range(5):
            assert not metrics.publish(
                path, database, locations, [outcome(location.name)], at("2T14:05")
            )

    threads = [threading.Thread(target=tell, args=[location]) for location in locations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    told = {labels[1] for labels in read(path) if labels[0] == "meter_run_failed"}
    assert told == {location.name for location in locations}


def test_after_a_change_of_currency_the_former_one_is_told_no_more(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/l.db")
    upgrade(database)
    path = tmp_path / "changed.prom"

    for currency in ("EUR", "USD"):
        location = Location(
            name="L",
            enabled=True,
            provider="memory",
            cloud="up",
            region_name="",
            currency=currency,
            max_images=None,
        )
        metrics.publish(path, database, [location], [outcome("L")], at("2T14:05"))

    assert [labels for labels in read(path) if labels[0] == "meter_run_amount"] == [
        ("meter_run_amount", "L", "USD")
    ]


WRITER = """
import sys
from pathlib import Path
from instance_images_billing.hours.metrics import HELP, Sample, _write
samples = [Sample(name, f"L{n}", "EUR", 1.0) for n in range(200) for name in HELP]
_write(Path(sys.argv[1]), samples)
print("begun", flush=True)
while True:
    _write(Path(sys.argv[1]), samples)
"""


def test_a_run_that_is_killed_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "killed.prom"
    chance = random.Random(7)

    for _ in range(10):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(chance.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()

        assert len(read(path)) == 200 * len(metrics.HELP)
    assert [p.name for p in tmp_path.glob("*.prom")] == ["killed.prom"]


def test_sums_beyond_64_bits_are_told(deployment: Deployment) -> None:
    for minute in (0, 1, 2):
        deployment.capture(f"2T12:0{minute}", size=5 * 10**18)

    deployment.run("2T13:05")

    found = read(deployment.metrics)
    assert found["billable_bytes", "RegionOne"] == 1.5e19
