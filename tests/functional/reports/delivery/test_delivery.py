"""Where reports go: files, folders, standard output; and which format and month they are of."""

import os
import pty
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from instance_images.errors import UsageError
from instance_images.model.records import Account
from instance_images_billing.pricing.periods import named_period
from instance_images_reports.delivery.destination import chosen_format, report_name

from support.processes.command_line import CommandLine
from support.statements import sample_statements as samples
from support.worlds import report_ledger

REPORT = ("report", "cloud-usage", "--period", "2026-11")


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return report_ledger.command_line(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "reports"
    path.mkdir()
    return path


def in_a_process(cli: CommandLine, *arguments: str) -> list[str]:
    """Return the command as another process runs it."""
    code = "from instance_images.commands.main import main; main()"
    return [sys.executable, "-c", code, "--config-file", str(cli.config_file), *arguments]


# -------------------------------------------------------------------- which format


@pytest.mark.parametrize(
    ("name", "begins"), [("a.xlsx", b"PK"), ("a.JSON", b"{"), ("a.b.html", b"<!doctype html>")]
)
def test_a_files_suffix_says_its_format(
    name: str, begins: bytes, cli: CommandLine, folder: Path
) -> None:
    told = cli.ok(*REPORT, "-o", str(folder / name))

    assert (folder / name).read_bytes().lstrip(b"\n").startswith(begins)
    assert told.out == f"{folder / name}: written.\n"


def test_the_format_that_is_asked_for_goes_before_the_suffix() -> None:
    assert chosen_format("csv", Path("a.json")) == "csv"


def test_a_suffix_that_stands_for_no_format_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"report\.doc has no suffix of a format: .* \.html, \.pdf"
    ):
        chosen_format(None, Path("report.doc"))


def test_without_a_file_the_report_is_text(cli: CommandLine) -> None:
    assert cli.ok(*REPORT).out.startswith("Cloud Usage\n===========\n")


# ------------------------------------------------------------------------ a folder


def test_a_folder_gets_a_file_with_a_name_of_its_own(cli: CommandLine, folder: Path) -> None:
    told = cli.ok(*REPORT, "-o", str(folder), "-f", "json")

    [written] = folder.iterdir()
    assert written.name == "cloud-usage-a-2026-11-EUR.json"
    assert told.out == f"{written}: written.\n"


def test_a_file_in_a_folder_is_replaced_on_demand_alone(cli: CommandLine, folder: Path) -> None:
    command = (*REPORT, "-o", str(folder), "-f", "csv")
    cli.ok(*command)
    [written] = folder.iterdir()
    written.write_text("kept")

    cli.refused(3, "exists: choose another name", *command)
    assert written.read_text() == "kept"

    cli.ok(*command, "--force")
    assert written.read_text() != "kept"


def test_an_account_names_no_file_outside_of_the_folder() -> None:
    evil = replace(samples.plain(), account=Account("../../etc/\x1b=ä" + "x" * 300, "Evil"))

    name = report_name(evil, "pdf")

    assert name == f"cloud-usage-.._.._etc____{'x' * 51}-2026-11-EUR.pdf"  # 64 of the id


def test_a_folder_that_does_not_exist_is_refused(cli: CommandLine, tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "a.csv"

    cli.refused(3, "cannot be written: No such file or directory", *REPORT, "-o", str(missing))


# ----------------------------------------------------------------- standard output


def test_a_workbook_goes_into_a_pipe(cli: CommandLine) -> None:
    assert cli.ok(*REPORT, "-f", "xlsx").content.startswith(b"PK")


def test_a_workbook_is_kept_off_a_terminal(cli: CommandLine) -> None:
    master, slave = pty.openpty()
    try:
        done = subprocess.run(
            in_a_process(cli, *REPORT, "-f", "xlsx"),
            stdout=slave,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
        )
    finally:
        os.close(slave)
        os.close(master)

    assert done.returncode == 2
    assert "cannot be shown on a terminal: write it to a file with -o FILE" in done.stderr


def test_standard_output_that_is_full_is_told_in_one_line(cli: CommandLine) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            in_a_process(cli, *REPORT), stdout=full, stderr=subprocess.PIPE, text=True, timeout=120
        )

    assert done.returncode == 3
    assert done.stderr == "Error: Standard output cannot be written: No space left on device.\n"


def test_a_full_disk_leaves_the_old_file_and_nothing_besides(folder: Path) -> None:
    old = folder / "report.csv"
    old.write_text("old")
    # The limit stands for the disk: what is written beyond it fails in the same call.
    code = (
        "import resource, pathlib; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        "from instance_images_reports.delivery.output_file import write_file;"
        f"write_file(pathlib.Path({str(old)!r}), b'x' * 100_000, replace=True)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)

    assert done.returncode != 0
    assert "report.csv cannot be written: File too large." in done.stderr
    assert [path.name for path in folder.iterdir()] == ["report.csv"]
    assert old.read_text() == "old"


# ----------------------------------------------------------------------- the month


@pytest.mark.parametrize(
    ("text", "name"), [("this", "2026-12"), ("last", "2026-11"), ("2026-10", "2026-10")]
)
def test_a_month_is_named_or_found_from_today(text: str, name: str) -> None:
    # 23:30 on the 30th of November in UTC is the first of December in Berlin
    now = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)

    assert named_period(text, now, ZoneInfo("Europe/Berlin")).name == name


def test_last_month_is_that_before_the_clocks(cli: CommandLine) -> None:
    assert (
        cli.ok("report", "cloud-usage", "--period", "last", "-f", "json").json["period"]["name"]
        == "2026-11"
    )


def test_what_is_no_month_is_refused(cli: CommandLine) -> None:
    cli.refused(2, "'next' is not a period", "report", "cloud-usage", "--period", "next")
