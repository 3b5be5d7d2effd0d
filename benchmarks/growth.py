"""How the cost of reports grows with images, accounts and adjustments, and that of the meter with
the hours that it catches up with; on SQLite.

Each axis changes one number and keeps the others. A path is a command, a process of its own; its
CPU seconds, those of its workers included, less those of the smallest ledger of all are fitted by a
power of the number: an exponent of 1 is linear. With ``--charts`` there is a chart for each axis.
"""

import argparse
import math
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from close_hour import empty_ledger, job
from ledger_filling import FIRST_HOUR, fill, repeat_hour
from measuring import machine, note, report
from report_all_accounts import measured

from instance_images.db.engine import Database

EVERY = ("report", "cloud-usage", "--all-accounts", "--period", "2026-10")
# What is measured: a name, and the words of a command; FOLDER stands for a new one.
PATHS: Mapping[str, Sequence[str]] = {
    "summary": (*EVERY, "-f", "json"),
    "json": (*EVERY, "-f", "json", "-o", "FOLDER"),
    "csv": (*EVERY, "-f", "csv", "-o", "FOLDER"),
    "reconcile": ("report", "reconcile", "--period", "2026-10"),
}
BASE = {"images": 10_000, "accounts": 100, "adjustments": 0}
AXES = {
    "images": (10_000, 30_000, 100_000),
    "accounts": (10, 100, 1_000, 10_000),
    "adjustments": (0, 1_000, 10_000, 100_000),
    "hours": (1, 24, 168, 744),
}
QUICK = {"images": (100, 200), "accounts": (2, 10), "adjustments": (0, 100), "hours": (1, 4)}
WIDE = {**AXES, "images": (10_000, 100_000, 1_000_000), "accounts": (10, 1_000, 100_000)}
WIDE_BASE = {**BASE, "images": 100_000}  # or most of 10^5 accounts would have no image
HOURS = 24  # of the month that have been metered


def filled(database: Database, images: int, accounts: int, adjustments: int) -> None:
    """Fill a ledger: a day of the month is closed, and adjustments are counted in its last hour."""
    fill(database, images, accounts)
    job(database, 2, images, "--without-reading")
    repeat_hour(database, FIRST_HOUR + timedelta(hours=1), HOURS - 2)
    first = int(FIRST_HOUR.timestamp())
    last = first + (HOURS - 1) * 3600
    with database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE watermarks SET hour = {first + HOURS * 3600}")
        connection.exec_driver_sql(
            "INSERT INTO adjustments (account_key, image_id, corrects_at, counted_at, kind,"
            " byte_seconds, amount_nanos, reason, author, posted_at)"
            " WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s"
            f" WHERE n < {adjustments})"
            f" SELECT 1 + n % {accounts}, printf('%08d', n) || '-0000-4000-8000-000000000000',"
            f" {first} + 3600 * (n % {HOURS - 1}), {last}, 'late', '1000000000000', '7',"
            f" 'deleted earlier', '', {last} FROM s WHERE {adjustments} > 0"
        )


def costs(images: int, accounts: int, adjustments: int, home: Path) -> dict[str, dict[str, Any]]:
    """Return what each path costs on a ledger of these sizes."""
    note(f"{images} images, {accounts} accounts, {adjustments} adjustments")
    with (
        tempfile.TemporaryDirectory(dir=home) as directory,
        empty_ledger("sqlite", Path(directory)) as database,
    ):
        filled(database, images, accounts, adjustments)
        config = Path(directory) / "instance-images.conf"
        config.write_text(
            f"[DEFAULT]\nlocations = RegionOne\n[database]\nconnection = {database.url}\n"
            "[location:RegionOne]\ncloud = none\n"
        )
        found = {}
        for name, words in PATHS.items():
            folder = Path(directory) / name
            named = [str(folder) if word == "FOLDER" else word for word in words]
            found[name] = measured(config, *named)
            shutil.rmtree(folder, ignore_errors=True)
        return found


def costs_of_hours(hours: int, images: int, accounts: int, home: Path) -> dict[str, dict[str, Any]]:
    """Return what one run of the meter costs that catches up with so many missed hours."""
    note(f"{hours} missed hours of {images} images, {accounts} accounts")
    with (
        tempfile.TemporaryDirectory(dir=home) as directory,
        empty_ledger("sqlite", Path(directory)) as database,
    ):
        fill(database, images, accounts)
        return {"meter": job(database, hours, images)}


