"""PgBouncer in transaction mode before the tests' PostgreSQL: started here, ended here.

Few connections of the server serve all clients, each for one transaction: whatever a client leaves
in a session is found by another one.
"""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from support.servers.database_servers import free_port

PATIENCE_SECONDS = 30.0
CONNECTIONS = 4
_SETTINGS = """\
[databases]
* = host={host} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 200
server_round_robin = 1
logfile = {log}
"""


@contextlib.contextmanager
def pgbouncer(server: sa.URL) -> Iterator[sa.URL]:
    """Run PgBouncer before the server; yield the URL of its first database through it."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        raise RuntimeError("PgBouncer is missing: install it (Debian: apt install pgbouncer)")
    host = str(server.query["host"])  # the directory of the server's socket
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as name:
        directory = Path(name)
        log, settings = directory / "log", directory / "pgbouncer.ini"
        settings.write_text(
            _SETTINGS.format(
                host=host, user=server.username, port=port, connections=CONNECTIONS, log=log
            )
        )
        process = subprocess.Popen(
            [program, "--quiet", *_as_owner(Path(host), directory), str(settings)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            url = server.set(host="127.0.0.1", port=port, query={})
            _wait_until_it_answers(url, process, log)
            yield url
        finally:
            process.kill()
            process.wait()


def _as_owner(socket: Path, directory: Path) -> list[str]:
    """Return how it becomes the user who may use the socket: it refuses to run as root."""
    if os.geteuid() != 0:
        return []
    owner = socket.stat().st_uid
    os.chown(directory, owner, -1)
    return [f"--user={pwd.getpwuid(owner).pw_name}"]


def _wait_until_it_answers(url: sa.URL, process: subprocess.Popen[bytes], log: Path) -> None:
    engine = sa.create_engine(url)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            engine.connect().close()
            return engine.dispose()
        except sa.exc.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text()[-2000:] if log.exists() else "nothing in its log"
                raise RuntimeError(f"PgBouncer did not start:\n{said}") from None
            time.sleep(0.02)
