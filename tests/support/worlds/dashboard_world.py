"""Horizon on the cloud of the run, with a browser for each of its users."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from support.browser import Browser, running_browser
from support.clouds.embedded_cloud import Project
from support.processes.dashboard_server import Horizon, running_horizon
from support.worlds.api_world import Office

# Where the pictures of README are written; nowhere by default.
PICTURES = "INSTANCE_IMAGES_PICTURES"


@dataclass
class Desk:
    """Horizon, a customer who has two instances, and the browsers, one for each user."""

    horizon: Horizon
    office: Office
    directory: Path
    _open: contextlib.ExitStack
    _browsers: dict[str, Browser] = field(default_factory=dict)

    @cached_property
    def customer(self) -> Project:
        """The member of the project."""
        return self.office.cloud.new_project()

    @cached_property
    def reader(self) -> Project:
        """Who may look and change nothing."""
        return self.office.cloud.new_user_of(self.customer, "reader")

    @cached_property
    def stranger(self) -> Project:
        """The member of another project."""
        return self.office.cloud.new_project()

    @cached_property
    def server(self) -> Any:
        """An instance with a disk of the host, whose images take a moment."""
        knobs = {"minicloud_snapshot_delay": "2"}
        return self.office.cloud.boot(self.customer, "web-1", metadata=knobs)

    @cached_property
    def volume_server(self) -> Any:
        """An instance whose primary disk is a volume."""
        return self.office.cloud.boot_from_volume(self.customer, "db-1")

    def browser(self, user: str) -> Browser:
        """Return the browser of a user, who is logged in."""
        if user not in self._browsers:
            made = self._open.enter_context(
                running_browser(self.horizon.url, self.directory / user)
            )
            made.log_in(user)
            self._browsers[user] = made
        return self._browsers[user]

    def pictured(self, browser: Browser, name: str) -> None:
        """Save a picture for the documentation, if it is asked for."""
        if os.environ.get(PICTURES):
            browser.picture(Path(os.environ[PICTURES]) / f"{name}.png")

    def image_ids(self) -> dict[str, str]:
        """Return the ids of the customer's images by name."""
        images = self.office.ask("GET", "/v1/images", self.customer, 200).json()["images"]
        return {image["name"]: image["id"] for image in images}

    def show_browsers(self, directory: Path) -> None:
        """Save what each browser shows: a test has failed."""
        for user, browser in self._browsers.items():
            with contextlib.suppress(Exception):
                browser.picture(directory / f"{user}.png")


@contextlib.contextmanager
def open_desk(office: Office, directory: Path) -> Iterator[Desk]:
    """Run Horizon beside the API."""
    with (
        running_horizon(office.cloud, directory / "horizon") as horizon,
        contextlib.ExitStack() as browsers,
    ):
        yield Desk(horizon, office, directory, browsers)
