"""A deployment as an operator has it: a configuration file, and the cloud in memory behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from instance_images.images.capture import capture
from instance_images.tasks.settling import settle

from support.clouds import installed_memory_cloud
from support.clouds.memory_cloud import GB, MemoryProvider
from support.processes.command_line import CommandLine, Result, SetClock
from support.worlds.ledger_world import at


@dataclass(slots=True)
class Deployment:
    """Locations with the cloud in memory; ``state_of`` says how each cloud is: up, down, faulty."""

    directory: Path
    clock: SetClock = field(default_factory=lambda: SetClock(at("1T00:00")))
    state_of: dict[str, str] = field(default_factory=lambda: {"RegionOne": "up"})
    default_options: str = ""
    billing_options: str = ""

    @property
    def metrics(self) -> Path:
        """Where the metrics are written."""
        return self.directory / "collector" / "instance_images.prom"

    @property
    def log(self) -> Path:
        """Where the log is written, if the configuration says so."""
        return self.directory / "log" / "run.log"

    @property
    def config(self) -> Path:
        """The configuration as it is now."""
        names = ", ".join(self.state_of)
        text = (
            f"[DEFAULT]\nlocations = {names}\n{self.default_options}\n"
            f"[database]\nconnection = sqlite:///{self.directory}/instance-images.db\n"
            f"[billing]\n{self.billing_options}\n"
            f"[metrics]\ntextfile = {self.metrics}\n"
        )
        for name, state in self.state_of.items():
            text += f"[location:{name}]\nprovider = memory\ncloud = {state}\n"
        path = self.directory / "instance-images.conf"
        path.write_text(text)
        return path

    def command(self, *arguments: str) -> Result:
        """Run a command at the instant that the clock shows."""
        return CommandLine(self.config, self.clock)(*arguments)

    def run(self, when: str, *arguments: str) -> Result:
        """Run the meter at an instant."""
        self.clock.now = at(when)
        return self.command("meter", "run", *arguments)

    def prepare(self, locations: Sequence[str] = ("RegionOne",)) -> None:
        """Make directories and database, and a rate with which an hour of a GB costs one EUR."""
        self.state_of = dict.fromkeys(locations, "up")
        self.metrics.parent.mkdir()
        self.log.parent.mkdir()
        assert self.command("db", "upgrade").exit_code == 0
        for location in locations:
            done = self.command("rate", "set", location, "730", "--from", "2026-11-01T00:00Z")
            assert done.exit_code == 0, done

    def capture(self, when: str, location: str = "RegionOne", size: int = GB) -> None:
        """Capture an image that is available at once."""
        self.clock.now = at(when)
        site = CommandLine(self.config, self.clock).site(location)
        cloud = site.provider
        assert isinstance(cloud, MemoryProvider)
        cloud.clock = self.clock
        owner = installed_memory_cloud.owner(location)
        capture(site, owner, f"vm-{location}", "image")
        cloud.activate(size)
        settle(site, owner.id)
