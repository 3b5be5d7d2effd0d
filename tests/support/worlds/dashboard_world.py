"""Horizon on the cloud of the run, with browsers for its users, and a relay before the API."""

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from support.browser import Browser, running_browser
from support.clouds.embedded_cloud import EmbeddedCloud, Project
from support.processes.dashboard_server import Horizon, running_horizon
from support.servers import relay as relays
from support.worlds.api_world import Office

# Where the pictures of README are written; nowhere by default.
PICTURES = "INSTANCE_IMAGES_PICTURES"
HOSTILE = "<b>a{$ 1+1 $}</b>'\"&amp;"
# Later than any page may wait, on however busy a machine.
LATE_SECONDS = 90.0
FATES = {
    "slow": relays.late(LATE_SECONDS),
    "500": relays.status(500),
    "html": relays.status(200),
}


@dataclass
class Instances:
    """The customer's instances; they are made while Horizon starts.

    ``web``: with a disk of the host, whose images take a moment; ``volume``: with a volume as its
    primary disk, and a hostile name; ``broken``: whose captures fail.
    """

    _web: "Future[Any]"
    _volume: "Future[Any]"
    _broken: "Future[Any]"

    @property
    def web(self) -> Any:
        """The one with a disk of the host."""
        return self._web.result()

    @property
    def volume(self) -> Any:
        """The one with a volume."""
        return self._volume.result()

    @property
    def broken(self) -> Any:
        """The one whose captures fail."""
        return self._broken.result()


@dataclass
class Desk:
    """Horizon, a customer who has instances, and two browsers: the customer's and the others'."""

    horizon: Horizon
    office: Office
    directory: Path
    relay: relays.Relay
    customer: Project
    reader: Project
    stranger: Project
    instances: Instances
    _relays: contextlib.ExitStack
    _open: contextlib.ExitStack
    _browsers: dict[str, Browser] = field(default_factory=dict)
    _users: dict[str, str] = field(default_factory=dict)

    def browser(self, user: str) -> Browser:
        """Return a browser in which the user is logged in; all but the customer share one."""
        place = "customer" if user == self.customer.user_name else "others"
        if place not in self._browsers:
            self._browsers[place] = self._open.enter_context(
                running_browser(self.horizon.url, self.directory / place)
            )
        if self._users.get(place) != user:
            self._browsers[place].log_in(user)
            self._users[place] = user
        return self._browsers[place]

    def forget_sessions(self) -> None:
        """End every login, as if all had expired."""
        self.horizon.forget_sessions()
        self._users.clear()

    def pictured(self, browser: Browser, name: str) -> None:
        """Save a picture for the documentation, if it is asked for."""
        if os.environ.get(PICTURES):
            browser.picture(Path(os.environ[PICTURES]) / f"dashboard-{name}.png")

    def image_ids(self) -> dict[str, str]:
        """Return the ids of the customer's images by name."""
        images = self.office.ask("GET", "/v1/images", self.customer, 200).json()["images"]
        return {image["name"]: image["id"] for image in images}

    def asked(self) -> list[str]:
        """Return the paths that Horizon has asked the service for, but for prices; forget them."""
        paths = [urlsplit(request.path).path for request in self.relay.seen]
        self.relay.seen.clear()
        return [path for path in paths if path != "/v1/locations"]  # kept for a minute

    @contextlib.contextmanager
    def trouble(self, kind: str) -> Iterator[None]:
        """Have the service be ``down``, ``slow``, or answer ``500`` or ``html``."""
        self.relay.seen.clear()
        if kind == "down":
            port = urlsplit(self.relay.url).port or 0
            self._relays.close()
            try:
                yield
            finally:
                relay = relays.running_relay(self.office.api.url, port)
                self.relay = self._relays.enter_context(relay)
            return
        self.relay.next("", *[FATES[kind]] * 100)
        try:
            yield
        finally:
            self.relay.fates.clear()


@contextlib.contextmanager
def entry_changed(cloud: EmbeddedCloud, **changed: Any) -> Iterator[None]:
    """Change the service's endpoint in the catalog, for those who log in meanwhile."""
    with cloud.connection() as connection:
        identity: Any = connection.identity
        (service,) = identity.services(type="instance-images")
        (endpoint,) = identity.endpoints(service_id=service.id)
        before = {name: getattr(endpoint, name) for name in changed}
        identity.update_endpoint(endpoint.id, **changed)
        try:
            yield
        finally:
            identity.update_endpoint(endpoint.id, **before)


@contextlib.contextmanager
def open_desk(office: Office, directory: Path) -> Iterator[Desk]:
    """Run Horizon beside the API, with a relay between them."""
    cloud = office.cloud
    customer = cloud.new_project()
    with contextlib.ExitStack() as closing, ThreadPoolExecutor() as pool:
        slow, broken = {"minicloud_snapshot_delay": "2"}, {"minicloud_snapshot_fail": "upload"}
        instances = Instances(
            pool.submit(cloud.boot, customer, "web-1", metadata=slow),
            pool.submit(cloud.boot_from_volume, customer, HOSTILE),
            pool.submit(cloud.boot, customer, "broken-1", metadata=broken),
        )
        relay_open = closing.enter_context(contextlib.ExitStack())
        relay = relay_open.enter_context(relays.running_relay(office.api.url))
        closing.enter_context(entry_changed(cloud, url=f"{relay.url}/v1"))
        yield Desk(
            horizon=closing.enter_context(running_horizon(cloud, directory / "horizon")),
            office=office,
            directory=directory,
            relay=relay,
            customer=customer,
            reader=cloud.new_user_of(customer, "reader"),
            stranger=cloud.new_project(),
            instances=instances,
            _relays=relay_open,
            _open=closing.enter_context(contextlib.ExitStack()),
        )
