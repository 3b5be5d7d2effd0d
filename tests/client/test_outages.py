"""The commands while the service is missing, down, slow or older, and when they are interrupted."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from functools import partial
from pathlib import Path

import pytest

from support.processes.openstack_client import OpenStackClient
from support.servers.relay import Answer, Relay, late, status
from support.worlds.shop_world import Shop

pytestmark = pytest.mark.cloud


def test_cloud_without_the_service_says_so_and_other_commands_work(
    shop: Shop, tmp_path: Path
) -> None:
    without = shop.customer.with_settings(tmp_path, instance_images_service_type="elsewhere")

    for words in ("list", "show golden", "delete golden", "task list"):
        told = without.refused(
            "has no service 'instance-images' in region RegionOne", *words.split()
        )
        assert len(told.err.splitlines()) == 1
    assert "web-1" in without("server", "list", "-f", "value").out


def test_service_that_is_down_is_one_sentence(shop: Shop, tmp_path: Path) -> None:
    down = shop.customer.with_settings(
        tmp_path, instance_images_endpoint_override="http://127.0.0.1:9/v1"
    )

    for words in ("list", "limit show"):
        told = down.refused("No answer: Unable to establish connection", *words.split())
        assert len(told.err.splitlines()) == 1


def test_slow_and_broken_services_are_one_sentence(
    shop: Shop, relay: Relay, customer_beyond_relay: OpenStackClient, tmp_path: Path
) -> None:
    hasty = customer_beyond_relay.with_settings(tmp_path, api_timeout=1.5)

    relay.next("GET /v1/images", late(2.5))
    assert len(hasty.refused("No answer: ", "list").err.splitlines()) == 1
    relay.next("GET /v1/images", status(503))
    assert "<html>" not in customer_beyond_relay.refused("nobody is here", "list").err


def test_service_of_an_older_minor_version_is_used_as_far_as_it_goes(
    relay: Relay, customer_beyond_relay: OpenStackClient
) -> None:
    def without_newer_members(answer: Answer) -> None:
        document = json.loads(answer.content)
        for name in ("consistency", "virtual_size_bytes", "origin"):
            del document["images"][0][name]
        document["images"][0]["colour"] = "a member of a newer version"
        answer.content = json.dumps(document).encode()

    def unknown_path(answer: Answer) -> None:
        error = {"code": 404, "title": "Not Found", "reason": "not_found"}
        error["message"] = "There is no such path."
        answer.status, answer.content = 404, json.dumps({"error": error}).encode()

    relay.next("GET /v1/images?name=golden", without_newer_members)
    assert customer_beyond_relay.json("show", "golden")["consistency"] is None
    relay.next("GET /v1/estimates", unknown_path)
    customer_beyond_relay.refused("offers no estimates yet", "estimate", "web-1")


def test_terminal_of_60_columns_shows_progress_and_ctrl_c_leaves_the_task(shop: Shop) -> None:
    metadata = {"minicloud_snapshot_delay": "2"}
    shop.office.cloud.boot(shop.project, "slow-1", metadata=metadata)
    words = ("custom", "image", "create", "slow-1", "--name", "interrupted", "--wait")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OS_")},
        "OS_CLIENT_CONFIG_FILE": str(shop.customer.clouds_yaml),
        "OS_CLOUD": shop.customer.cloud,
        "TERM": "xterm",
    }
    environment.pop("COLUMNS", None)
    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "openstackclient.shell", *words],
        stdin=terminal, stdout=terminal, stderr=terminal, env=environment,
        preexec_fn=partial(_take_terminal, terminal),
    )  # fmt: skip
    os.close(terminal)

    shown = _read(main, until="% running")
    os.write(main, b"\x03")
    shown += _read(main)

    assert process.wait(20) == 130, shown
    os.close(main)
    (task_id,) = re.findall(r"task show\s+([0-9a-f-]{36})", shown)
    assert "Stopped waiting. The task continues" in shown
    assert "Traceback" not in shown
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[K|\^C", "", shown))
    assert any(re.match(r"create \[#* *\] +\d+ % running: ", line) for line in lines)
    assert max(len(line) for line in lines if line.startswith("create")) < 60
    shop.proxy().wait_for_task(task_id, interval=0.2)
    shop.customer.ok("delete", "interrupted")


def _take_terminal(terminal: int) -> None:
    """Make it the terminal of this process, and heed Ctrl-C: a run in the background ignores it."""
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _read(terminal: int, until: str | None = None, seconds: float = 40.0) -> str:
    """Return what is shown until the text, or until the program has ended."""
    shown, deadline = "", time.monotonic() + seconds
    while time.monotonic() < deadline and (until is None or until not in shown):
        if not select.select([terminal], [], [], 0.5)[0]:
            continue
        try:
            got = os.read(terminal, 4096)
        except OSError:  # nobody has it open any more
            break
        shown += got.decode()
    return shown
