"""Horizon with the product's plug-in: installed as the installation guide says, behind gunicorn.

It runs in an environment of its own, ``.dev/dashboard-venv``. Collecting and compressing static
files takes longer than everything else; the result is kept under ``.dev/dashboard-static`` for as
long as neither a version nor a file of the plug-in changes.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import requests
import yaml

from support.clouds.embedded_cloud import CHECKOUT, EmbeddedCloud
from support.dashboard.environment import dashboard_python

SETTINGS = CHECKOUT / "tests" / "support" / "horizon"
PLUGIN = CHECKOUT / "dashboard" / "instance_images_dashboard"
KEPT = 3
START_SECONDS = 90.0
_STOP_SECONDS = 15.0


@dataclass(frozen=True)
class Horizon:
    """A running Horizon."""

    url: str
    home: Path

    @property
    def log(self) -> str:
        """What it has logged."""
        return (self.home / "dashboard.log").read_text()

    def forget_sessions(self) -> None:
        """End every login, as if all had expired."""
        for session in (self.home / "sessions").iterdir():
            session.unlink()


def environment_directory() -> Path:
    """Return the environment that Horizon is installed in; raises if it is not."""
    return dashboard_python().parent.parent


def packages_directory() -> Path:
    """Return where the packages of that environment are."""
    return next(environment_directory().glob("lib/python3*/site-packages"))


def install() -> None:
    """Copy the files that switch the plug-in on, and those of heat-dashboard, into Horizon."""
    horizon = packages_directory() / "openstack_dashboard"
    heat = packages_directory() / "heat_dashboard"
    for folder in ("enabled", "local_settings.d"):
        there = horizon / "local" / folder
        for stale in there.glob("_[0-9]*.py"):
            stale.unlink()
        for plugin in (heat, PLUGIN):
            for file in (plugin / folder).glob("_[0-9]*.py"):
                shutil.copy(file, there)
    # Horizon looks for heat-dashboard's policy in its own folder.
    shutil.copytree(heat / "conf", horizon / "conf", dirs_exist_ok=True)


def static_root() -> Path:
    """Collect and compress the static files, unless that was done before; return their folder."""
    cache = CHECKOUT / ".dev" / "dashboard-static"
    made = cache / _digest()
    if not made.exists():
        draft = cache / f"draft-{secrets.token_hex(8)}"
        draft.mkdir(parents=True)
        try:
            for command in (["collectstatic", "--link", "--noinput"], ["compress", "--force"]):
                _administer(command, environment(draft, draft))
            draft.rename(made)
        except OSError:
            if not made.exists():  # another process was faster
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    made.touch()
    others = sorted(cache.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in others[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return made


def _digest() -> str:
    digest = hashlib.sha256()
    for path in sorted(packages_directory().glob("*.dist-info")):
        digest.update(path.name.encode())
    for path in sorted(_deciding_files()):
        digest.update(str(path).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _deciding_files() -> Iterable[Path]:
    yield SETTINGS / "local" / "local_settings.py"
    for folder in ("enabled", "local_settings.d", "static", "templates"):
        yield from (path for path in PLUGIN.rglob(f"{folder}/**/*") if path.is_file())


def _administer(command: list[str], variables: Mapping[str, str]) -> None:
    done = subprocess.run(
        [environment_directory() / "bin" / "django-admin", *command, "--verbosity", "0"],
        env=variables,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"django-admin {' '.join(command)}: {done.stderr}")


def environment(
    home: Path, static: Path, keystone_url: str = "http://127.0.0.1:1/v3"
) -> dict[str, str]:
    """Return the environment of Horizon's processes."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("OS_")},
        "PYTHONPATH": str(SETTINGS),
        "PYTHONWARNINGS": "ignore",
        "DJANGO_SETTINGS_MODULE": "openstack_dashboard.settings",
        "DASHBOARD_HOME": str(home),
        "DASHBOARD_STATIC_ROOT": str(static),
        "DASHBOARD_KEYSTONE_URL": keystone_url,
        "DASHBOARD_SECRET_KEY": secrets.token_urlsafe(40),
    }


def prepared(cloud: EmbeddedCloud, home: Path, port: int) -> tuple[list[str], dict[str, str]]:
    """Install the plug-in; return the command that serves Horizon, and its environment."""
    install()
    (home / "sessions").mkdir(parents=True, exist_ok=True)
    auth = yaml.safe_load(cloud.clouds_yaml.read_text())["clouds"]["admin"]["auth"]
    command = [str(environment_directory() / "bin" / "gunicorn"), "--preload", "--workers", "2"]
    command += ["--threads", "4", "--timeout", "120", "--bind", f"127.0.0.1:{port}"]
    command += ["--log-level", "warning", "served:application"]
    return command, environment(home, static_root(), auth["auth_url"])


def wait_until_up(url: str, ended: Callable[[], bool], log: Path) -> None:
    """Wait until the login page is there."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and not ended():
        with contextlib.suppress(requests.RequestException):
            requests.get(f"{url}/auth/login/", timeout=START_SECONDS).raise_for_status()
            return
        time.sleep(0.1)
    raise RuntimeError(f"Horizon did not start:\n{log.read_text()[-4000:]}")


@contextlib.contextmanager
def running_horizon(cloud: EmbeddedCloud, home: Path) -> Iterator[Horizon]:
    """Run Horizon on a cloud, and end it afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command, variables = prepared(cloud, home, port)
    log_file = home / "dashboard.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, cwd=home, env=variables, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_up(url, lambda: process.poll() is not None, log_file)
        yield Horizon(url, home)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
