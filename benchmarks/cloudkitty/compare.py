"""CloudKitty and instance-images side by side: the same images, price and hours, on MariaDB.

Each system works in its own environment and on a database of its own. ``best`` compares the best
of CloudKitty that works here, two workers that store in InfluxDB, with one process of ours, and
counts what the servers of both took. Prints JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from measuring import machine, note, report
from servers import influxdb, server_costs
from world import World, last_complete_hours

from support.servers import database_servers

HERE = Path(__file__).resolve().parent

CLOUDKITTY_PYTHON = HERE.parent.parent / ".dev" / "cloudkitty-venv" / "bin" / "python"
KILLED = 137
STORIES = ("throughput", "best", "crash", "replay", "late_price", "short_life")


class Contender:
    """One of the two systems, with a database and a directory of its own."""

    def __init__(self, python: Path, script: str, world: World, directory: Path) -> None:
        self.command = [str(python), "-W", "ignore", str(HERE / script)]
        self.world = world
        self.directory = directory
        self.engine = sa.create_engine(world.database_url)
        directory.mkdir()
        world.save(directory / "world.json")

    def do(self, action: str, *, expected: int = 0) -> dict[str, Any]:
        """Do one thing in a process; return what it says about it."""
        done = subprocess.run(
            [*self.command, action, str(self.directory)], capture_output=True, text=True
        )
        if done.returncode != expected:
            raise RuntimeError(f"{self.command[-1]} {action}: {done.stderr[-3000:]}")
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1]) if not expected else {}
        return found

    def rate_part(self, number: int) -> dict[str, Any]:
        """Rate as one of the workers; return what it says about it."""
        command = [*self.command, "rate", str(self.directory)]
        environment = {**os.environ, "WORKER": str(number)}
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            raise RuntimeError(f"{self.command[-1]} rate: {done.stderr[-3000:]}")
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    def stored_bytes(self) -> int:
        """Return what the database's tables and indexes take."""
        query = (
            "SELECT sum(data_length + index_length) FROM information_schema.tables"
            " WHERE table_schema = database()"
        )
        with self.engine.connect() as connection:
            names = sa.inspect(connection).get_table_names()
            connection.exec_driver_sql(f"ANALYZE TABLE {', '.join(names)}").all()
            return int(connection.exec_driver_sql(query).scalar_one())


def throughput(contender: Contender) -> dict[str, Any]:
    """Rate and store every hour of every image once; return what it took."""
    contender.do("prepare")
    before = contender.stored_bytes()
    result = contender.do("rate")
    image_hours = contender.world.images * contender.world.hours
    return {
        "image_hours": image_hours,
        "image_hours_per_second": round(image_hours / result["seconds"]),
        "cpu_seconds_per_million_image_hours": round(result["cpu_seconds"] * 1e6 / image_hours, 1),
        **result,
        **contender.do("count"),
        "bytes_written": contender.stored_bytes() - before,
    }


def rated_by_workers(contender: Contender) -> dict[str, Any]:
    """Rate and store every hour once, by as many processes as the world says; return the cost."""
    contender.do("prepare")
    before, began = server_costs(), time.time()
    numbers = range(contender.world.workers)
    with ThreadPoolExecutor(len(numbers)) as pool:
        parts = list(pool.map(contender.rate_part, numbers))
    after = server_costs()
    seconds = max(one.get("ended_at", 0) for one in parts) - min(
        one.get("began_at", began) for one in parts
    )
    if "ended_at" not in parts[0]:
        seconds = parts[0]["seconds"]
    servers = {
        name: round(total - before.cpu_seconds[name], 2)
        for name, total in after.cpu_seconds.items()
    }
    own = sum(one["cpu_seconds"] for one in parts)
    return {
        "seconds": round(seconds, 3),
        "image_hours_per_second": round(contender.world.images * contender.world.hours / seconds),
        "cpu_seconds": round(own, 2),
        "cpu_seconds_of_servers": servers,
        "cpu_seconds_of_all": round(own + sum(servers.values()), 2),
        "peak_memory_mb": sum(one["peak_memory_mb"] for one in parts),
        "peak_memory_mb_of_servers": after.peak_memory_mb,
        **contender.do("count"),
    }


