"""The samples in etc/ are right for this version, and an idle run costs next to nothing."""

import configparser
import os
import pwd
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest
import yaml
from oslo_config import generator

from instance_images.commands.main import cli as root_command
from instance_images.config.api import DEFAULT_API
from instance_images.config.logs import option_names
from instance_images.config.settings import load_settings
from instance_images.worker import metrics as worker_metrics
from instance_images.worker import worker
from instance_images_billing.config import billing_settings
from instance_images_billing.hours import metrics
from instance_images_reports.budgets import metrics as budget_metrics

from support.clouds import installed_memory_cloud
from support.clouds.embedded_cloud import CHECKOUT
from support.servers import mail_server
from support.worlds import report_ledger
from support.worlds.operations_world import Deployment

ETC = CHECKOUT / "etc"
SAMPLE = ETC / "instance-images.conf.sample"
SERVICE = ETC / "systemd" / "system" / "instance-images-meter.service"
LISTEN = ETC / "systemd" / "system" / "instance-images-listen.service"
WORKER = ETC / "systemd" / "system" / "instance-images-worker.service"
API = ETC / "systemd" / "system" / "instance-images-api.service"
TIMER = SERVICE.with_suffix(".timer")
OWN_UV = CHECKOUT / ".dev" / "uv" / "bin" / "uv"
UV = str(OWN_UV) if OWN_UV.exists() else "uv"
EXECUTABLE = Path(sys.executable).with_name("instance-images")


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.syspath_prepend(str(installed_memory_cloud.install(tmp_path / "site")))
    monkeypatch.setattr(installed_memory_cloud, "CLOUDS", {})
    made = Deployment(tmp_path)
    made.prepare()
    return made