def exponent(points: Sequence[tuple[float, float]]) -> float | None:
    """Return the slope of the line through the logarithms; None where nothing grows."""
    logs = [(math.log(x), math.log(y)) for x, y in points if x > 0 and y > 0]
    if len(logs) < 2:
        return None
    mean_x = sum(x for x, _ in logs) / len(logs)
    mean_y = sum(y for _, y in logs) / len(logs)
    spread = sum((x - mean_x) ** 2 for x, _ in logs)
    return round(sum((x - mean_x) * (y - mean_y) for x, y in logs) / spread, 2)


def grown(axis: str, numbers: Sequence[int], base: Mapping[str, int], home: Path) -> dict[str, Any]:
    """Measure an axis; return the costs by path and number, and the exponents.

    What a start costs alone is taken off: the CPU seconds of the cheapest point, but for a tenth.
    """
    if axis == "hours":
        sizes = {"images": base["images"], "accounts": base["accounts"]}
        found = {number: costs_of_hours(number, **sizes, home=home) for number in numbers}
    else:
        found = {number: costs(**{**base, axis: number}, home=home) for number in numbers}
    result: dict[str, Any] = {}
    for path in found[numbers[0]]:
        seconds = {number: each[path]["cpu_seconds"] for number, each in found.items()}
        start = 0.9 * min(seconds.values())
        points = [(number, cost - start) for number, cost in seconds.items()]
        result[path] = {
            "cpu_seconds": seconds,
            "seconds": {number: each[path]["seconds"] for number, each in found.items()},
            "peak_memory_mb": {
                number: each[path]["peak_memory_mb"] for number, each in found.items()
            },
            "exponent": exponent(points[-2:]),
        }
    return result


def chart(axis: str, result: Mapping[str, Any]) -> str:
    """Return an SVG of the CPU seconds by path, both axes logarithmic, a tick per power of ten."""
    series = {
        path: [(int(x), y) for x, y in one["cpu_seconds"].items() if int(x) > 0 and y > 0]
        for path, one in result.items()
    }
    xs, ys = zip(*(point for points in series.values() for point in points), strict=True)
    left, right = math.floor(math.log10(min(xs))), math.ceil(math.log10(max(xs)))
    low, high = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - left) / max(right - left, 1)
        up = (math.log10(y) - low) / max(high - low, 1)
        return round(60 + 420 * across, 1), round(300 - 260 * up, 1)

    names: list[str] = []
    parts = [f'<text x="60" y="20">CPU seconds by {axis}</text>']
    for power in range(left, right + 1):
        x, _ = place(10**power, 10**low)
        parts.append(f'<text x="{x}" y="320" text-anchor="middle">{10**power:,}</text>')
    for power in range(low, high + 1):
        _, y = place(10**left, 10.0**power)
        parts.append(f'<path d="M60 {y}H480" stroke="#ccc"/>')
        parts.append(f'<text x="54" y="{y + 4}" text-anchor="end">{10.0**power:g}</text>')
    for colour, (path, points) in zip(
        ("#06c", "#c30", "#383", "#939"), series.items(), strict=False
    ):
        places = [place(x, y) for x, y in points]
        line = " ".join(f"{x},{y}" for x, y in places)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        left_edge = 240 + 65 * len(names)
        names.append(f'<text x="{left_edge}" y="20" fill="{colour}">{path}</text>')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 520 330" font-family="sans-serif"'
        f' font-size="12">{"".join(parts + names)}</svg>\n'
    )


def main() -> None:
    """Measure, and print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--axes", nargs="+", choices=AXES, default=list(AXES))
    parser.add_argument("--wide", action="store_true", help="to 10^6 images and 10^5 accounts")
    parser.add_argument("--charts", type=Path, help="an existing folder for an SVG of each axis")
    parser.add_argument("--quick", action="store_true", help="a few of everything: does it run?")
    parser.add_argument("--directory", type=Path, help="where databases and folders are made")
    parser.add_argument("--keep", action="store_true", help="write results/growth*.json")
    options = parser.parse_args()
    numbers = QUICK if options.quick else WIDE if options.wide else AXES
    base = WIDE_BASE if options.wide else BASE
    if options.quick:
        base = {"images": 100, "accounts": 2, "adjustments": 0}
    with tempfile.TemporaryDirectory(dir=options.directory) as home:
        found = {axis: grown(axis, numbers[axis], base, Path(home)) for axis in options.axes}
    for axis, result in found.items():
        if options.charts:
            (options.charts / f"growth-{axis}.svg").write_text(chart(axis, result))
    name = "growth_wide" if options.wide else "growth"
    report(name, {**machine("instance-images", "SQLAlchemy"), **found}, keep=options.keep)


if __name__ == "__main__":
    main()