def at_its_best(options: argparse.Namespace, server: sa.URL, directory: Path) -> dict[str, Any]:
    """Compare at each of the sizes, each on databases of its own.

    All images begin in the first hour, which costs us most; every further hour is unchanged.
    """
    found: dict[str, Any] = {}
    first_hour = last_complete_hours(options.hours)
    for images in options.sizes:
        accounts = max(2, images // 100)
        with influxdb(directory / f"influx_{images}") as port:
            world = World(images, accounts, options.hours, first_hour, "")
            theirs, mine = contenders(world, server, directory, f"best_{images}", port)
            both = {"cloudkitty": rated_by_workers(theirs), "ours": rated_by_workers(mine)}
        ratios = {
            f"{name}_ratio": round(both["cloudkitty"][of] / max(both["ours"][of], 0.001), 1)
            for name, of in (("wall", "seconds"), ("cpu", "cpu_seconds_of_all"))
        }
        found[f"{images} images, {accounts} accounts"] = {**both, **ratios}
        note(f"{images} images: {ratios}")
    return found


def after_a_crash(contender: Contender) -> dict[str, Any]:
    """Die when the first hour's charges are written, run again, and count."""
    contender.do("prepare")
    contender.do("crash", expected=KILLED)
    crashed = contender.do("count")
    contender.do("rate")
    return {"after_crash": crashed, "after_rerun": contender.do("count")}


def replayed(contender: Contender) -> dict[str, Any]:
    """Run again, then set the state back by a reset, run again, and count each time."""
    contender.do("prepare")
    contender.do("rate")
    first = contender.do("count")
    contender.do("rate")
    again = contender.do("count")
    reset = contender.do("reset")
    if not reset.get("refused"):
        contender.do("rate")
    return {"first": first, "second_run": again, "reset": reset, "then": contender.do("count")}


def late_price(contender: Contender, *after: str) -> dict[str, Any]:
    """Set another price for hours that have been rated, and count."""
    contender.do("prepare")
    contender.do("rate")
    before = contender.do("count")
    answer = contender.do("late_price")
    contender.do("rate")
    found = {"before": before, "answer": answer, "after_next_run": contender.do("count")}
    for action in after:
        contender.do(action)
        found[f"after_{action}"] = contender.do("count")
    return found


def short_life(contender: Contender, *before: str) -> dict[str, Any]:
    """Rate the hour in which an image lived for twenty minutes."""
    contender.do("prepare")
    for action in before:
        contender.do(action)
    contender.do("rate")
    return contender.do("count")


def contenders(
    world: World, server: sa.URL, directory: Path, name: str, influx_port: int | None = None
) -> list[Contender]:
    """Return CloudKitty and the product, each in the world with an empty database.

    With a port of InfluxDB, CloudKitty stores there, and has two workers.
    """
    made = []
    for kind, python, script in (
        ("ck", CLOUDKITTY_PYTHON, "with_cloudkitty.py"),
        ("ii", Path(sys.executable), "with_instance_images.py"),
    ):
        engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {kind}_{name}")
        url = server.set(database=f"{kind}_{name}").render_as_string(hide_password=False)
        home = directory / f"{kind}_{name}"
        own = replace(world, database_url=url)
        if kind == "ck" and influx_port is not None:
            own = replace(own, influx_port=influx_port, workers=2)
        made.append(Contender(python, script, own, home))
    return made


def compare(options: argparse.Namespace, server: sa.URL, directory: Path) -> dict[str, Any]:
    """Tell every story with both systems."""
    first_hour = last_complete_hours(options.hours)
    world = World(options.images, options.accounts, options.hours, first_hour, "")
    small = World(20, 2, 2, last_complete_hours(2), "")
    one = World(1, 1, 1, last_complete_hours(1), "")
    stories: dict[str, Any] = {}

    def tell(name: str, of: World, cloudkitty: Any, ours: Any) -> None:
        if options.only and name not in options.only:
            return
        note(name)
        theirs, mine = contenders(of, server, directory, name)
        stories[name] = {"cloudkitty": cloudkitty(theirs), "instance_images": ours(mine)}

    if not options.only or "best" in options.only:
        stories["best"] = at_its_best(options, server, directory)
    tell("throughput", world, throughput, throughput)
    tell("crash", small, after_a_crash, after_a_crash)
    tell("replay", small, replayed, replayed)
    tell("late_price", small, lambda c: late_price(c, "reprocess"), late_price)
    tell("short_life", one, short_life, lambda c: short_life(c, "short_life"))
    return stories


def cloudkitty_versions() -> dict[str, str]:
    """Return what the other environment has installed."""
    code = (
        "from importlib.metadata import version as v; import json;"
        "print(json.dumps({n: v(n) for n in ('cloudkitty', 'SQLAlchemy', 'oslo.db', 'PyMySQL')}))"
    )
    done = subprocess.run([CLOUDKITTY_PYTHON, "-c", code], check=True, stdout=subprocess.PIPE)
    versions: dict[str, str] = json.loads(done.stdout)
    return versions


def main() -> None:
    """Compare, and print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5_000)
    parser.add_argument("--accounts", type=int, default=50)
    parser.add_argument("--hours", type=int, default=2)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000], help="of best")
    parser.add_argument("--only", nargs="*", choices=STORIES, help="only these stories")
    parser.add_argument("--quick", action="store_true", help="a few of everything: does it run?")
    parser.add_argument("--keep", action="store_true", help="write results/cloudkitty.json")
    options = parser.parse_args()
    if options.quick:
        options.images, options.accounts, options.hours, options.sizes = 50, 5, 2, [50]
    with (
        tempfile.TemporaryDirectory() as directory,
        database_servers.mariadb(Path(directory)) as server,
    ):
        result = {
            **machine("instance-images", "SQLAlchemy", "PyMySQL"),
            "cloudkitty_environment": cloudkitty_versions(),
            "images": options.images,
            "accounts": options.accounts,
            "hours": options.hours,
            **compare(options, server, Path(directory)),
        }
    report("cloudkitty", result, keep=options.keep)


if __name__ == "__main__":
    main()