def needs(program: str, package: str) -> str:
    """Return the program's path; raise with the cure where it is missing."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        raise RuntimeError(f"{program} is missing: install it (Debian: apt install {package})")
    return found


# ---------------------------------------------------------------------- an idle run


def test_a_run_that_finds_nothing_to_do_is_silent(deployment: Deployment) -> None:
    deployment.capture("2T12:30")
    deployment.run("2T14:05")

    result = deployment.run("2T14:10")

    assert (result.exit_code, result.out, result.err) == (0, "", "")


def processor_seconds(command: Sequence[str | Path], environment: dict[str, str]) -> float:
    """Return what a command that prints nothing takes, at best of three times."""
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return min(seconds)


def test_a_run_that_finds_nothing_to_do_takes_less_than_a_second(deployment: Deployment) -> None:
    deployment.capture("2T12:30")
    deployment.state_of["RegionTwo"] = "up"
    run = [EXECUTABLE, "--config-file", deployment.config, "meter", "run"]
    run += ["--location", "RegionTwo"]  # its cloud is empty in every process
    libraries = [sys.executable, "-c", "import click, oslo_config.cfg, sqlalchemy"]
    paths = os.pathsep.join([str(CHECKOUT / "tests"), str(deployment.directory / "site")])
    environment = {**os.environ, "PYTHONPATH": paths}

    least, spent = (processor_seconds(command, environment) for command in (libraries, run))

    # Of the processor, and more where other work keeps it so busy that imports alone are slow.
    assert spent < max(1, 3 * least)


# ------------------------------------------------------------------- configuration


def parts(sample: str) -> dict[tuple[str, str], str]:
    """Return the text of a sample by section and the package whose options it shows."""
    found: dict[tuple[str, str], str] = {}
    section = package = ""
    for line in sample.splitlines(keepends=True):
        if named := re.match(r"\[(.+)\]$", line):
            section, package = named[1], ""
        elif named := re.match(r"# From (.+)$", line):
            package = named[1]
        found[section, package] = found.get((section, package), "") + line
    return found


def test_the_sample_configuration_is_what_the_options_say_now(tmp_path: Path) -> None:
    made = tmp_path / "sample"
    config = ETC / "oslo-config-generator" / "instance-images.conf"

    generator.main(["--config-file", str(config), "--output-file", str(made)])

    now, committed = parts(made.read_text()), parts(SAMPLE.read_text())
    assert now.keys() == committed.keys()
    # The words of oslo.log's own options change with its versions; that ours do is a mistake.
    assert {key: text for key, text in now.items() if key[1] != "oslo.log"} == {
        key: text for key, text in committed.items() if key[1] != "oslo.log"
    }, "run 'tox -e genconfig'"


def test_the_options_of_the_log_in_the_sample_exist() -> None:
    shown = re.findall(r"^#(\w+) =", parts(SAMPLE.read_text())["DEFAULT", "oslo.log"], re.MULTILINE)

    assert {"log_file", "log_dir", "debug", "use_journal", "use_syslog"} <= set(shown)
    assert set(shown) <= option_names()


def test_every_line_of_the_sample_is_accepted_when_it_is_put_to_use(tmp_path: Path) -> None:
    used = re.sub(r"^#(\w+ =)(?! <None>)", r"\1", SAMPLE.read_text(), flags=re.MULTILINE)
    used = used.replace("[location:name]", "[location:RegionOne]")
    path = tmp_path / "instance-images.conf"
    path.write_text(used)

    settings = load_settings([path])

    assert [location.name for location in settings.locations] == ["RegionOne"]
    assert billing_settings(settings).metrics_textfile == Path(
        "/var/lib/node_exporter/instance_images.prom"
    )


# ------------------------------------------------------------------ running every hour


def require_command(line: str) -> None:
    """Fail unless the line is a command of ours with options that it has."""
    program, *words = shlex.split(line)
    assert Path(program).name in entry_points(group="console_scripts").names
    command: click.Command = root_command
    while words and isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words.pop(0))
        assert found is not None, line
        command = found
    assert not words, line


def test_the_cron_line_runs_the_meter_every_hour_as_its_own_user() -> None:
    text = (ETC / "cron.d" / "instance-images").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]

    *settings, line = lines
    minute, hour, day, month, weekday, user, command = line.split(None, 6)

    assert 0 < int(minute) < 60
    assert {hour, day, month, weekday} == {"*"}
    assert user == "instance-images"
    require_command(command)
    names = dict(setting.split("=", 1) for setting in settings)
    assert {"MAILTO", "PATH", "OS_CLIENT_CONFIG_FILE"} <= names.keys()
    assert text.endswith("\n")  # cron ignores a last line without its end


def test_the_cron_line_mails_the_month_that_ended(tmp_path: Path) -> None:
    text = (ETC / "cron.d" / "instance-images-report").read_text()
    *_, line = text.splitlines()
    _minute, _hour, day, _month, _weekday, user, command = line.split(None, 6)
    _program, *words = shlex.split(command.removesuffix(" >/dev/null"))
    words[words.index("--account") + 1] = "a"
    with mail_server.running() as server:
        mail = (
            f"host = 127.0.0.1\nport = {server.port}\nsecurity = none\nsender = usage@example.com"
        )
        report_ledger.command_line(tmp_path, mail=mail).ok(*words)

    assert (day, user) == ("1", "instance-images")
    assert server.recipients == [["finance@example.com"]]
    assert server.messages[0]["Subject"] == "Cloud Usage, name of a, November 2026"
    assert text.endswith("\n")


def unit(path: Path) -> configparser.ConfigParser:
    """Read a unit of systemd's in which no key that the test needs stands twice."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path)
    return parser


def test_the_service_runs_the_meter_once_with_few_rights() -> None:
    service = unit(SERVICE)["Service"]

    require_command(service["ExecStart"])
    assert service["Type"] == "oneshot"
    assert service["User"] == "instance-images"
    assert service["StateDirectory"] == service["LogsDirectory"] == "instance-images"


def test_the_listener_is_started_again_unless_its_configuration_is_wrong() -> None:
    service = unit(LISTEN)["Service"]

    require_command(service["ExecStart"])
    assert (service["Restart"], service["RestartPreventExitStatus"]) == ("always", "2")
    assert service["User"] == "instance-images"


