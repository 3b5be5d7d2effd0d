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
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hours import Took, kinds_of_hours, ratios_of, shown
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

    @contextmanager
    def rating(self) -> Iterator[list[subprocess.Popen[str]]]:
        """Have each worker rate in a process of its own; yield those."""
        command = [*self.command, "rate", str(self.directory)]
        with (self.directory / "log").open("w") as log, ExitStack() as started:
            processes = [
                started.enter_context(
                    subprocess.Popen(
                        command,
                        stdout=subprocess.PIPE,
                        stderr=log,
                        text=True,
                        env={**os.environ, "WORKER": str(number)},
                    )
                )
                for number in range(self.world.workers)
            ]
            try:
                yield processes
            except EOFError:
                said = [one.read_text()[-3000:] for one in self.directory.glob("*log")]
                raise RuntimeError(f"{self.command[-1]} rate: {said}") from None

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


def line_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Return the next line of JSON that the process prints; raise EOFError where it has ended."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise EOFError
    found: dict[str, Any] = json.loads(line)
    return found


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
    """Rate and store every hour once, by as many processes as the world says; return the cost.

    Prints each hour as soon as all of them have rated it.
    """
    contender.do("prepare")
    hours: list[Took] = []
    with contender.rating() as processes:
        before, spent, ended_at = server_costs(), 0.0, 0.0
        for number in range(contender.world.hours):
            lines = [line_of(process) for process in processes]
            began_at = ended_at or min(line["began_at"] for line in lines)
            ended_at = max(line["ended_at"] for line in lines)
            total = sum(line["cpu_seconds"] for line in lines) + server_costs().since(before)
            hours.append(Took(ended_at - began_at, total - spent))
            spent = total
            note(f"{contender.directory.name}: hour {number + 1} {hours[-1].rounded()}")
        last = [line_of(process) for process in processes]
    after = server_costs()
    return {
        "all_hours": Took(sum(one.seconds for one in hours), after.since(before) + _own(last)),
        **kinds_of_hours(hours),
        "hours": [round(one.seconds, 3) for one in hours],
        "cpu_seconds_of_processes": _own(last),
        "peak_memory_mb": round(sum(one["peak_memory_mb"] for one in last), 1),
        "peak_memory_mb_of_servers": after.peak_memory_mb,
        **contender.do("count"),
    }


def _own(last: list[dict[str, Any]]) -> float:
    return round(sum(one["cpu_seconds"] for one in last), 3)


def at_its_best(options: argparse.Namespace, server: sa.URL, directory: Path) -> dict[str, Any]:
    """Compare at each of the sizes, each on databases of its own.

    All images begin in the first hour, which costs us most; every further hour is unchanged. Ours
    then runs once more, an hour later: a run of its own reads the cloud for the one hour.
    """
    found: dict[str, Any] = {}
    for images, hours in options.sizes:
        accounts = max(2, images // options.images_per_account)
        with influxdb(directory / f"influx_{images}") as port:
            world = World(images, accounts, hours, last_complete_hours(hours), "")
            theirs, mine = contenders(world, server, directory, f"best_{images}", port)
            cloudkitty = rated_by_workers(theirs)
        ours = rated_by_workers(mine)  # when InfluxDB has ended: it compacts what was stored
        before = server_costs()
        run = mine.do("rate_next")
        ours["hour_of_its_own_run"] = Took(
            run["seconds"], run["cpu_seconds"] + server_costs().since(before)
        )
        size = f"{images} images, {accounts} accounts, {hours} hours"
        found[size] = {
            "load_average": round(os.getloadavg()[0], 1),
            "cloudkitty": shown(cloudkitty),
            "ours": shown(ours),
            "ratios": ratios_of(cloudkitty, ours),
        }
        note(f"{size}: {json.dumps(found[size])}")  # a larger size may be ended
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


def size_and_hours(text: str) -> tuple[int, int]:
    """Read ``IMAGES:HOURS``, or ``IMAGES`` alone."""
    images, _, hours = text.partition(":")
    return int(images), int(hours or 2)


def main() -> None:
    """Compare, and print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5_000)
    parser.add_argument("--accounts", type=int, default=50)
    parser.add_argument("--hours", type=int, default=2)
    parser.add_argument(
        "--sizes",
        type=size_and_hours,
        nargs="+",
        metavar="IMAGES[:HOURS]",
        default=[(10_000, 24), (100_000, 24), (1_000_000, 2)],
        help="of best; 2 hours where none are named",
    )
    parser.add_argument("--images-per-account", type=int, default=100, help="of best")
    parser.add_argument("--only", nargs="*", choices=STORIES, help="only these stories")
    parser.add_argument("--quick", action="store_true", help="a few of everything: does it run?")
    parser.add_argument(
        "--keep", action="store_true", help="write results/cloudkitty.json, or cloudkitty_best.json"
    )
    options = parser.parse_args()
    if options.quick:
        options.images, options.accounts, options.hours, options.sizes = 50, 5, 2, [(50, 3)]
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
    name = "cloudkitty_best" if options.only == ["best"] else "cloudkitty"
    report(name, result, keep=options.keep)


if __name__ == "__main__":
    main()
