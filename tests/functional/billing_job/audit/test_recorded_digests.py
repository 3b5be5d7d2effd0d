"""Digests that are recorded outside the database find a past that was written anew."""

import contextlib
import json
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from instance_images_billing.hours.digests import record
from instance_images_billing.ledger import closings
from instance_images_billing.ledger.anchors import Anchor, anchor_text
from instance_images_billing.ledger.chain import Closing

from support.clouds import installed_memory_cloud
from support.clouds.memory_cloud import GB
from support.processes.command_line import CommandLine
from support.worlds.ledger_world import at
from support.worlds.operations_world import Deployment


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.syspath_prepend(str(installed_memory_cloud.install(tmp_path / "site")))
    monkeypatch.setattr(installed_memory_cloud, "CLOUDS", {})
    return recording(tmp_path / "deployment")


def recording(directory: Path, locations: tuple[str, ...] = ("RegionOne",)) -> Deployment:
    """Return a deployment whose runs record digests in a file."""
    directory.mkdir()
    made = Deployment(directory)
    made.billing_options = f"digest_file = {directory / 'digests'}"
    made.prepare(locations)
    return made


def live(deployment: Deployment, size: int = GB) -> None:
    """Bill an image for four hours, in two runs."""
    deployment.capture("2T12:00", size=size)
    deployment.run("2T14:05")
    deployment.run("2T16:05")


def digests(deployment: Deployment) -> Path:
    return deployment.directory / "digests"


def links(deployment: Deployment, location: str = "RegionOne") -> list[Closing]:
    database = CommandLine(deployment.config, deployment.clock).application.database
    with database.reading() as connection:
        return list(closings.list_closings(connection, location))