def test_the_worker_is_watched_by_systemd() -> None:
    service = unit(WORKER)["Service"]

    require_command(service["ExecStart"])
    assert (service["Type"], service["NotifyAccess"], service["WatchdogSec"]) == (
        "notify", "main", "60",
    )  # fmt: skip
    assert (service["Restart"], service["RestartPreventExitStatus"]) == ("always", "2")
    assert int(service["TimeoutStopSec"]) > worker.SECONDS_TO_END
    assert service["User"] == "instance-images"


def test_the_worker_has_the_hardening_of_the_listener() -> None:
    own = {"ExecStart", "Type", "NotifyAccess", "WatchdogSec", "TimeoutStopSec", "ReadWritePaths"}
    worker_service, listener = unit(WORKER)["Service"], unit(LISTEN)["Service"]

    assert {
        key: worker_service[key]
        for key in worker_service
        if key.lower() not in {one.lower() for one in own}
    } == {key: listener[key] for key in listener if key.lower() != "execstart"}


def test_the_api_runs_as_the_same_user_and_is_started_again() -> None:
    service = unit(API)["Service"]

    assert service["ExecStart"].endswith(" instance_images_api.wsgi:application")
    assert (service["Restart"], service["RestartPreventExitStatus"]) == ("always", "3")
    assert service["User"] == "instance-images"


@pytest.mark.parametrize("path", [LISTEN, API, WORKER], ids=lambda path: path.stem)
def test_services_start_with_the_machine_once_they_are_enabled(path: Path) -> None:
    assert unit(path)["Install"]["WantedBy"] == "multi-user.target"


def test_every_server_has_threads_left_while_the_cloud_hangs() -> None:
    waiting = DEFAULT_API.cloud_requests
    gunicorn = int(re.findall(r"--threads (\d+)", unit(API)["Service"]["ExecStart"])[0])
    uwsgi = configparser.ConfigParser(strict=False, inline_comment_prefixes=None)
    uwsgi.read(ETC / "uwsgi" / "instance-images-api.ini")
    apache = (ETC / "apache" / "instance-images-api.conf").read_text()

    threads = [gunicorn, uwsgi.getint("uwsgi", "threads"), *re.findall(r"threads=(\d+)", apache)]

    assert len(threads) == 3
    assert all(int(number) > waiting for number in threads)


def test_the_sample_of_the_policy_is_the_policy(tmp_path: Path) -> None:
    made = tmp_path / "policy.yaml.sample"

    generator = EXECUTABLE.with_name("oslopolicy-sample-generator")
    subprocess.run(
        [generator, "--namespace", "instance_images", "--output-file", made],
        check=True,
        capture_output=True,
    )

    assert made.read_text() == (ETC / "policy.yaml.sample").read_text()


def test_the_timer_catches_up_after_a_time_without_power() -> None:
    timer = unit(TIMER)["Timer"]

    assert timer["Persistent"] == "true"
    assert timer["OnCalendar"] == "*-*-* *:02:00"


@pytest.mark.all
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    analyze = needs("systemd-analyze", "systemd")
    for path in (SERVICE, TIMER, LISTEN, WORKER, API):
        text = path.read_text().replace("/opt/instance-images/bin", str(EXECUTABLE.parent))
        (tmp_path / path.name).write_text(text)
    units = [tmp_path / path.name for path in (SERVICE, TIMER, LISTEN, WORKER, API)]

    verified = subprocess.run([analyze, "verify", "--man=no", *units], capture_output=True)
    judged = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=15", units[0], *units[2:]],
        capture_output=True,
    )

    assert (verified.returncode, verified.stderr) == (0, b"")
    assert judged.returncode == 0, judged.stdout.decode()[-200:]  # exposure at most 1.5 of 10


