"""Keeps the API and a worker running beside the embedded cloud: ``./dev cloud up --with api``.

    python -m support.standing_api up STATE HOME      STATE: the cloud's; HOME: the API's directory
    python -m support.standing_api down HOME

The service's entry in the catalog is made by the commands of the installation guide.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import requests

from support.clouds.embedded_cloud import CHECKOUT, PASSWORD, EmbeddedCloud, python
from support.processes.api_server import gunicorn, token_section
from support.processes.command_line import write_config

PORT = 8794
START_SECONDS = 90.0
STOP_SECONDS = 60.0
PRODUCT = str(Path(sys.executable).with_name("instance-images"))
APPLICATION = "instance_images_api.wsgi:application"
TITLES = {"api": "the API", "dashboard": "Horizon", "worker": "the worker"}
MOVED_CLOCK = "support.processes.moved_clock"


def up(cloud: EmbeddedCloud, home: Path, price: str = "0.05", *, moved_clock: bool = False) -> str:
    """Start the API and the worker, enter the API in the catalog; return its URL.

    A new ledger begins with the price. With ``moved_clock`` all of it goes by that of
    ``support.processes.moved_clock``. Whatever stops it half way, nothing is left running.
    """
    down(home)
    home.mkdir(parents=True, exist_ok=True)
    config = write_config(
        home / "instance-images.conf",
        f"sqlite:///{home / 'instance-images.db'}",
        keystone_authtoken=token_section(cloud),
    )
    environment = environment_of(cloud, config)
    product = [sys.executable, "-m", MOVED_CLOCK] if moved_clock else [PRODUCT]
    is_new = not (home / "instance-images.db").exists()
    # Estimates and reports need a price.
    for command in (["db", "upgrade"], ["rate", "set", "RegionOne", price])[: 1 + is_new]:
        subprocess.run([*product, *command], env=environment, check=True, stdout=subprocess.DEVNULL)
    port = free_port()
    application = f"{MOVED_CLOCK}:api()" if moved_clock else APPLICATION
    try:
        start("api", [*gunicorn(port, home)[:-1], application], home, environment)
        start("worker", [*product, "work"], home, environment)
        url = f"http://127.0.0.1:{port}"
        wait_until_up(url, home)
        enter_in_catalog(cloud, url)
    except BaseException:
        down(home)
        raise
    return url


def down(home: Path) -> list[str]:
    """End what was started there, the dashboard too; return the names of what ran."""
    files = sorted(home.glob("*.pid"))
    found = {file.stem: running(file) for file in files}
    ended = [name for name, pid in found.items() if pid is not None]
    for name in ended:
        with suppress(ProcessLookupError):
            os.kill(found[name] or 0, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for name in ended:
        while running(home / f"{name}.pid") is not None:
            if time.monotonic() > deadline:
                with suppress(ProcessLookupError):
                    os.killpg(found[name] or 0, signal.SIGKILL)
            time.sleep(0.05)
        (home / f"{name}.pid").unlink(missing_ok=True)
    return ended


def start(name: str, command: Sequence[str], home: Path, environment: dict[str, str]) -> None:
    """Start a process in a session of its own, and write down which one it is."""
    with (home / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (home / f"{name}.pid").write_text(f"{process.pid} {ticks(process.pid)}")


def running(pid_file: Path) -> int | None:
    """Return the pid of the very process that the file was written for, if it still runs."""
    with suppress(OSError, ValueError):
        pid, began = pid_file.read_text().split()
        if ticks(int(pid)) == began:
            return int(pid)
    return None


def ticks(pid: int) -> str | None:
    """Return when a process started, in the kernel's ticks; None for one that has ended."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    return None


def environment_of(cloud: EmbeddedCloud, config: Path) -> dict[str, str]:
    """Return the environment of the product's processes."""
    return {
        **os.environ,
        "INSTANCE_IMAGES_CONFIG_FILE": str(config),
        "OS_CLIENT_CONFIG_FILE": str(cloud.clouds_yaml),
        "PYTHONPATH": str(CHECKOUT / "tests"),
    }


def free_port(preferred: int = PORT) -> int:
    """Return the port preferred, by default the API's own, or any other one where it is taken."""
    for port in (preferred, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise OSError("there is no free port")


def wait_until_up(url: str, home: Path) -> None:
    """Wait until the API answers."""
    deadline = time.monotonic() + START_SECONDS
    while running(home / "api.pid") is not None and time.monotonic() < deadline:
        with suppress(requests.RequestException):
            requests.get(url, timeout=10)
            return
        time.sleep(0.1)
    last = (home / "api.log").read_text()[-2000:]
    raise RuntimeError(f"the API did not start:\n{last}")


def enter_in_catalog(cloud: EmbeddedCloud, url: str) -> None:
    """Make the service's entry in the catalog, as the installation guide says, or mend its URL."""

    def openstack(*words: str) -> None:
        command = [str(Path(python()[0]).with_name("openstack")), "--os-cloud", "admin", *words]
        environment = {**os.environ, "OS_CLIENT_CONFIG_FILE": str(cloud.clouds_yaml)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")

    name = "instance-images"
    with cloud.connection() as connection:
        services = list(connection.identity.services(type=name))
        found = [
            one for made in services for one in connection.identity.endpoints(service_id=made.id)
        ]
    if not services:
        openstack("service", "create", "--name", name, name)
    if not found:
        openstack("endpoint", "create", "--region", "RegionOne", name, "public", f"{url}/v1")
    elif found[0].url != f"{url}/v1":
        openstack("endpoint", "set", "--url", f"{url}/v1", found[0].id)
    cloud.forget_logins()


def describe(cloud: EmbeddedCloud, url: str, home: Path) -> None:
    """Say where the API is, and how to get a token."""
    print(f"API        {url}/v1")
    for name in ("api", "worker"):
        if (home / f"{name}.pid").exists():
            print(f"  {name + '.log':<11}{home / f'{name}.log'}")
    print(f"a token of the customer demo, whose password is {PASSWORD}:")
    print(f"  export OS_CLIENT_CONFIG_FILE={cloud.clouds_yaml}")
    client = Path(PRODUCT).with_name("openstack")
    print(f"  TOKEN=$({client} --os-cloud demo token issue -f value -c id)")
    print(f'  curl -H "X-Auth-Token: $TOKEN" {url}/v1/images', flush=True)
    print("the operator's commands, in ./dev shell:")
    print(f"  export INSTANCE_IMAGES_CONFIG_FILE={home / 'instance-images.conf'}", flush=True)


def main(arguments: Sequence[str]) -> int:
    """Run ``up`` or ``down``."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if arguments[0] == "up":
        state, home = (Path(word).absolute() for word in arguments[1:])
        print("starting the API and the worker", flush=True)
        cloud = EmbeddedCloud(state)
        describe(cloud, up(cloud, home), home)
        return 0
    home = Path(arguments[1]).absolute()
    for name in down(home):
        print(f"ended {TITLES.get(name, name)}")
    shutil.rmtree(home, ignore_errors=True)
    return 0


if __name__ == "__main__":
    os.chdir(CHECKOUT)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("interrupted: the API and the worker have ended", file=sys.stderr)
        sys.exit(130)
