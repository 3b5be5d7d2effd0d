"""The whole story on a real OpenStack: the customer by HTTP, the operator by commands.

The cloud is real and its work takes seconds; a bill takes days. So the demo moves the product's
clock forward, hour by hour, in between. Everything else is as in production: the API under
gunicorn, the worker, the commands, the services, the bytes, the ledger.
"""

import io
import json
import os
import shlex
import shutil
import signal
import sys
import time
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import requests

from instance_images.commands.main import run
from instance_images.instants import floor_hour, format_instant

from support.clouds.embedded_cloud import CHECKOUT, EmbeddedCloud
from support.processes.moved_clock import VARIABLE, MovedClock
from support.standing_api import down, up

HOME = CHECKOUT / ".dev" / "demo"
REPORTS = HOME / "report"
# The formats of the report, and how their files end; the last two are folders.
FORMATS = {
    "html": ".html",
    "pdf": ".pdf",
    "xlsx": ".xlsx",
    "csv": ".csv",
    "json": ".json",
    "text": ".txt",
    "focus": "-focus",
    "parquet": "-parquet",
}
ACCOUNT = "demo"
# The members of an answer that are shown.
SHOWN = {
    "image": ("id", "name", "status", "size_bytes"),
    "task": ("id", "kind", "state"),
    "estimate": ("size_bytes", "basis", "per_month", "currency"),
}
MB = 10**6


