"""The whole story on a real OpenStack on this machine, told by the commands that tell it.

The cloud is real and its work takes seconds; a bill takes days. So the demo moves the product's
clock forward, hour by hour, between the commands. Everything else is as in production: the
commands, the services, the bytes, the ledger.
"""

import io
import os
import shlex
import shutil
import signal
import sys
import time
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime, timedelta

from instance_images.commands.main import run
from instance_images.instants import floor_hour, format_instant, system_clock

from support.clouds.embedded_cloud import CHECKOUT, EmbeddedCloud
from support.processes.command_line import write_config

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
MB = 10**6


@dataclass(slots=True)
class MovingClock:
    """The system's clock, moved forward by as much as the demo says."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        """Return the moved instant."""
        return system_clock() + self.ahead

    def move(self, ahead: timedelta, why: str) -> None:
        """Move the clock forward, and say so."""
        self.ahead += ahead
        print(f"\n-- {why}: the demo's clock shows {format_instant(self())}", flush=True)

    def move_to(self, instant: datetime, why: str) -> None:
        """Move the clock forward to an instant."""
        self.move(instant - self(), why)


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
        tell(cloud, MovingClock())
    print(
        f"\n-- done in {time.monotonic() - began:.0f} s; the cloud has ended, the ledger and the"
        f" reports stay in {HOME.relative_to(CHECKOUT)}"
    )
    return 0


def tell(cloud: EmbeddedCloud, clock: MovingClock) -> None:
    """Run the commands of the story."""
    config = write_config(HOME / "instance-images.conf", f"sqlite:///{HOME / 'instance-images.db'}")
    os.environ["INSTANCE_IMAGES_CONFIG_FILE"] = str(config)
    command(clock, "db upgrade")
    command(clock, "rate set RegionOne 0.50")

    print("\n-- a customer's instance, made with Nova alone", flush=True)
    size = {"minicloud_snapshot_size": str(400 * MB)}
    server = cloud.boot(ACCOUNT, "web-1", metadata=size)
    print(f"   web-1 ({server.id}) is {server.status}")

    command(
        clock,
        f"image create web-1 --name production-web-server-v2 --account {ACCOUNT} --wait -f table",
    )
    command(
        clock,
        "image deploy production-web-server-v2 --name web-2 --flavor m1.small"
        f" --network none --account {ACCOUNT} --wait -f table",
    )

    first_hour = floor_hour(clock())
    for hours in (1, 2, 3):
        clock.move_to(first_hour + timedelta(hours=hours, minutes=5), f"hour {hours}")
        command(clock, "meter run")
    clock.move(timedelta(days=2, hours=11), "two and a half days later, cron was not running")
    command(clock, f"image create web-2 --name staging --account {ACCOUNT} --wait -f table")
    command(clock, "meter run")
    command(clock, f"image list --account {ACCOUNT} -f table")
    clock.move(timedelta(days=3, minutes=25), "three days later")
    command(clock, f"image delete production-web-server-v2 --account {ACCOUNT} --yes")
    clock.move(timedelta(hours=3), "three hours later")
    command(clock, "meter run")
    command(clock, "meter status -f table")
    command(clock, "meter verify")
    report(clock, first_hour)


def report(clock: MovingClock, first_hour: datetime) -> None:
    """Write the report in every format, and show it."""
    months = sorted({f"{instant:%Y-%m}" for instant in (first_hour, clock())})
    for month in months:
        for form, suffix in FORMATS.items():
            path = REPORTS / f"cloud-usage-{month}{suffix}"
            try:
                command(
                    clock,
                    f"report cloud-usage --account {ACCOUNT} --period {month} -f {form}"
                    f" -o {path.relative_to(CHECKOUT)}",
                )
            except SystemExit:
                if form != "pdf":
                    raise
                print("-- PDF needs what Debian packages alone can give; the demo goes on")
        print()
        print((REPORTS / f"cloud-usage-{month}.txt").read_text())
        for form, suffix in FORMATS.items():
            path = REPORTS / f"cloud-usage-{month}{suffix}"
            if path.exists():
                print(f"-- {form:8} {path}")
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
