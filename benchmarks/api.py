"""What the HTTP API costs, as ratios within one run.

Reads are measured beside a bare handler that returns the same bytes behind the same middleware and
server, captures beside the same calls to Nova and Keystone made by hand.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from api_reads import filled, reads, while_nova_hangs
from api_serving import Client
from api_writes import against_slots, until_accepted, with_one_key
from measuring import machine, median, note, report, run

from support.clouds.embedded_cloud import EmbeddedCloud, Project
from support.processes.api_server import ApiServer
from support.servers import database_servers

IMPORT = [sys.executable, "-c", "import instance_images_api.application"]
NOTHING = [sys.executable, "-c", ""]


def import_seconds(rounds: int) -> float:
    """Return how long the import of the application takes, beyond the interpreter."""
    run(IMPORT)
    least = median([run(NOTHING).wall_seconds for _ in range(rounds)])
    return round(median([run(IMPORT).wall_seconds for _ in range(rounds)]) - least, 2)


def memory_mb(api: ApiServer, *, token: str, paths: Sequence[str], count: int) -> list[int]:
    """Return the resident memory of the processes that have answered many requests."""
    client = Client(api.url, token)
    for _ in range(count):
        for path in paths:
            client.get(path)
    listening = subprocess.run(
        ["pgrep", "-f", f"127.0.0.1:{api.url.rpartition(':')[2]} "], capture_output=True, text=True
    )
    found = []
    for pid in listening.stdout.split():
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    found.append(int(line.split()[1]) // 1000)
    return sorted(found)


@contextlib.contextmanager
def sqlite(directory: Path) -> Iterator[str]:
    """Yield the URL of a new SQLite file."""
    yield f"sqlite:///{directory / f'{time.monotonic_ns()}.db'}"


def tokens_of(cloud: EmbeddedCloud, project: Project) -> str:
    """Return a token of the project's member."""
    with cloud.connection(project.cloud) as connection:
        session: Any = connection.session
        return str(session.get_token())


def databases(names: Sequence[str], place: Path, stack: contextlib.ExitStack) -> dict[str, Any]:
    """Return what makes a new database of each kind."""
    made: dict[str, Any] = {}
    for name in names:
        if name == "sqlite":
            made[name] = partial(sqlite, place)
            continue
        directory = place / name
        directory.mkdir()
        server = (
            database_servers.postgresql()
            if name == "postgresql"
            else database_servers.mariadb(directory)
        )
        made[name] = partial(database_servers.new_database, stack.enter_context(server))
    return made


def measure(
    cloud: EmbeddedCloud, place: Path, options: argparse.Namespace, stack: contextlib.ExitStack
) -> dict[str, Any]:
    """Measure everything that was asked for."""
    project = cloud.new_project("account")
    token = tokens_of(cloud, project)
    kinds = databases(options.databases, place, stack)
    new_database = kinds.get("postgresql") or next(iter(kinds.values()))
    result: dict[str, Any] = {}
    if "reads" in options.only:
        paths = ["/v1/images", "/v1/limits"]
        afterwards: dict[str, Any] = {}
        if options.lists:
            afterwards = {
                "memory_mb": partial(memory_mb, token=token, paths=paths, count=options.lists),
                "while_nova_hangs": partial(
                    while_nova_hangs, cloud, token, options.lists, options.instances
                ),
            }
        result["reads"] = {}
        for count in sorted({options.images, options.table}):
            url = stack.enter_context(new_database())
            filled(url, count, count // options.images, project)
            note("reads, beside the bare handler")
            where = place / f"table-{count}"
            result["reads"][f"table of {count}"] = reads(
                cloud, where, url, token, options.pairs, afterwards
            )
        result["import_seconds"] = import_seconds(options.rounds)
    if "writes" in options.only:
        note("captures, beside the same calls by hand")
        writer = cloud.new_project("writer")
        with new_database() as url:
            result["until_202"] = until_accepted(cloud, place / "w", url, writer, options.captures)
    if "at_once" in options.only:
        note(f"making {options.instances} instances")
        many = cloud.new_project("many")
        servers = [cloud.boot(many, f"vm-{n}").id for n in range(options.instances)]
        token, workers = tokens_of(cloud, many), 2 if options.quick else 4
        result["against_slots"] = {
            name: [
                against_slots(cloud, place / name, made, options.slots, servers, token, workers)
                for _ in range(options.rounds)
            ]
            for name, made in kinds.items()
        }
        with new_database() as url:
            result["one_key"] = with_one_key(cloud, place / "key", url, servers[0], token, workers)
    return result


def main() -> None:
    """Measure, and print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000, help="images of the account")
    parser.add_argument("--table", type=int, default=1_000_000, help="images of all accounts")
    parser.add_argument("--pairs", type=int, default=200, help="pairs of requests per read")
    parser.add_argument("--captures", type=int, default=20, help="pairs of captures")
    parser.add_argument("--lists", type=int, default=400, help="lists while Nova hangs")
    parser.add_argument("--instances", type=int, default=50, help="captures at once")
    parser.add_argument("--slots", type=int, default=10, help="images that an account may hold")
    parser.add_argument("--rounds", type=int, default=3, help="runs of what is run several times")
    parser.add_argument(
        "--databases", nargs="+", default=["postgresql", "mariadb", "sqlite"], metavar="KIND"
    )
    parser.add_argument("--only", nargs="+", default=["reads", "writes", "at_once"], metavar="PART")
    parser.add_argument("--running", type=Path, metavar="STATE", help="a cloud that is there")
    parser.add_argument(
        "--short", action="store_true", help="reads alone: a small table and a large one, 5 min"
    )
    parser.add_argument("--quick", action="store_true", help="a few of everything: does it run?")
    parser.add_argument("--keep", action="store_true", help="write results/api.json")
    options = parser.parse_args()
    if options.short:
        options.only, options.databases, options.lists = ["reads"], ["postgresql"], 0
    if options.quick:
        options.images, options.table, options.pairs, options.captures = 200, 200, 4, 1
        options.lists, options.instances, options.slots, options.rounds = 10, 3, 1, 1
        options.databases = ["postgresql"]
    with (
        tempfile.TemporaryDirectory(prefix="api-") as directory,
        contextlib.ExitStack() as stack,
    ):
        cloud = (
            EmbeddedCloud(options.running.resolve())
            if options.running
            else stack.enter_context(EmbeddedCloud.running(Path(directory) / "cloud", services=()))
        )
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(cloud.clouds_yaml)
        result = measure(cloud, Path(directory), options, stack)
    described = machine("falcon", "gunicorn", "keystonemiddleware", "SQLAlchemy")
    report("api", {"machine": described, **result}, keep=options.keep)


if __name__ == "__main__":
    main()
