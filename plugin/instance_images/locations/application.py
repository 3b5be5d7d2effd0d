"""Wires settings, database, clock and drivers together for the entry points. Holds no logic."""

from functools import cached_property

from instance_images.config.settings import Location, Settings
from instance_images.db.engine import Database
from instance_images.drivers.provider import Provider
from instance_images.errors import ConfigurationError
from instance_images.instants import Clock, system_clock
from instance_images.locations.site import Site
from instance_images.model.extensions import extensions, loaded
from instance_images.model.records import NO_ADOPTION


class Application:
    """One process's view of one deployment; everything in it is made on first use."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock = system_clock,
        answer_seconds: int | None = None,
    ) -> None:
        """``answer_seconds``: how long the database may take to answer, None for any time."""
        self._answer_seconds = answer_seconds
        self.settings = settings
        self.clock = clock
        self._providers: dict[str, Provider] = {}

    @cached_property
    def database(self) -> Database:
        """The database that the settings name."""
        return Database(self.settings.database_connection, answer_seconds=self._answer_seconds)

    def site(self, location_name: str | None) -> Site:
        """Return the location of that name, or the only one, with all that work on it needs."""
        location = self.settings.location(location_name)
        return Site(
            location=location,
            provider=self.provider(location),
            database=self.database,
            clock=self.clock,
            default_max_images=self.settings.default_max_images,
            account_scope=self.settings.account_scope,
            adoption=self.settings.adoption if location.enabled else NO_ADOPTION,
            deadlines=self.settings.deadlines,
        )

    def provider(self, location: Location) -> Provider:
        """Return the location's driver, loaded by its entry point."""
        if location.name not in self._providers:
            self._providers[location.name] = _load(location)
        return self._providers[location.name]


def _load(location: Location) -> Provider:
    found = extensions("instance_images.providers", location.provider)
    if not found:
        known = ", ".join(one.name for one in extensions("instance_images.providers"))
        raise ConfigurationError(
            f"Configuration: [location:{location.name}] provider = {location.provider} is not"
            f" installed; installed are: {known}."
        )
    provider: Provider = loaded(found[0])(location)
    return provider
