"""Keeps Horizon running beside the embedded cloud and the API: ``./dev cloud up --with dashboard``.

    python -m support.standing_dashboard STATE HOME    STATE: the cloud's; HOME: that of the API

``support.standing_api down`` ends it with the rest.
"""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support.clouds.embedded_cloud import CHECKOUT, PASSWORD, EmbeddedCloud
from support.processes import dashboard_server
from support.standing_api import down, free_port, running, start

PORT = 8080
CUSTOMER = "demo"
READER = "reader"


def up(cloud: EmbeddedCloud, home: Path) -> str:
    """Start Horizon; return its URL. Whatever stops it half way, nothing is left running."""
    port = free_port(PORT)
    command, environment = dashboard_server.prepared(cloud, home, port)
    add_reader(cloud)
    url = f"http://127.0.0.1:{port}"
    try:
        start("dashboard", command, home, environment)
        dashboard_server.wait_until_up(
            url, lambda: running(home / "dashboard.pid") is None, home / "dashboard.log"
        )
    except BaseException:
        down(home)
        raise
    return url


def add_reader(cloud: EmbeddedCloud) -> None:
    """Create a user who may look at the customer's project and change nothing."""
    with cloud.connection() as connection:
        identity: Any = connection.identity
        if identity.find_user(READER) is not None:
            return
        project = identity.find_project(CUSTOMER, ignore_missing=False)
        user = identity.create_user(
            name=READER, password=PASSWORD, domain_id="default", default_project_id=project.id
        )
        role = identity.find_role("reader", ignore_missing=False)
        identity.assign_project_role_to_user(project, user, role)


def describe(url: str, home: Path) -> None:
    """Say where Horizon is, and who may log in."""
    print(f"Horizon    {url}")
    print(f"  log      {home / 'dashboard.log'}")
    print(f"log in there as one of these users; the password is {PASSWORD}:")
    print(f"  {CUSTOMER:<8} a customer: a member of the project {CUSTOMER}")
    print(f"  {READER:<8} may look at the project {CUSTOMER} and change nothing")
    print("  admin    the operator", flush=True)


def main(arguments: Sequence[str]) -> int:
    """Start Horizon, and say so."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    state, home = (Path(word).absolute() for word in arguments)
    print("starting Horizon", flush=True)
    describe(up(EmbeddedCloud(state), home), home)
    return 0


if __name__ == "__main__":
    os.chdir(CHECKOUT)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("interrupted: Horizon has ended", file=sys.stderr)
        sys.exit(130)
