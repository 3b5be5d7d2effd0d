"""What a run logs, where to, and what it costs the commands that do not log."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from instance_images.config.logs import RedactingFormatter
from instance_images.errors import (
    CloudUnavailable,
    ConfigurationError,
    InstanceImagesError,
    LimitReached,
    NotFound,
    Refused,
)

from support.clouds import installed_memory_cloud
from support.processes.command_line import CommandLine
from support.worlds.operations_world import Deployment


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.syspath_prepend(str(installed_memory_cloud.install(tmp_path / "site")))
    monkeypatch.setattr(installed_memory_cloud, "CLOUDS", {})
    made = Deployment(tmp_path)
    made.prepare()
    return made


@pytest.fixture
def logged(deployment: Deployment) -> Deployment:
    """A deployment that logs into a file."""
    deployment.default_options = f"log_file = {deployment.log}"
    return deployment


def test_a_run_logs_what_it_did_at_each_location(logged: Deployment) -> None:
    logged.state_of = {"RegionOne": "up", "RegionTwo": "up"}
    logged.capture("2T12:30")

    result = logged.run("2T14:05")

    # In the order in which they ended.
    one, two = sorted(logged.log.read_text().splitlines(), key=lambda line: "RegionTwo" in line)
    assert "INFO" in one
    assert "RegionOne: closed 2 hours up to 2026-11-02T14:00:00Z, 2 postings, 1.50 EUR, in " in one
    assert "RegionTwo: nothing to close, in " in two
    assert (result.out.count("closed"), result.err) == (1, "")


def test_a_problem_is_told_on_stderr_once_and_logged_as_a_warning(logged: Deployment) -> None:
    logged.state_of = {"RegionTwo": "up"}  # which has no rate
    logged.capture("2T12:30", "RegionTwo")

    result = logged.run("2T14:05")

    assert result.err.startswith("Warning: RegionTwo has no rate")
    assert len(result.err.splitlines()) == 1
    (line,) = [line for line in logged.log.read_text().splitlines() if "WARNING" in line]
    assert "RegionTwo has no rate for the hour 2026-11-02T12:00:00Z" in line


def test_a_failure_is_one_line_on_stderr_and_a_traceback_in_the_log(logged: Deployment) -> None:
    logged.state_of["RegionOne"] = "down"

    result = logged.run("2T14:05")

    assert result.exit_code == 4
    assert len(result.err.splitlines()) == 1
    assert "Traceback" in logged.log.read_text()
    assert "CloudUnavailable: The cloud in memory is switched off." in logged.log.read_text()


def test_a_fault_of_the_software_is_logged_without_the_secrets_in_it(logged: Deployment) -> None:
    logged.state_of["RegionOne"] = "faulty"

    result = logged.run("2T14:05")

    assert result.exit_code == 70
    assert "RuntimeError: no answer from https://admin:***@keystone" in logged.log.read_text()
    assert "hunter2" not in logged.log.read_text()


def test_debug_shows_tracebacks_and_what_is_logged_and_no_secret(logged: Deployment) -> None:
    logged.state_of["RegionOne"] = "faulty"

    result = CommandLine(logged.config, logged.clock)("--debug", "meter", "run")

    assert "Traceback" in result.err
    assert result.err.splitlines()[-1].startswith("Error: A fault in instance-images")
    assert "hunter2" not in result.err
    assert "Traceback" in logged.log.read_text()


def test_without_debug_and_without_a_log_nobody_sees_tracebacks(deployment: Deployment) -> None:
    deployment.state_of["RegionOne"] = "down"

    result = deployment.run("2T14:05")

    assert result.err.splitlines() == [
        "Error: RegionOne is not metered: The cloud in memory is switched off."
    ]


def test_warnings_of_the_libraries_are_for_the_log(logged: Deployment) -> None:
    class Warns(installed_memory_cloud.MemoryProvider):
        def _answer(self) -> None:
            logging.getLogger("keystoneauth.session").warning("token: %s expires", "abc")

    installed_memory_cloud.CLOUDS["RegionOne"] = Warns(None, logged.clock)  # type: ignore[arg-type]

    with_log = logged.run("2T14:05")
    logged.default_options = ""
    without = logged.run("2T15:05")

    assert (with_log.err, without.err) == ("", "")
    assert logged.log.read_text().count("] token: *** expires") > 0


def test_a_log_that_cannot_be_written_is_a_warning(logged: Deployment) -> None:
    logged.capture("2T12:30")
    logged.log.parent.rmdir()

    result = logged.run("2T14:05")

    assert result.exit_code == 0
    assert "closed 2 hours" in result.out
    assert result.err == (
        f"Warning: Could not write the log; the run continues without it: {logged.log}: No such"
        " file or directory.\n"
    )


@pytest.mark.parametrize("option", ["debug = true", "use_syslog = false", "use_json = true"])
def test_options_that_name_no_place_to_log_to_leave_stdout_alone(
    deployment: Deployment, option: str
) -> None:
    deployment.default_options = option

    result = deployment.run("2T14:05")

    assert result.out == ""
    assert ("nothing to close" in result.err) == (option == "debug = true")


def test_a_log_in_json_is_json(logged: Deployment) -> None:
    logged.default_options += "\nuse_json = true"

    logged.run("2T14:05")

    (line,) = logged.log.read_text().splitlines()
    assert json.loads(line)["levelname"] == "INFO"


def test_a_mistyped_option_of_the_log_is_refused(deployment: Deployment) -> None:
    deployment.default_options = "log_fil = /tmp/x"

    CommandLine(deployment.config).refused(2, "option log_fil in [DEFAULT]", "meter", "run")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("debug = perhaps", "debug: Invalid Boolean value: perhaps"),
        ("use_stderr = perhaps", "use_stderr"),
        ("default_log_levels = sqlalchemy=LOUD", "LOUD"),
        ("use_syslog = true\nsyslog_log_facility = LOG_NOWHERE", "facility"),
    ],
)
def test_a_value_that_the_log_cannot_have_is_refused(
    deployment: Deployment, option: str, said: str
) -> None:
    deployment.default_options = option

    result = CommandLine(deployment.config).refused(2, said, "meter", "run")

    assert len(result.err.splitlines()) == 1


def test_a_dry_run_and_commands_that_change_nothing_log_nothing(logged: Deployment) -> None:
    logged.run("2T14:05", "--dry-run")
    logged.command("meter", "status")

    assert logged.log.read_text() == ""


def test_the_log_goes_on_in_a_new_file_after_it_was_moved(logged: Deployment) -> None:
    logged.run("2T14:05")
    logged.log.rename(logged.log.with_suffix(".log.1"))

    logged.run("2T15:05")

    assert len(logged.log.read_text().splitlines()) == 1


def test_a_log_that_root_begins_is_owned_by_the_owner_of_its_directory(logged: Deployment) -> None:
    owner = 4321 if os.geteuid() == 0 else os.geteuid()
    os.chown(logged.log.parent, owner, -1)

    logged.run("2T14:05")

    assert logged.log.stat().st_uid == owner


def test_without_options_of_the_log_nothing_that_logs_is_imported(deployment: Deployment) -> None:
    code = (
        "import sys; from instance_images.commands.main import run;"
        f"assert run(['--config-file', {str(deployment.config)!r}, 'meter', 'status']) == 0;"
        "heavy = {'oslo_log.log', 'oslo_log._options', 'prometheus_client'} & set(sys.modules);"
        "print(sorted(heavy))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            LimitReached("acme & sons", "RegionOne", 3, 3),
            "account *** holds 3 of 3 images in RegionOne.",
        ),
        (NotFound("Image", "golden", "See the list."), "Image '***' was not found. See the list."),
        (
            CloudUnavailable("Nova: instance \"web's\" of 'x' is busy; ask req-1f-0a."),
            "Nova: instance \"***\" of '***' is busy; ask req-1f-0a.",
        ),
        (
            Refused("It is 'a1b2c3d4-0000-4000-8000-00000000000a', the customer's own."),
            "It is 'a1b2c3d4-0000-4000-8000-00000000000a', the customer's own.",
        ),
        (
            ConfigurationError("The entry 'admin' of clouds.yaml is missing."),
            "The entry 'admin' of clouds.yaml is missing.",
        ),
    ],
)
def test_errors_are_logged_without_the_names_of_customers(
    error: InstanceImagesError, line: str
) -> None:
    formatter = RedactingFormatter(logging.Formatter("%(message)s"))
    try:
        raise error
    except InstanceImagesError:
        told = (logging.WARNING, "", 0, "Postponed: %s", (error,), sys.exc_info())
        text = formatter.format(logging.LogRecord("x", *told))

    assert line in text.splitlines()[0]
    assert line in text.splitlines()[-1]
    assert str(error) == line or str(error) not in text
