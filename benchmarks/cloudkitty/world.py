"""What both systems are given: the same images, sizes, accounts, price and hours.

Imported in the environments of both, so it needs nothing but the standard library.
"""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

GB = 10**9
HOUR = timedelta(hours=1)
PRICE = "0.05"  # per GB and month of 730 hours
LATE_PRICE = "0.06"
HOURS_PER_MONTH = 730


@dataclass(frozen=True, slots=True)
class World:
    """``[first_hour, end)`` is to be rated, every hour of every image."""

    images: int
    accounts: int
    hours: int
    first_hour: datetime
    database_url: str
    influx_port: int | None = None  # where CloudKitty stores, instead of in the database
    workers: int = 1  # processes of CloudKitty, each with its part of the accounts

    @property
    def end(self) -> datetime:
        """The end of the last hour."""
        return self.first_hour + self.hours * HOUR

    def account_ids(self) -> list[str]:
        """Return the accounts, which are Keystone projects."""
        return [f"{number:032x}" for number in range(self.accounts)]

    def images_of(self, account_id: str) -> Iterator[tuple[str, str, int]]:
        """Yield id, name and size in bytes of the account's images."""
        for number in range(int(account_id, 16), self.images, self.accounts):
            size_bytes = (1 + number * 7919 % 50) * GB + number
            yield f"{number:08x}-0000-4000-8000-000000000000", f"image-{number}", size_bytes

    def part(self, number: int) -> list[str]:
        """Return the accounts of one of the workers."""
        return self.account_ids()[number :: self.workers]

    def save(self, path: Path) -> None:
        """Write the world for the processes that work in it."""
        path.write_text(json.dumps({**asdict(self), "first_hour": self.first_hour.isoformat()}))


def load(path: Path) -> World:
    """Read the world."""
    document: dict[str, Any] = json.loads(path.read_text())
    document["first_hour"] = datetime.fromisoformat(document["first_hour"])
    return World(**document)


def last_complete_hours(hours: int) -> datetime:
    """Return the start of the last hours that CloudKitty rates: those that ended an hour ago."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return now - (hours + 1) * HOUR


class HourByHour:
    """Prints what each hour took as soon as it has ended: one line of JSON for each."""

    def __init__(self) -> None:
        self.began_at, self._began_cpu = time.time(), time.process_time()

    def ended(self) -> None:
        """Print the instant, and the CPU seconds from the first hour's begin on."""
        print(json.dumps(self.total()), flush=True)

    def total(self) -> dict[str, float]:
        """Return what all hours took so far."""
        now = time.time()
        return {
            "began_at": self.began_at,
            "ended_at": now,
            "seconds": round(now - self.began_at, 3),
            "cpu_seconds": round(time.process_time() - self._began_cpu, 3),
        }


def peak_memory_mb() -> float:
    """Return the most memory that this process held at once, in MB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return round(int(found[1]) * 1024 / 1e6, 1)
