"""Runs InfluxDB 1 for CloudKitty, and says what the servers of either system cost."""

import contextlib
import os
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.servers.database_servers import free_port

SERVERS = ("influxd", "mariadbd")
_PATIENCE_SECONDS = 60


@contextlib.contextmanager
def influxdb(directory: Path) -> Iterator[int]:
    """Run InfluxDB in a directory of its own, on 127.0.0.1; yield its port."""
    program = shutil.which("influxd")
    if program is None:
        raise RuntimeError("InfluxDB is missing: install it (Debian: apt install influxdb)")
    directory.mkdir()
    port, own = free_port(), free_port()
    config = directory / "influxdb.conf"
    # Series are kept on disk, not in memory, which is the setting for many of them.
    config.write_text(
        f'reporting-disabled = true\nbind-address = "127.0.0.1:{own}"\n'
        f'[meta]\n  dir = "{directory}/meta"\n'
        f'[data]\n  dir = "{directory}/data"\n  wal-dir = "{directory}/wal"\n'
        '  index-version = "tsi1"\n  max-series-per-database = 0\n  max-values-per-tag = 0\n'
        "  query-log-enabled = false\n[monitor]\n  store-enabled = false\n"
        f'[http]\n  bind-address = "127.0.0.1:{port}"\n  log-enabled = false\n'
    )
    with (directory / "log").open("w") as log:
        command = [program, "-config", str(config)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _wait_for(port, process, directory / "log")
        yield port
    finally:
        process.terminate()
        process.wait(_PATIENCE_SECONDS)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"InfluxDB does not answer: {log.read_text()[-2000:]}") from None
            time.sleep(0.1)
        else:
            return


@dataclass(frozen=True, slots=True)
class ServerCost:
    """CPU seconds of each server since it began, and the most memory that it held."""

    cpu_seconds: dict[str, float]
    peak_memory_mb: dict[str, float]

    def since(self, before: "ServerCost") -> float:
        """Return the CPU seconds of all servers since then."""
        return sum(self.cpu_seconds.values()) - sum(before.cpu_seconds.values())


def server_costs() -> ServerCost:
    """Return what the servers that this process began have cost so far."""
    cpu, memory = {}, {}
    for child in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        for number in child.read_text().split():
            process = Path("/proc") / number
            name = (process / "comm").read_text().strip()
            if name in SERVERS:
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                cpu[name] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
                found = re.search(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
                memory[name] = round(int(found[1]) * 1024 / 1e6, 1) if found else 0.0
    return ServerCost(cpu, memory)