@dataclass(frozen=True, slots=True)
class MovingClock(MovedClock):
    """The clock of all processes, which the demo moves."""

    def move(self, ahead: timedelta, why: str) -> None:
        """Move the clock forward, and say so."""
        self.set_ahead(self.ahead + ahead)
        print(f"\n-- {why}: the demo's clock shows {format_instant(self())}", flush=True)

    def move_to(self, instant: datetime, why: str) -> None:
        """Move the clock forward to an instant."""
        self.move(instant - self(), why)


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer with a token, who sends requests to the API."""

    url: str
    token: str

    def __call__(self, method: str, path: str, body: Any = None) -> requests.Response:
        """Send a request, and show it with what is of interest in the answer."""
        told = "" if body is None else f" {json.dumps(body)}"
        print(f"\n> {method} {path}{told}", flush=True)
        headers = {"X-Auth-Token": self.token}
        answer = requests.request(method, self.url + path, json=body, headers=headers, timeout=60)
        print(f"< {answer.status_code} {abridged(answer)}", flush=True)
        if not answer.ok:
            raise SystemExit(1)
        return answer

    def follow(self, accepted: requests.Response) -> dict[str, Any]:
        """Read the task of an answer until it has ended, as a client does; return it."""
        shown = ""
        while True:
            answer = requests.get(
                accepted.headers["Location"], headers={"X-Auth-Token": self.token}, timeout=60
            )
            task: dict[str, Any] = answer.json()["task"]
            line = f"  {task['kind']} {task['progress']:3} % {task['state']}: {task['stage']}"
            if line != shown:
                print(line, flush=True)
            shown = line
            if "Retry-After" not in answer.headers:
                if task["state"] != "succeeded":
                    raise SystemExit(task["error"])
                return task
            time.sleep(0.5)


def abridged(answer: requests.Response) -> str:
    """Return the members of an answer that the story is about."""
    if "json" not in answer.headers.get("Content-Type", ""):
        return ""
    content = answer.json()
    for noun, members in SHOWN.items():
        for name in (noun, f"{noun}s"):
            if name in content:
                whole = content[name] if isinstance(content[name], list) else [content[name]]
                kept = [{key: one[key] for key in members if key in one} for one in whole]
                content[name] = kept if isinstance(content[name], list) else kept[0]
    return json.dumps(content)


def main() -> int:
    """Tell the story; return the exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    shutil.rmtree(HOME, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    print("-- starting a real OpenStack: Keystone, Glance, Placement, Nova, Cinder", flush=True)
    with EmbeddedCloud.running(HOME / "cloud", services=()) as cloud:
        print(cloud.greeting, end="", flush=True)
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(cloud.clouds_yaml)
        clock = MovingClock(HOME / "ahead")
        clock.set_ahead(timedelta())
        os.environ[VARIABLE] = str(clock.file)
        try:
            tell(cloud, clock)
        finally:
            down(HOME / "api")
    print(
        f"\n-- done in {time.monotonic() - began:.0f} s; the cloud has ended, the ledger and the"
        f" reports stay in {HOME.relative_to(CHECKOUT)}"
    )
    print("-- to click through it in Horizon: ./dev cloud up --with dashboard")
    return 0


def tell(cloud: EmbeddedCloud, clock: MovingClock) -> None:
    """Run the commands of the operator and the requests of the customer."""
    print("\n-- the API and the worker, in the service catalog", flush=True)
    url = up(cloud, HOME / "api", price="0.50", moved_clock=True)
    os.environ["INSTANCE_IMAGES_CONFIG_FILE"] = str(HOME / "api" / "instance-images.conf")
    print(f"   {url}/v1")
    command(clock, "rate list -f table")

    print("\n-- a customer's instance, made with Nova alone", flush=True)
    size = {"minicloud_snapshot_size": str(400 * MB)}
    server = cloud.boot(ACCOUNT, "web-1", metadata=size)
    print(f"   web-1 ({server.id}) is {server.status}")

    print("\n-- the customer's requests, with a token; answers are abridged", flush=True)
    with cloud.connection(ACCOUNT) as connection:
        customer = Customer(url, str(connection.session.get_token()))
    image_id = captured(customer, "production-web-server-v2", server.id)
    body = {"deploy": {"name": "web-2", "flavor": "m1.small", "networks": ["none"]}}
    deployed = customer.follow(customer("POST", f"/v1/images/{image_id}/deploy", body))

    first_hour = floor_hour(clock())
    for hours in (1, 2, 3):
        clock.move_to(first_hour + timedelta(hours=hours, minutes=5), f"hour {hours}")
        command(clock, "meter run")
    clock.move(timedelta(days=2, hours=11), "two and a half days later, cron was not running")
    captured(customer, "staging", deployed["server_ids"][0])
    command(clock, "meter run")
    customer("GET", "/v1/images")
    clock.move(timedelta(days=3, minutes=25), "three days later")
    customer("DELETE", f"/v1/images/{image_id}")
    clock.move(timedelta(hours=3), "three hours later")
    command(clock, "meter run")
    command(clock, "meter status -f table")
    command(clock, "meter verify")
    report(clock, first_hour)


def captured(customer: Customer, name: str, server_id: str) -> str:
    """Capture an instance, follow the task, and return the image's id."""
    body = {"image": {"name": name, "source_instance_id": server_id}}
    accepted = customer("POST", "/v1/images", body)
    customer.follow(accepted)
    return str(accepted.json()["image"]["id"])


def report(clock: MovingClock, first_hour: datetime) -> None:
    """Write the report in every format, and show it."""
    months = sorted({f"{instant:%Y-%m}" for instant in (first_hour, clock())})
    for month in months:
        for form, suffix in FORMATS.items():
            path = REPORTS / f"cloud-usage-{month}{suffix}"
            command(
                clock,
                f"report cloud-usage --account {ACCOUNT} --period {month} -f {form}"
                f" -o {path.relative_to(CHECKOUT)}",
            )
        print()
        print((REPORTS / f"cloud-usage-{month}.txt").read_text())
        for form, suffix in FORMATS.items():
            print(f"-- {form:8} {REPORTS / f'cloud-usage-{month}{suffix}'}")
        print(f"-- open it in a browser: file://{REPORTS / f'cloud-usage-{month}.html'}")


def command(clock: MovingClock, line: str) -> None:
    """Type a command, as a user would, and show what it prints; stop if it fails."""
    print(f"\n$ instance-images {line}", flush=True)
    arguments = shlex.split(line)
    out = io.StringIO()
    with redirect_stdout(out):
        code = run(arguments, clock)
    print(out.getvalue(), end="", flush=True)
    if code != 0:
        raise SystemExit(code)


if __name__ == "__main__":
    os.chdir(CHECKOUT)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
