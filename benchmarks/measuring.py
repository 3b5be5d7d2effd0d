"""Runs processes and says what they cost; describes the machine. Knows nothing of the product."""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took, from its start to its end."""

    wall_seconds: float
    cpu_seconds: float


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command that must succeed, without showing its output; return what it cost."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        env=None if environment is None else {**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall_seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, list(command), stderr=said)
    return Cost(wall_seconds, usage.ru_utime + usage.ru_stime)


def interleaved(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, list[Cost]]:
    """Run each command once per round, in an order that turns; return the costs of each.

    With more than one round, a first one that is not counted fills the caches.
    """
    names = list(commands)
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    for name in names if rounds > 1 else ():
        run(commands[name])
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            costs[name].append(run(commands[name]))
    return costs


def median(values: Sequence[float]) -> float:
    """Return the median to the millisecond."""
    return round(statistics.median(values), 3)


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Return the quartiles: half of all values lie between them."""
    low, _, high = statistics.quantiles([*values, *values[: len(values) == 1]], n=4)
    return round(low, 3), round(high, 3)


def machine(*distributions: str) -> dict[str, Any]:
    """Describe where and with what something was measured."""
    return {
        "measured_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in distributions},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def report(name: str, result: Mapping[str, Any], *, keep: bool) -> None:
    """Print a result as JSON; with ``keep`` also write it to ``results/``."""
    text = json.dumps(result, indent=2)
    print(text)
    if keep:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.json").write_text(text + "\n")


def note(message: str) -> None:
    """Tell what is being done, on stderr."""
    print(f"{time.strftime('%H:%M:%S')} {message}", file=sys.stderr, flush=True)
