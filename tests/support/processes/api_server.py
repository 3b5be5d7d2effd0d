"""The API as the tests run it: two processes of a server, real keystonemiddleware, a catalog."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import yaml

from support.clouds.embedded_cloud import CHECKOUT, EmbeddedCloud

_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
APACHE_MODULES = Path("/usr/lib/apache2/modules")


@dataclass
class ApiServer:
    """A running API; requests carry no token unless one is given."""

    url: str
    log_file: Path
    pid: int
    http: requests.Session = field(default_factory=requests.Session)

    def __call__(
        self,
        method: str,
        path: str,
        token: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> requests.Response:
        """Send a request; redirects are not followed, because there are none."""
        sent = {**({"X-Auth-Token": token} if token else {}), **(headers or {})}
        return self.http.request(
            method, f"{self.url}{path}", headers=sent, allow_redirects=False, timeout=60, **more
        )

    def kill(self) -> None:
        """End all of its processes as ``kill -9`` does."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        for pid in [self.pid, *map(int, children)]:
            os.kill(pid, signal.SIGKILL)

    @property
    def log(self) -> str:
        """What the processes have logged."""
        return self.log_file.read_text()


def gunicorn(port: int, _directory: Path) -> list[str]:
    """Return the command that serves with two processes of gunicorn."""
    command = [sys.executable, "-m", "gunicorn", "--workers", "2", "--worker-class", "gthread"]
    command += ["--threads", "8", "--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
    return [*command, "instance_images_api.wsgi:application"]


def uwsgi(port: int, directory: Path) -> list[str]:
    """Return the command that serves with uWSGI as the sample in etc/ says, with two processes."""
    text = (CHECKOUT / "etc" / "uwsgi" / "instance-images-api.ini").read_text()
    for line, ours in (
        ("http-socket = :8794", f"http-socket = 127.0.0.1:{port}"),
        ("virtualenv = /opt/instance-images", f"virtualenv = {sys.prefix}"),
        ("env = OS_CLIENT_CONFIG_FILE=/etc/instance-images/clouds.yaml\n", ""),
    ):
        assert line in text, f"the sample has no line {line!r}"
        text = text.replace(line, ours)
    ini = directory / "instance-images-api.ini"
    ini.write_text(text)
    return [str(Path(sys.executable).with_name("uwsgi")), "--ini", str(ini)]


def apache(port: int, directory: Path) -> list[str]:
    """Return the command that serves with Apache's mod_wsgi as the sample in etc/ says.

    Apache refuses to run as root: it runs as nobody then, who may read and write the tests' files.
    """
    for sample in (CHECKOUT / "etc" / "apache").iterdir():
        text = sample.read_text()
        for line, ours in (
            ("Listen 8794", f"Listen 127.0.0.1:{port}"),
            ("*:8794", f"*:{port}"),
            (" user=instance-images group=instance-images", ""),
            # Debian's Python with the packages of the tests': an environment of it is not needed.
            ("python-home=/opt/instance-images", f"python-path={sysconfig.get_path('purelib')}"),
            ("/etc/instance-images", str(directory)),
            ("/var/log/instance-images", str(directory)),
        ):
            text = text.replace(line, ours)
        (directory / sample.name).write_text(text)
    main = directory / "apache.conf"
    modules = ["mpm_event", "authz_core", "alias", "wsgi"]
    loaded = [f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so" for name in modules]
    main.write_text(
        "\n".join(
            [
                f"ServerRoot {directory}",
                "ServerName localhost",
                "PidFile apache.pid",
                "ErrorLog main.log",
                "DefaultRuntimeDir .",
                "WSGISocketPrefix wsgi",
                *loaded,
                "Include instance-images-api.conf",
            ]
        )
    )
    command = ["apache2", "-f", str(main), "-D", "FOREGROUND"]
    if os.geteuid() != 0:
        return command
    directory.chmod(0o777)
    caps = "+dac_override,+dac_read_search"
    lowered = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    return [*lowered, f"--inh-caps={caps}", f"--ambient-caps={caps}", *command]


def fault_of_apache() -> str | None:
    """Return why Apache cannot load the packages of the tests: its Python is another one."""
    name = f"libpython{sys.version_info.major}.{sys.version_info.minor}.so"
    module = APACHE_MODULES / "mod_wsgi.so"
    is_ours = name.encode() in module.read_bytes()
    return None if is_ours else f"Debian's mod_wsgi is not made for {name}"


@contextlib.contextmanager
def running_api(
    config_file: Path,
    directory: Path,
    cloud: EmbeddedCloud,
    server: Callable[[int, Path], list[str]] = gunicorn,
) -> Iterator[ApiServer]:
    """Run the API with that configuration, and end it afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log_file = directory / "api.log"
    roots = [str(CHECKOUT / root) for root in ("plugin", "billing_job", "reports", "api")]
    environment = {
        **os.environ,
        "PATH": f"{os.environ['PATH']}:/usr/sbin",
        "INSTANCE_IMAGES_CONFIG_FILE": str(config_file),
        "OS_CLIENT_CONFIG_FILE": str(cloud.clouds_yaml),
        "PYTHONPATH": os.pathsep.join(roots),
    }
    command = server(port, directory)
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=directory)
    try:
        made = ApiServer(f"http://127.0.0.1:{port}", log_file, process.pid)
        _wait_until_up(made, process)
        yield made
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_up(server: ApiServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(requests.RequestException):
            server("GET", "/")
            return
        time.sleep(0.1)
    raise RuntimeError(f"the API did not start:\n{server.log}")


def token_section(cloud: EmbeddedCloud) -> str:
    """Return what [keystone_authtoken] needs to check tokens of the cloud."""
    auth = yaml.safe_load(cloud.clouds_yaml.read_text())["clouds"]["admin"]["auth"]
    options = {
        "www_authenticate_uri": auth["auth_url"],
        "auth_type": "password",
        "service_type": "instance-images",
        "interface": "public",
        "service_token_roles_required": "true",
        **{name: auth[name] for name in auth},
    }
    return "\n".join(f"{name} = {value}" for name, value in options.items())


def enter_in_catalog(cloud: EmbeddedCloud, url: str) -> None:
    """Make the service's entry in the catalog, as the installation guide does."""
    with cloud.connection() as connection:
        identity: Any = connection.identity
        service = identity.create_service(name="instance-images", type="instance-images")
        identity.create_endpoint(
            service_id=service.id, interface="public", url=f"{url}/v1", region_id="RegionOne"
        )
    cloud.forget_logins()