def test_the_software_works_without_memory_that_is_writable_and_executable() -> None:
    code = (
        "import ctypes, os; assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0, 'no MDWE here'\n"
        f"os.execv({str(EXECUTABLE)!r}, ['instance-images', '--version'])"
    )
    probe = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if "no MDWE here" in probe.stderr:
        pytest.skip("this kernel cannot forbid it")
    modules = "openstack, psycopg, pymysql, oslo_log.log, prometheus_client, sqlalchemy, sqlite3"
    modules += ", instance_images_api.application, weasyprint"
    imports = code.replace(
        f"os.execv({str(EXECUTABLE)!r}, ['instance-images', '--version'])", f"import {modules}"
    )

    done = subprocess.run([sys.executable, "-c", imports], capture_output=True, text=True)

    assert probe.returncode == 0, probe.stderr
    assert done.returncode == 0, done.stderr


@pytest.mark.all
def test_logrotate_moves_the_log_away(tmp_path: Path) -> None:
    logrotate = needs("logrotate", "logrotate")
    user = pwd.getpwuid(os.getuid()).pw_name
    text = (ETC / "logrotate.d" / "instance-images").read_text()
    assert "/var/log/instance-images/*.log" in text
    text = text.replace("/var/log/instance-images", str(tmp_path))
    text = text.replace("instance-images instance-images", f"{user} {user}")
    config = tmp_path / "rotate"
    config.write_text(text)
    config.chmod(0o644)
    (tmp_path / "instance-images.log").write_text("a line\n")

    done = subprocess.run(
        [logrotate, "--force", "--state", tmp_path / "state", config], capture_output=True
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "instance-images.log.1").read_text() == "a line\n"
    assert (tmp_path / "instance-images.log").read_text() == ""


def test_the_alerts_are_about_metrics_that_there_are() -> None:
    rules = yaml.safe_load((ETC / "prometheus" / "instance-images.rules.yml").read_text())

    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    used = {name for rule in alerts for name in re.findall(r"instance_images_\w+", rule["expr"])}
    assert used == {
        metrics.PREFIX + name
        for name in (
            "meter_last_success_timestamp_seconds",
            "meter_watermark_timestamp_seconds",
            "meter_run_problems",
            "meter_last_run_timestamp_seconds",
            "unbilled_bytes",
            "overbilled_bytes",
            "notifications_unconfirmed",
            "notifications_postponed",
            "budget_amount",
            "budget_charge",
            "budget_notices_pending",
            "budget_notices_failed",
            "worker_last_poll_timestamp_seconds",
            "worker_oldest_due_seconds",
        )
    }
    of_runs = {metrics.PREFIX + name for name in metrics.HELP}
    of_worker = {worker_metrics.PREFIX + name for name in worker_metrics.GAUGES}
    of_budgets = {budget_metrics.PREFIX + name for name in budget_metrics.HELP}
    assert used <= of_runs | of_worker | of_budgets


def test_every_metric_and_alert_is_in_the_documentation() -> None:
    page = (CHECKOUT / "doc/source/admin/metrics.md").read_text()
    rules = yaml.safe_load((ETC / "prometheus" / "instance-images.rules.yml").read_text())

    told = set(re.findall(r"`([A-Za-z_]+)`", page))
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    assert {*alerts, *metrics.HELP, *budget_metrics.HELP} - told == set()
    assert {name.removeprefix("worker_") for name in worker_metrics.GAUGES} - told == set()


def test_the_sdist_holds_the_samples(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=CHECKOUT, capture_output=True, check=True).stdout
    packed = ["tar", "--null", "--ignore-failed-read", "-T", "-", "-c"]
    archive = subprocess.run(packed, cwd=CHECKOUT, input=names, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", source], input=archive, check=True)

    subprocess.run([UV, "build", "--quiet", "--sdist", "--out-dir", tmp_path, source], check=True)

    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as opened:
        held = {name.partition("/")[2] for name in opened.getnames()}
    samples = {str(path.relative_to(CHECKOUT)) for path in ETC.rglob("*") if path.is_file()}
    assert samples <= held
    assert "tests/conftest.py" in held
    assert not [name for name in held if "__pycache__" in name]


def test_every_sample_is_named_in_the_readme_of_operators() -> None:
    readme = (ETC / "README.md").read_text()

    for path in ETC.rglob("*"):
        if path.is_file() and path.name != "README.md":
            assert str(path.relative_to(ETC)) in readme
