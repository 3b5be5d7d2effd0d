"""A small ledger for tests of how reports are delivered: made once in a run, and copied.

Account ``a`` has the image ``web`` of 1 GB at one EUR an hour, metered for three hours of November;
the clock shows the first of December.
"""

import sqlite3
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from support.processes.command_line import CommandLine, SetClock, write_config
from support.worlds.ledger_world import World, at

NOW = datetime(2026, 12, 1, 6, tzinfo=UTC)


def command_line(directory: Path, **sections: str) -> CommandLine:
    """Return a command line on a ledger of its own; ``sections`` are those of its configuration."""
    path = directory / "instance-images.db"
    with sqlite3.connect(_ledger()) as made, sqlite3.connect(path) as own:
        made.backup(own)
    url = f"sqlite:///{path}"
    none = {"report": "template_directories ="}  # whatever lies in /etc of this machine
    config = write_config(directory / "instance-images.conf", url, **(none | sections))
    return CommandLine(config, SetClock(NOW))


@cache
def _ledger() -> Path:
    directory = Path(mkdtemp(prefix="report-ledger-"))
    path = directory / "instance-images.db"
    cli = CommandLine(write_config(directory / "instance-images.conf", f"sqlite:///{path}"))
    cli.clock = SetClock(at("1T00:00"))
    cli.ok("db", "upgrade")
    cli.ok("rate", "set", "RegionOne", "730")
    world = World(cli.application.database)
    world.capture("2T12:00", name="web")
    world.run("2T15:05")
    return path
