"""What the engine dask lets in: whoever has a certificate of the run, and no other user or host."""

import contextlib
import json
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from instance_images.db.engine import Database
from instance_images.db.schema import upgrade
from instance_images.errors import ConfigurationError
from instance_images_reports.batch.all_accounts import make_all, read_books, write_all
from instance_images_reports.batch.engines import engine
from instance_images_reports.presentation import DEFAULT_PRESENTATION

from support.processes.command_line import write_config
from support.worlds.books_world import BooksWorld, books_world, content_of

PATIENCE_SECONDS = 60.0

# As root it gives up all rights first; else it is the same user, and still has no certificate.
INTRUDER = """
import asyncio, json, logging, os, sys
logging.disable(logging.CRITICAL)
from distributed import Security, rpc
from distributed.comm import tcp  # what this interpreter may not read later
own = Security.temporary().get_connection_args("client")
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)

async def answer(address, arguments):
    async with rpc(address, connection_args=arguments, timeout=1) as remote:
        return await asyncio.wait_for(remote.identity(), 2)

async def attempts():
    found = {}
    for port in sys.argv[1:]:
        for scheme, arguments in (("tcp", {}), ("tls", own)):
            try:
                said = await answer(f"{scheme}://127.0.0.1:{port}", arguments)
                found[f"{scheme} {port}"] = f"let in by {said['type']}"
            except (OSError, TimeoutError, ValueError, RuntimeError) as error:
                found[f"{scheme} {port}"] = type(error).__name__
    return found

print(json.dumps({"uid": os.getuid(), "outcomes": asyncio.run(attempts())}), flush=True)
os._exit(0)
"""


@pytest.fixture
def small(tmp_path: Path) -> BooksWorld:
    """A ledger of three accounts on SQLite."""
    database = Database(f"sqlite:///{tmp_path / 'small.db'}")
    upgrade(database)
    world = books_world(database)
    for number in range(3):
        world.one.capture("2T12:00", f"image-{number}", f"account-{number}")
    world.run("2T15:05")
    return world


@dataclass(frozen=True, slots=True)
class Held:
    """A task that begins with ``begun`` and ends when ``end`` is there."""

    begun: Path
    end: Path

    def __call__(self, batch: int) -> tuple[int, int]:
        """Return the batch, and who has worked on it."""
        self.begun.touch()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.end.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        return batch, os.getuid()


def listening_ports() -> list[int]:
    """Return the ports on which this process and its children can be reached."""
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    found = set()
    for process in processes:
        for connection in process.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN:
                found.add(connection.laddr.port)
    return sorted(found)


def test_no_other_user_of_the_machine_runs_code_on_a_cluster_of_the_run(tmp_path: Path) -> None:
    before = listening_ports()
    held = Held(tmp_path / "begun", tmp_path / "end")
    results: list[Any] = []
    run = threading.Thread(target=lambda: results.extend(engine("dask", 1, None)(held, [7])))
    run.start()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not held.begun.exists() and time.monotonic() < deadline:
        time.sleep(0.05)

    ports = [port for port in listening_ports() if port not in before]
    intruder = subprocess.run(
        [sys.executable, "-c", INTRUDER, *map(str, ports)],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    held.end.touch()
    run.join()

    found = json.loads(intruder.stdout)
    outcomes = found["outcomes"]
    assert found["uid"] == (os.getuid() or 65534)
    assert len(ports) >= 3  # the scheduler's, the worker's, and that of the worker's nanny
    assert len(outcomes) == 2 * len(ports)
    assert [said for said in outcomes.values() if said.startswith("let in")] == []
    assert results == [(7, os.getuid())]


def test_what_the_workers_write_to_disk_is_for_their_user_alone(tmp_path: Path) -> None:
    [(directory, mode)] = engine("dask", 1, None)(scratch_of_the_worker, [0])

    assert mode == 0o700
    assert not Path(directory).exists()  # gone with the run


def scratch_of_the_worker(_batch: int) -> tuple[str, int]:
    """Return the outermost directory of a worker below the system's own, and its mode."""
    import tempfile

    from distributed import get_worker

    directory = Path(get_worker().local_directory)
    below = next(p for p in directory.parents if p.parent == Path(tempfile.gettempdir()))
    return str(below), below.stat().st_mode & 0o777


def test_this_process_works_while_the_workers_start() -> None:
    results = list(engine("dask", 1, None)(slow_process_id, range(2_000)))

    assert len(results) == 2_000
    assert results[0] == os.getpid()
    assert len(set(results)) == 2


def slow_process_id(_batch: int) -> int:
    time.sleep(0.01)
    return os.getpid()


# ---------------------------------------------------------------------- passwords


def test_no_password_travels_with_a_task(small: BooksWorld, tmp_path: Path) -> None:
    with small.one.database.snapshot() as connection:
        books = read_books(connection, small.settings, small.period())
    url = "postgresql+psycopg://u:hunter2-a@db/n?password=hunter2-b&sslpassword=hunter2-c"
    file = write_config(tmp_path / "secret.conf", url, mail="host = h\npassword = hunter2-d")
    settings = replace(small.settings, database_connection=url, config_paths=(file,))
    sent: list[bytes] = []

    def seen(function: Any, batches: Sequence[Any]) -> Iterator[Any]:
        sent.extend(pickle.dumps((function, batch)) for batch in batches)
        yield from ()

    make_all(settings, books, seen, None, lambda _done, _count: None)

    assert sent
    assert b"secret.conf" in sent[0]
    assert b"hunter2" not in b"".join(sent)


# ------------------------------------------------------------- a scheduler of one's own


@pytest.mark.parametrize("address", ["tcp://10.0.0.5:8786", "10.0.0.5:8786", "ws://h:1", "TLS://h"])
def test_scheduler_that_asks_nobody_for_a_certificate_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="give its address as tls://HOST:PORT"):
        engine("dask", 1, address)