def write_anew(deployment: Deployment) -> None:
    """Put in place of the ledger a whole one that agrees with itself, of a smaller image."""
    installed_memory_cloud.CLOUDS.clear()
    other = recording(deployment.directory.parent / "other")
    live(other, GB // 10)
    name = "instance-images.db"
    with (
        contextlib.closing(sqlite3.connect(other.directory / name)) as source,
        contextlib.closing(sqlite3.connect(deployment.directory / name)) as target,
    ):
        source.backup(target)


def test_each_run_records_the_newest_digest_of_each_location(
    tmp_path: Path, deployment: Deployment
) -> None:
    two = recording(tmp_path / "two", ("RegionOne", "RegionTwo"))
    two.default_options = f"log_file = {two.log}"
    two.capture("2T12:00")
    two.capture("2T12:00", "RegionTwo")

    first = two.run("2T14:05")
    second = two.run("2T15:05", "--location", "RegionOne")

    assert (first.exit_code, second.exit_code) == (0, 0)
    lines = digests(two).read_text().splitlines()
    one, other = links(two), links(two, "RegionTwo")
    assert [one[1].hour, other[-1].hour] == [at("2T13:00")] * 2
    assert lines == [
        f"2026-11-02T13:00:00Z={one[1].digest} RegionOne",
        f"2026-11-02T13:00:00Z={other[-1].digest} RegionTwo",
        f"2026-11-02T14:00:00Z={one[2].digest} RegionOne",
    ]
    logged = [line.partition(" s. Digest ")[2] for line in two.log.read_text().splitlines()]
    assert sorted(logged) == sorted(lines)
    assert two.command("meter", "verify").out.endswith("Recorded digests compared: 3.\n")
    assert digests(two).stat().st_mode & 0o007 == 0


def test_a_past_that_was_written_anew_is_found_by_a_recorded_digest(deployment: Deployment) -> None:
    live(deployment)
    kept = deployment.directory / "kept"
    kept.write_text(digests(deployment).read_text())
    digest = links(deployment)[1].digest

    write_anew(deployment)

    fault = "RegionOne, hour 2026-11-02T13:00:00Z: its digest is not the recorded"
    configured = deployment.command("meter", "verify")
    by_file = deployment.command("meter", "verify", "--digests", str(kept))
    by_hand = deployment.command("meter", "verify", "--digest", f"2026-11-02T13:00Z={digest}")
    for found in (configured, by_file, by_hand):
        assert (found.exit_code, fault in found.out) == (1, True), found
    assert "2 findings" in by_file.err
    deployment.billing_options = ""
    assert deployment.command("meter", "verify").exit_code == 0  # the chain alone does not show it


def test_hours_that_were_taken_away_are_found(deployment: Deployment) -> None:
    live(deployment)
    line = "2026-11-02T17:00:00Z=" + "1" * 64

    result = deployment.command("meter", "verify", "--digest", line, "--location", "RegionOne")

    assert result.exit_code == 1
    assert "RegionOne, hour 2026-11-02T17:00:00Z: its digest was recorded as 1111" in result.out


def test_a_text_that_is_no_digest_is_told(deployment: Deployment) -> None:
    live(deployment)
    with digests(deployment).open("a") as file:
        file.write("2026-11-02T13:00:00Z=12ab RegionOne\n# a word\n\n")

    result = deployment.command("meter", "verify")

    assert deployment.command("meter", "verify", "--digest", "2026-11-02T13:00Z").exit_code == 2
    assert deployment.command("meter", "verify", "--digests", "/no/such").exit_code == 2
    assert result.exit_code == 1
    assert "digests, line 3: '2026-11-02T13:00:00Z=12ab RegionOne' is not a recorded" in result.out


@pytest.mark.parametrize("fault", ["no directory", "a directory", "a pipe"])
def test_a_file_that_cannot_be_written_costs_no_hour(deployment: Deployment, fault: str) -> None:
    deployment.capture("2T12:00")
    path = digests(deployment)
    if fault == "no directory":
        deployment.billing_options = "digest_file = /no/such/digests"
    elif fault == "a directory":
        path.mkdir()
    else:
        os.mkfifo(path)

    result = deployment.run("2T14:05")

    assert result.exit_code == 1
    assert "Warning: The digests cannot be added to" in result.err
    assert len(links(deployment)) == 2
    if fault == "no directory":
        verified = deployment.command("meter", "verify")
        assert (verified.exit_code, "cannot be read" in verified.err) == (1, True)


def test_a_line_that_was_cut_off_is_followed_by_whole_ones(deployment: Deployment) -> None:
    deployment.capture("2T12:00")
    digests(deployment).write_text("2026-11-02T12:00:00Z=12ab")

    deployment.run("2T14:05")

    cut_off, whole = digests(deployment).read_text().splitlines()
    assert cut_off.endswith("=12ab")
    assert whole.endswith(f"{links(deployment)[1].digest} RegionOne")


def test_of_runs_at_once_each_adds_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "digests"
    anchors = [Anchor(f"{n:064x}", at("2T12:00"), location="x" * 50) for n in range(100)]

    with ThreadPoolExecutor(8) as pool:
        problems = list(pool.map(lambda one: record([one, one], path), anchors))

    assert set(problems) == {None}
    lines = path.read_text().splitlines()
    assert sorted(lines) == sorted(2 * [anchor_text(one) for one in anchors])
    assert all(first == second for first, second in zip(lines[::2], lines[1::2], strict=True))


def test_a_dry_run_records_nothing(deployment: Deployment) -> None:
    deployment.capture("2T12:00")

    deployment.run("2T14:05", "--dry-run")

    assert not digests(deployment).exists()


def test_a_closed_period_shows_its_digest_and_records_it(deployment: Deployment) -> None:
    deployment.capture("30T20:00")
    deployment.clock.now = datetime(2026, 12, 1, 0, 5, tzinfo=UTC)
    deployment.command("meter", "run")

    closed = deployment.command("period", "close", "2026-11", "--yes")

    period = deployment.command("period", "list").json[0]
    digest = period["digest"]
    assert f"Its digest is {digest}." in closed.out
    assert digests(deployment).read_text().splitlines()[-1] == f"2026-11={digest}"
    assert deployment.command("meter", "verify").exit_code == 0
    wrong = deployment.command("meter", "verify", "--digest", "2026-11=" + "0" * 64)
    assert (wrong.exit_code, "period 2026-11: its digest is not" in wrong.out) == (1, True)
    for name in ("json", "text", "html"):
        shown = deployment.command(
            "report", "cloud-usage", "--all-accounts", "--period", "2026-11", "-f", name
        ).out
        assert digest in shown, name
    summary = json.loads(
        deployment.command(
            "report", "cloud-usage", "--all-accounts", "--period", "2026-12", "-f", "json"
        ).out
    )
    assert summary["period"]["digest"] is None
