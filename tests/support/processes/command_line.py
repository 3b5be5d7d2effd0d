"""The command line as the tests use it: in this process, with a clock that they set."""

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from instance_images.commands.main import run
from instance_images.config.settings import load_settings
from instance_images.instants import Clock, system_clock
from instance_images.locations.application import Application
from instance_images.locations.site import Site


@dataclass(frozen=True, slots=True)
class Result:
    """What a command left: its exit code and what it printed."""

    exit_code: int
    content: bytes
    err: str

    @property
    def out(self) -> str:
        """What it printed, as text."""
        return self.content.decode()

    @property
    def json(self) -> Any:
        """What it printed, read as JSON."""
        return json.loads(self.out)


@dataclass(slots=True)
class CommandLine:
    """Runs ``instance-images`` with a configuration file of its own."""

    config_file: Path
    clock: Clock = system_clock
    shown: list[str] = field(default_factory=list)

    def __call__(self, *arguments: str) -> Result:
        """Run one command; its output is no terminal, so lists and records are JSON."""
        out, err = io.BytesIO(), io.StringIO()
        text = io.TextIOWrapper(out, encoding="utf-8", write_through=True)
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(err):
            code = run(["--config-file", str(self.config_file), *arguments], self.clock)
        return Result(code, out.getvalue(), err.getvalue())

    def ok(self, *arguments: str) -> Result:
        """Run one command that must succeed."""
        result = self(*arguments)
        assert result.exit_code == 0, f"{arguments}: {result}"
        return result

    def refused(self, exit_code: int, message: str, *arguments: str) -> Result:
        """Run one command that must fail with this exit code and one line with this message."""
        result = self(*arguments)
        assert result.exit_code == exit_code, f"{arguments}: {result}"
        last = result.err.splitlines()[-1]
        assert message in last, f"{arguments}: {result}"
        assert last.startswith("Error: ")
        assert "Traceback" not in result.err
        return result

    @property
    def application(self) -> Application:
        """An application with the same configuration and clock."""
        return Application(load_settings([self.config_file]), self.clock)

    def site(self, location: str | None = None) -> Site:
        """A location of that application."""
        return self.application.site(location)


@dataclass(slots=True)
class SetClock:
    """A clock that shows what it was set to."""

    now: datetime

    def __call__(self) -> datetime:
        """Return the instant that it was set to."""
        return self.now


def write_config(path: Path, database_url: str, **more: str) -> Path:
    """Write a configuration with one location, RegionOne; ``more``: further text per section.

    A section is named by its key; ``location`` stands for ``location:RegionOne``. Tests share a
    cloud, so nothing is adopted unless a test says so.
    """
    sections = {
        "DEFAULT": "locations = RegionOne",
        "database": f"connection = {database_url.replace('$', '$$')}",
        "location:RegionOne": "cloud = admin\nstack_cloud = stacks",
    }
    if "reconcile" not in more:
        sections["reconcile"] = "adopt = none"
    for name, text in more.items():
        section = "location:RegionOne" if name == "location" else name
        sections[section] = f"{sections.get(section, '')}\n{text}"
    path.write_text("".join(f"[{name}]\n{text}\n" for name, text in sections.items()))
    return path


@contextlib.contextmanager
def environment_cleared(monkeypatch: Any) -> Iterator[None]:
    """Take away what the user's own environment says about clouds."""
    for name in ("OS_CLOUD", "OS_AUTH_URL", "INSTANCE_IMAGES_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    yield