def test_options_that_name_the_certificates_are_told_where_they_are_missing() -> None:
    with pytest.raises(ConfigurationError) as caught:
        engine("dask", 1, "tls://10.0.0.5:8786")

    for name in ("ca-file", "client.cert", "client.key"):
        assert f"distributed.comm.tls.{name}" in str(caught.value)


@pytest.fixture
def certificates(tmp_path: Path) -> dict[str, str]:
    """Options of Dask's configuration: certificates of an authority of their own."""
    from distributed import Security

    made: Any = Security.temporary()
    ca, key = tmp_path / "ca.pem", tmp_path / "key.pem"
    ca.write_text(made.tls_ca_file)
    key.write_text(made.tls_client_key)
    options = {"distributed.comm.tls.ca-file": str(ca)}
    for role in ("scheduler", "worker", "client"):
        options[f"distributed.comm.tls.{role}.cert"] = str(ca)
        options[f"distributed.comm.tls.{role}.key"] = str(key)
    return options


def test_workers_of_such_a_scheduler_read_their_own_configuration_and_write_the_same_bytes(
    small: BooksWorld, tmp_path: Path, certificates: dict[str, str]
) -> None:
    import dask.config

    small.write(tmp_path / "one")
    own = small.settings.config_paths[0]
    absent = replace(small.settings, config_paths=(tmp_path / "of the command alone.conf",))
    with small.one.database.snapshot() as connection:
        books = read_books(connection, absent, small.period())

    environment = {
        f"DASK_{name.replace('.', '__').replace('-', '_').upper()}": value
        for name, value in certificates.items()
    }
    environment["INSTANCE_IMAGES_CONFIG_FILE"] = str(own)

    with cluster(tmp_path, environment) as address, dask.config.set(certificates):
        write_all(
            settings=absent,
            books=books,
            engine=engine("dask", 1, address),
            directory=tmp_path / "several",
            output_format="json",
            presentation=DEFAULT_PRESENTATION,
            progress=lambda _done, _count: None,
            replace=False,
        )
        open_in_worker = files_open_in_children()

    assert content_of(tmp_path / "several") == content_of(tmp_path / "one")
    assert "dask-scratch-space/worker" in open_in_worker
    assert "small.db" not in open_in_worker


def files_open_in_children() -> str:
    """Return the paths of all files that the children of this process have open."""
    children = psutil.Process().children(recursive=True)
    return " ".join(file.path for child in children for file in child.open_files())


@contextlib.contextmanager
def cluster(directory: Path, environment: dict[str, str]) -> Iterator[str]:
    """Start a scheduler with one worker, as an operator would; yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tls://127.0.0.1:{port}"
    dask = [sys.executable, "-m", "dask"]
    scheduler = [
        *dask,
        "scheduler",
        "--protocol",
        "tls",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    worker = [*dask, "worker", address, "--host", "127.0.0.1", "--no-nanny", "--no-dashboard"]
    started = [
        subprocess.Popen(
            command,
            cwd=directory,
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for command in ([*scheduler, "--no-dashboard"], worker)
    ]
    try:
        yield address
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(PATIENCE_SECONDS)
