"""The commands for all accounts: what they print, refuse, and leave as it was."""

import contextlib
import json
import os
import pty
import resource
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from instance_images_reports.batch.manifest import MANIFEST

from conftest import ConfiguredCommandLine
from support.clouds.memory_cloud import GB
from support.processes.command_line import CommandLine, SetClock
from support.worlds.books_world import content_of
from support.worlds.ledger_world import World, at

REPORT = ("report", "cloud-usage", "--all-accounts", "--period", "2026-11")


@pytest.fixture
def cli(configured: ConfiguredCommandLine) -> CommandLine:
    """Two accounts with hours up to 15:00 on the second."""
    cli = configured()
    world = World(cli.application.database)
    world.set_rate()
    world.capture("2T12:00", "web", "a")
    world.capture("2T13:30", "db", "b", 2 * GB)
    world.run("2T15:05")
    cli.clock = SetClock(at("2T15:10"))
    return cli


def test_the_summary_is_printed_in_each_of_its_formats(cli: CommandLine) -> None:
    text = cli.ok(*REPORT, "-f", "text").out
    table = cli.ok(*REPORT, "-f", "csv").out.splitlines()
    page = cli.ok(*REPORT, "-f", "html").out
    summary = json.loads(cli.ok(*REPORT, "-f", "json").out)

    assert "Total         EUR 6.00" in text
    assert table[1:] == [
        "2026-11,EUR,a,name of a,3.00,3.000000000,,3.00,,",
        "2026-11,EUR,b,name of b,3.00,3.000000000,,3.00,,",
    ]
    assert "EUR&nbsp;6.00" in page or "EUR\xa06.00" in page
    assert summary["currencies"][0]["total"] == "6.00"


def test_the_summary_speaks_the_language_of_its_reader(cli: CommandLine) -> None:
    text = cli.ok(*REPORT, "-f", "text", "--locale", "de_DE").out

    assert "Gesamtbetrag  6,00 EUR" in text
    assert "Konten nach Betrag: 2" in text
    cli.refused(2, "is not a known locale", *REPORT, "-f", "text", "--locale", "xx_XX")


def test_a_summary_has_formats_of_its_own(cli: CommandLine, tmp_path: Path) -> None:
    cli.refused(2, "The summary is not available as pdf", *REPORT, "-f", "pdf")
    cli.refused(2, "Choose the format", *REPORT, "-o", str(tmp_path / "r"))
    assert cli.ok(*REPORT).out == cli.ok(*REPORT, "-f", "text").out


def test_a_folder_is_written_and_reconciled(cli: CommandLine, tmp_path: Path) -> None:
    folder = tmp_path / "2026-11"

    written = cli.ok(*REPORT, "-f", "csv", "-o", str(folder))
    proved = cli.ok("report", "reconcile", "--period", "2026-11", str(folder))

    assert written.out == f"{folder}: written: 2 reports of 2026-11.\n"
    assert written.err == ""  # progress is for terminals
    assert sorted(content_of(folder)) == [
        "accounts/a_EUR.csv",
        "accounts/b_EUR.csv",
        MANIFEST,
        "summary.csv",
        "summary.html",
        "summary.json",
        "summary.txt",
    ]
    assert (folder.stat().st_mode & 0o7, (folder / MANIFEST).stat().st_mode & 0o7) == (0, 0)
    assert proved.json == [
        {
            "location": "RegionOne",
            "currency": "EUR",
            "postings": "6.000000000",
            "adjustments": "0.000000000",
            "minimum_charges": "0.000000000",
            "ledger": "6.000000000",
            "reports": "6.000000000",
            "difference": "0.000000000",
        }
    ]
    assert proved.err == "2026-11: the reports match the ledger.\n"
    assert cli.ok("report", "reconcile", "--period", "2026-11").json == proved.json


def test_reconcile_lists_what_differs_and_exits_with_1(cli: CommandLine, tmp_path: Path) -> None:
    cli.ok(*REPORT, "-f", "csv", "-o", str(tmp_path / "r"))
    (tmp_path / "r/accounts/a_EUR.csv").write_text("")

    found = cli("report", "reconcile", "--period", "2026-11", str(tmp_path / "r"))

    assert found.exit_code == 1
    assert found.err.splitlines() == [
        "accounts/a_EUR.csv: was changed: its size or SHA-256 differs",
        "1 finding.",
    ]


