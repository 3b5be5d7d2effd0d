"""Two locations with a currency each, and the reports of all accounts, on a real database."""

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from instance_images.config.settings import Location, Settings
from instance_images.db.engine import Database
from instance_images_billing.pricing.periods import Period, parse_period
from instance_images_reports.batch.all_accounts import read_books, write_all
from instance_images_reports.batch.engines import engine
from instance_images_reports.batch.manifest import Manifest
from instance_images_reports.presentation import DEFAULT_PRESENTATION, Presentation
from instance_images_reports.proof.reconcile import Proof, prove_folder, prove_statements

from support.processes.command_line import write_config
from support.worlds.ledger_world import LOCATION, World

SECOND = Location(
    name="RegionTwo",
    enabled=True,
    provider="memory",
    cloud="memory",
    region_name="RegionTwo",
    currency="USD",
    max_images=1000,
)
DOLLAR = EUR = 10**9


@dataclass(frozen=True, slots=True)
class BooksWorld:
    """RegionOne charges in EUR, RegionTwo in USD. ``home`` has the configuration file."""

    one: World
    two: World
    home: TemporaryDirectory[str] = field(default_factory=TemporaryDirectory)

    @property
    def settings(self) -> Settings:
        """The settings with both locations."""
        url = self.one.database.url.render_as_string(hide_password=False)
        file = write_config(Path(self.home.name) / "instance-images.conf", url)
        return Settings(
            locations=(LOCATION, SECOND),
            database_connection="",
            parts={"billing": self.one.billing},
            default_max_images=10,
            config_paths=(file,),
        )

    def period(self, name: str = "2026-11") -> Period:
        """Return the period of that name."""
        return parse_period(name, self.one.billing.timezone)

    def run(self, when: str) -> None:
        """Run the meter at both locations."""
        self.one.run(when)
        self.two.run(when)

    def write(
        self,
        directory: Path,
        output_format: str = "json",
        *,
        name: str = "2026-11",
        made_by: Any = None,
        replace: bool = False,
        presentation: Presentation = DEFAULT_PRESENTATION,
    ) -> Manifest:
        """Write the folder of the period's reports, by default in this process."""
        with self.one.database.snapshot() as connection:
            books = read_books(connection, self.settings, self.period(name))
        return write_all(
            settings=self.settings,
            books=books,
            engine=made_by or engine("local", 1, None),
            directory=directory,
            output_format=output_format,
            presentation=presentation,
            progress=lambda _done, _count: None,
            replace=replace,
        )

    def prove(self, directory: Path | None = None, *, name: str = "2026-11") -> Proof:
        """Hold a folder, or the statements, against the ledger."""
        period = self.period(name)
        with self.one.database.snapshot() as connection:
            if directory is None:
                return prove_statements(connection, period)
            return prove_folder(connection, period, directory)


def books_world(database: Database) -> BooksWorld:
    """Return the world; an hour of a GB costs one EUR or one USD."""
    world = BooksWorld(World(database), World(database, location=SECOND))
    world.one.set_rate()
    world.two.set_rate()
    return world


def content_of(directory: Path) -> dict[str, bytes]:
    """Return every file of the folder by its path."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }
