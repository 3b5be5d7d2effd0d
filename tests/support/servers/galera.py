"""A Galera cluster of three MariaDB nodes for the tests: started here, ended here.

All nodes begin with copies of one data directory at one position, so that a node that joins is
sent no more than what it has missed. Every node listens on 127.0.0.1 only.
"""

import contextlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from support.servers.database_servers import free_port, mariadb_programs

PATIENCE_SECONDS = 60.0
NODES = 3
PROVIDERS = ("/usr/lib/galera/libgalera_smm.so", "/usr/lib64/galera-4/libgalera_smm.so")
_GROUP = "6b3f3c1e-0000-11ee-8000-000000000001"
_NEW_STATE = f"version: 2.1\nuuid: {_GROUP}\nseqno: 0\nsafe_to_bootstrap: 1\n"
_STATE = "SHOW STATUS WHERE Variable_name IN ('wsrep_local_state_comment', 'wsrep_cluster_size')"


class Node:
    """One of the cluster's servers, in a directory of its own."""

    def __init__(self, directory: Path, name: str, group: list[int]) -> None:
        self.directory, self.name, self.group = directory, name, group
        self.group_port = group[int(name) - 1]
        self.port = free_port()
        self.url = sa.URL.create("mysql+pymysql", "root", "", "127.0.0.1", self.port, "mysql")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str) -> None:
        """Start the server, and do not wait for it."""
        self._process = subprocess.Popen(
            self._command(*more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _command(self, *more: str) -> list[str]:
        daemon, _ = mariadb_programs()
        provider = [
            f"gmcast.listen_addr=tcp://127.0.0.1:{self.group_port}",
            f"ist.recv_addr=127.0.0.1:{free_port()}",
            "gcache.size=32M",
            "evs.keepalive_period=PT0.5S",
            "evs.suspect_timeout=PT3S",
            "evs.inactive_timeout=PT10S",
        ]
        return [
            daemon,
            "--no-defaults",
            f"--datadir={self.directory / 'data'}",
            f"--socket={self.directory / 'socket'}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            f"--log-error={self.directory / 'log.err'}",
            "--binlog-format=ROW",
            "--innodb-autoinc-lock-mode=2",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-buffer-pool-size=32M",
            "--innodb-log-file-size=8M",
            "--wsrep-on=ON",
            f"--wsrep-provider={_provider()}",
            f"--wsrep-provider-options={';'.join(provider)}",
            "--wsrep-cluster-name=tests",
            f"--wsrep-cluster-address=gcomm://{','.join(f'127.0.0.1:{p}' for p in self.group)}",
            f"--wsrep-node-name={self.name}",
            "--wsrep-node-address=127.0.0.1",
            "--wsrep-sst-method=mysqldump",  # it begins nothing where no state is transferred
            *(["--user=root"] if os.geteuid() == 0 else []),
            *more,
        ]

    def kill(self) -> None:
        """End it at once, as ``kill -9`` does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        """End it; nothing happens where it is not running."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @property
    def is_running(self) -> bool:
        """Whether it was started and not ended since."""
        return self._process is not None

    def position(self) -> str:
        """Return up to where the data of a server that was killed are written."""
        log = self.directory / "recovery.err"
        command = self._command("--wsrep-recover", f"--log-error={log}")
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_SECONDS)
        found = re.findall(r"Recovered position: (\S+)", log.read_text())
        return str(found[-1])

    def wait_until_synced(self) -> None:
        """Return when it takes part in a cluster and has all that the others have."""
        engine = sa.create_engine(self.url)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            with contextlib.suppress(sa.exc.OperationalError), engine.connect() as connection:
                state = {row[0]: row[1] for row in connection.exec_driver_sql(_STATE)}
                if state["wsrep_local_state_comment"] == "Synced":
                    return engine.dispose()
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                log = (self.directory / "log.err").read_text()[-3000:]
                raise RuntimeError(f"Node {self.name} of the cluster did not start:\n{log}")
            time.sleep(0.05)


class Cluster:
    """The three nodes."""

    def __init__(self, directory: Path) -> None:
        group = [free_port() for _ in range(NODES)]
        self.nodes = [Node(directory / str(n), str(n), group) for n in range(1, NODES + 1)]

    @classmethod
    @contextlib.contextmanager
    def running(cls, directory: Path) -> Iterator["Cluster"]:
        """Run a new cluster in the directory."""
        cluster = cls(directory)
        cluster._make_data(directory)
        try:
            cluster.nodes[0].start("--wsrep-new-cluster")
            cluster.nodes[0].wait_until_synced()
            for node in cluster.nodes[1:]:
                node.start()
                node.wait_until_synced()
            yield cluster
        finally:
            for node in reversed(cluster.nodes):
                node.stop()

    def _make_data(self, directory: Path) -> None:
        _, install = mariadb_programs()
        first = self.nodes[0].directory / "data"
        first.parent.mkdir()
        subprocess.run(
            [
                install,
                "--no-defaults",
                f"--datadir={first}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--innodb-log-file-size=8M",
                *(["--user=root"] if os.geteuid() == 0 else []),
            ],
            check=True,
            capture_output=True,
        )
        (first / "grastate.dat").write_text(_NEW_STATE)
        for node in self.nodes[1:]:
            shutil.copytree(first, node.directory / "data")

    def restore(self) -> None:
        """Start the nodes again that were killed, and wait until they have what they missed."""
        for node in self.nodes:
            if not node.is_running:
                node.start(f"--wsrep-start-position={node.position()}")
                node.wait_until_synced()

    @contextlib.contextmanager
    def new_database(self, name: str) -> Iterator[list[str]]:
        """Create an empty database; yield its URL at each node; drop it afterwards."""
        engine = sa.create_engine(self.nodes[0].url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        try:
            yield [
                node.url.set(database=name).render_as_string(hide_password=False)
                for node in self.nodes
            ]
        finally:
            self.restore()
            with engine.connect() as connection:
                connection.exec_driver_sql(f"DROP DATABASE {name}")
            engine.dispose()


def _provider() -> str:
    for path in PROVIDERS:
        if Path(path).exists():
            return path
    raise RuntimeError("Galera is missing: install it (Debian: apt install galera-4)")