def test_what_stands_there_is_replaced_with_force_alone(cli: CommandLine, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    cli.ok(*REPORT, "-f", "csv", "-o", str(folder))
    before = content_of(folder)

    cli.refused(3, f"{folder} exists", *REPORT, "-f", "json", "-o", str(folder))
    assert content_of(folder) == before

    cli.ok(*REPORT, "-f", "json", "-o", str(folder), "--force")
    assert "accounts/a_EUR.json" in content_of(folder)
    assert "accounts/a_EUR.csv" not in content_of(folder)


def test_a_folder_of_something_else_is_never_replaced(cli: CommandLine, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.txt").write_text("years of work")

    cli.refused(3, "is not replaced", *REPORT, "-f", "csv", "-o", str(home), "--force")

    assert content_of(home) == {"thesis.txt": b"years of work"}


def test_a_file_is_no_place_for_a_folder(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "r").write_text("a file")

    cli.refused(3, "is a file", *REPORT, "-f", "csv", "-o", str(tmp_path / "r"), "--force")

    assert (tmp_path / "r").read_text() == "a file"
    missing = tmp_path / "no" / "such"
    cli.refused(3, "No such file or directory", *REPORT, "-f", "csv", "-o", str(missing))


def test_options_that_do_not_go_together_are_told(cli: CommandLine) -> None:
    cli.refused(2, "excludes --account", *REPORT, "-f", "csv", "--account", "a")
    cli.refused(2, "excludes --account", *REPORT, "-f", "csv", "--currency", "EUR")
    cli.refused(2, "not in the range", *REPORT, "-f", "csv", "--jobs", "0")
    cli.refused(
        2, "--jobs require --all-accounts", *REPORT[:2], *REPORT[3:], "-f", "csv", "--jobs", "2"
    )


def test_what_is_for_one_account_is_not_for_all(cli: CommandLine) -> None:
    cli.refused(2, "excludes --account", *REPORT, "-f", "json", "--section", "images")
    cli.refused(2, "excludes --account", *REPORT, "-f", "json", "--mail-to", "a@example.com")


def test_a_period_that_is_none_or_not_begun_is_refused(cli: CommandLine, tmp_path: Path) -> None:
    words = ("report", "cloud-usage", "--all-accounts", "-f", "csv", "-o", str(tmp_path / "r"))

    cli.refused(3, "has not begun", *words, "--period", "2027-01")
    cli.refused(2, "is not a period", *words, "--period", "2026-13")
    cli.refused(2, "is not a period", "report", "reconcile", "--period", "2026-13")
    cli.refused(3, "has not begun", "report", "reconcile", "--period", "2027-01")

    assert not (tmp_path / "r").exists()


def test_a_ledger_without_accounts_has_no_reports(
    configured: ConfiguredCommandLine, tmp_path: Path
) -> None:
    cli = configured()
    cli.clock = SetClock(datetime(2026, 11, 2, tzinfo=UTC))

    cli.refused(3, "no image was ever captured", *REPORT, "-f", "csv", "-o", str(tmp_path / "r"))


def test_the_engine_that_is_missing_names_what_to_install(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)

    cli.refused(
        2,
        "install instance-images[dask]",
        *(*REPORT, "-f", "csv", "-o", str(tmp_path / "r"), "--engine", "dask"),
    )


def test_a_scheduler_that_does_not_answer_leaves_no_folder(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dask.config
    from distributed import Security

    from instance_images_reports.batch import engines

    monkeypatch.setattr(engines, "_PATIENCE_SECONDS", 1)
    words = (*REPORT, "-f", "csv", "-o", str(tmp_path / "r"), "--engine", "dask")
    made: Any = Security.temporary()
    tls = {
        "distributed.comm.tls.ca-file": made.tls_ca_file,
        "distributed.comm.tls.client.cert": made.tls_client_cert,
        "distributed.comm.tls.client.key": made.tls_client_key,
    }

    cli.refused(
        2, "give its address as tls://HOST:PORT", *words, "--engine-address", "tcp://127.0.0.1:9"
    )
    with dask.config.set(tls):
        address = ("--engine-address", "tls://127.0.0.1:9")
        cli.refused(3, "No scheduler of Dask answers", *words, *address)

    assert not (tmp_path / "r").exists()


# ------------------------------------------------------------------------- full disk


def limit_files() -> None:
    """Let no file become larger than a kilobyte, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))


def test_a_full_disk_leaves_the_old_folder_as_it_was(cli: CommandLine, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    cli.ok(*REPORT, "-f", "csv", "-o", str(folder))
    before, beside = content_of(folder), sorted(path.name for path in tmp_path.iterdir())
    program = (
        "import sys; from instance_images.commands.main import run;"
        " from instance_images.instants import parse_instant;"
        " sys.exit(run(sys.argv[1:], lambda: parse_instant('2026-11-02T15:10Z')))"
    )
    words = ["--config-file", str(cli.config_file), *REPORT, "-f", "html", "-o", str(folder)]

    failed = subprocess.run(
        [sys.executable, "-c", program, *words, "--force"],
        preexec_fn=limit_files,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )

    assert (failed.returncode, failed.stderr) == (
        3,
        f"Error: {folder} cannot be written: File too large.\n",
    )
    assert content_of(folder) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == beside


# -------------------------------------------------------------------------- progress


def test_progress_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    from instance_images_reports.commands.progress import accounts_progress

    leader, follower = pty.openpty()
    with os.fdopen(follower, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with accounts_progress("Reports of 2026-11") as progress:
            progress(3, 7)
        monkeypatch.undo()
    shown = ""
    with contextlib.suppress(OSError):  # a terminal that nobody writes to any more ends in one
        while part := os.read(leader, 100_000):
            shown += part.decode()
    os.close(leader)

    assert "Reports of 2026-11" in shown
    assert "3/7" in shown
