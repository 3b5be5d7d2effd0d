"""What a report of one account costs: a month of 744 hours, with 1,000 images.

Whole processes, interpreter and imports included: ``instance-images report cloud-usage`` in each
format, in an order that turns, on a ledger in SQLite that the meter made.
"""

import argparse
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from close_hour_job import ListedCloud
from ledger_filling import BILLING, FIRST_HOUR, LOCATION, fill
from measuring import interleaved, machine, median, note, report, spread

from instance_images.db.engine import Database
from instance_images.db.schema import upgrade
from instance_images.locations.site import Site
from instance_images_billing.hours.close import meter

from support.processes.command_line import SetClock

PRODUCT = str(Path(sys.executable).with_name("instance-images"))
MONTH = timedelta(days=31)
REPORTS = {
    "html": ("-f", "html"),
    "html_de": ("-f", "html", "--locale", "de_DE"),
    "text": ("-f", "text"),
    "json": ("-f", "json"),
    "csv": ("-f", "csv"),
    "pdf": ("-f", "pdf"),
}


def metered_month(directory: Path, images: int) -> Path:
    """Make a ledger of October 2026, metered to its end; return its configuration file."""
    url = f"sqlite:///{directory / 'ledger.db'}"
    database = Database(url)
    upgrade(database)
    fill(database, images, 1)
    clock = SetClock(FIRST_HOUR + MONTH)
    site = Site(
        location=LOCATION,
        provider=ListedCloud(clock, images, 1),
        database=database,
        clock=clock,
        default_max_images=images,
    )
    note(f"metering a month of {images} images")
    meter(site, BILLING, FIRST_HOUR + MONTH)
    database.engine.dispose()
    config_file = directory / "instance-images.conf"
    config_file.write_text(
        f"[DEFAULT]\nlocations = RegionOne\n[database]\nconnection = {url}\n"
        "[location:RegionOne]\ncloud = none\n"
    )
    return config_file


def measure(config_file: Path, rounds: int) -> dict[str, Any]:
    """Write each report so many times; return seconds and the size of what was written."""
    command = [PRODUCT, "--config-file", str(config_file), "report", "cloud-usage"]
    commands = {
        name: [*command, "--period", f"{FIRST_HOUR:%Y-%m}", *options]
        for name, options in REPORTS.items()
    }
    note(f"{rounds} rounds of {', '.join(commands)}")
    costs = interleaved(commands, rounds)
    return {
        name: {
            "seconds": median([cost.wall_seconds for cost in costs[name]]),
            "seconds_quartiles": spread([cost.wall_seconds for cost in costs[name]]),
            "cpu_seconds": median([cost.cpu_seconds for cost in costs[name]]),
            "bytes": len(subprocess.run(commands[name], check=True, capture_output=True).stdout),
        }
        for name in commands
    }


def main() -> None:
    """Measure, and print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000, help="images of the account")
    parser.add_argument("--rounds", type=int, default=10, help="reports of each format")
    parser.add_argument("--quick", action="store_true", help="a few of everything: does it run?")
    parser.add_argument("--keep", action="store_true", help="write results/report_one_account.json")
    options = parser.parse_args()
    if options.quick:
        options.images, options.rounds = 10, 1
    with tempfile.TemporaryDirectory() as directory:
        config_file = metered_month(Path(directory), options.images)
        result = {
            **machine("instance-images", "Jinja2", "Babel", "rich", "SQLAlchemy", "typst"),
            "images": options.images,
            "rounds": options.rounds,
            "reports": measure(config_file, options.rounds),
        }
    report("report_one_account", result, keep=options.keep)


if __name__ == "__main__":
    main()
