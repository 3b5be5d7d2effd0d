"""What all tests share: one embedded cloud per run, databases of all kinds, the command line.

``--all`` adds the tests that need what PyPI does not carry: MariaDB, RabbitMQ and a browser.
"""

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from instance_images.config import logs
from instance_images.db.engine import Database
from instance_images.db.schema import upgrade

from support.clouds.embedded_cloud import EmbeddedCloud, Project
from support.processes.command_line import CommandLine, write_config
from support.servers import database_servers
from support.worlds.api_world import Office, open_office

if TYPE_CHECKING:
    from instance_images_client.sdk.proxy import Proxy

    from support.processes.openstack_client import OpenStackClient
    from support.servers.relay import Relay
    from support.worlds.shop_world import Shop

_POLITE = 10
_LONG = ("test_ledger_machine.py", "test_benchmarks.py")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all", action="store_true", help="also what needs MariaDB, RabbitMQ, Chromium"
    )


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        # One cloud serves a run: whatever needs it is done by one process, and beside it all else,
        # file by file.
        item.add_marker(pytest.mark.xdist_group("cloud" if needs_cloud(item) else item.path.name))
    # A long file that begins last would keep the other process waiting.
    items.sort(key=lambda item: item.path.name not in _LONG)
    if config.getoption("--all"):
        return
    beyond = [item for item in items if item.get_closest_marker("all")]
    config.hook.pytest_deselected(items=beyond)
    items[:] = [item for item in items if item not in beyond]


def needs_cloud(item: pytest.Item) -> bool:
    """Return whether the test uses the cloud of the run."""
    return "embedded_cloud" in getattr(item, "fixturenames", ())


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let the process that has not the cloud give way: the other one decides when a run ends."""
    is_one_of_several = "PYTEST_XDIST_WORKER" in os.environ
    if is_one_of_several and not needs_cloud(item) and os.getpriority(os.PRIO_PROCESS, 0) == 0:
        os.nice(_POLITE)


@pytest.fixture(autouse=True)
def log_set_back() -> Iterator[None]:
    """End what a test has set up as its log: a later one would print there."""
    logs.keep_quiet()
    before = list(logging.getLogger().handlers)
    yield
    logs.keep_quiet()
    others = logging.getLogger().handlers
    others.extend(
        one for one in before if one not in others and not isinstance(one, logging.NullHandler)
    )


# ---------------------------------------------------------------------- databases


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[sa.URL]:
    with database_servers.postgresql(database_servers.place_in_memory()) as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: sa.URL) -> Iterator[str]:
    """The name of a database with its tables and nothing in them, to be copied."""
    with database_servers.new_database(postgresql_server) as url:
        made = Database(url)
        upgrade(made)
        made.engine.dispose()
        name = made.url.database
        assert name is not None
        yield name


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[sa.URL]:
    place = database_servers.place_in_memory()
    with (
        tempfile.TemporaryDirectory(prefix="mariadb-", dir=place) as directory,
        database_servers.mariadb(Path(directory)) as url,
    ):
        yield url


@pytest.fixture(params=["sqlite", "postgresql", pytest.param("mariadb", marks=pytest.mark.all)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database, of each kind in turn: empty, unless the test takes ``database``."""
    needs_tables = "database" in request.fixturenames
    if request.param == "sqlite":
        path = tmp_path / "instance-images.db"
        if needs_tables:
            shutil.copy(request.getfixturevalue("empty_database"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue(f"{request.param}_server")
    template = None
    if needs_tables and request.param == "postgresql":
        template = request.getfixturevalue("postgresql_template")
    with database_servers.new_database(server, template) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with its tables, of each kind in turn."""
    made = Database(database_url)
    if made.url.get_backend_name() not in ("sqlite", "postgresql"):  # they have been copied
        upgrade(made)
    yield made
    made.engine.dispose()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with its tables and nothing in them, to be copied."""
    path = tmp_path_factory.mktemp("empty") / "instance-images.db"
    made = Database(f"sqlite:///{path}")
    upgrade(made)
    made.engine.dispose()
    return path


# -------------------------------------------------------------------------- cloud


@pytest.fixture(scope="session")
def embedded_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    """One for the whole run; Glance asks Keystone for quotas, which are generous."""
    with EmbeddedCloud.running(
        tmp_path_factory.mktemp("cloud"), services=("neutron", "heat"), limits=True
    ) as cloud:
        yield cloud


@pytest.fixture
def cloud(
    embedded_cloud: EmbeddedCloud, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EmbeddedCloud]:
    """The embedded cloud, reachable through clouds.yaml, without faults."""
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(embedded_cloud.clouds_yaml))
    yield embedded_cloud
    embedded_cloud.clear_faults()


@pytest.fixture
def project(cloud: EmbeddedCloud) -> Project:
    """A customer's project of the test's own."""
    return cloud.new_project()


# ---------------------------------------------------------------------------- API


@pytest.fixture(scope="session")
def office_of_run(
    embedded_cloud: EmbeddedCloud, empty_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    """The API for the whole run: two processes of gunicorn."""
    with open_office(embedded_cloud, empty_database, tmp_path_factory.mktemp("api")) as office:
        yield office


@pytest.fixture
def office(office_of_run: Office, cloud: EmbeddedCloud) -> Office:
    """The API, on a cloud without faults."""
    return office_of_run


# -------------------------------------------------------------------------- client


@pytest.fixture(scope="session")
def shop_of_run(office_of_run: Office) -> "Shop":
    """The shop for the whole run: a customer with two images, who uses the client."""
    from support.worlds.shop_world import open_shop

    return open_shop(office_of_run)


@pytest.fixture
def shop(shop_of_run: "Shop", office: Office) -> "Shop":
    """The shop, on a cloud without faults."""
    return shop_of_run


@pytest.fixture
def relay(shop: "Shop") -> "Iterator[Relay]":
    """A relay before the API."""
    from support.servers.relay import running_relay

    with running_relay(shop.office.api.url) as relay:
        yield relay


@pytest.fixture
def beyond_relay(shop: "Shop", relay: "Relay") -> "Proxy":
    """The customer's service, beyond the relay."""
    return shop.proxy(instance_images_endpoint_override=f"{relay.url}/v1")


@pytest.fixture
def customer_beyond_relay(shop: "Shop", relay: "Relay", tmp_path: Path) -> "OpenStackClient":
    """The customer's commands, beyond the relay."""
    return shop.customer.with_settings(
        tmp_path, instance_images_endpoint_override=f"{relay.url}/v1"
    )


# ------------------------------------------------------------------- command line

ConfiguredCommandLine = Callable[..., CommandLine]


@pytest.fixture
def configured(tmp_path: Path, empty_database: Path) -> ConfiguredCommandLine:
    """Make a command line on a new SQLite ledger; ``more`` is text for the configuration."""

    def make(**more: str) -> CommandLine:
        path = tmp_path / "instance-images.db"
        if not path.exists():
            shutil.copy(empty_database, path)
        config = write_config(tmp_path / "instance-images.conf", f"sqlite:///{path}", **more)
        return CommandLine(config)

    return make


@pytest.fixture
def cli(cloud: EmbeddedCloud, configured: ConfiguredCommandLine) -> CommandLine:
    """The command line on the embedded cloud and a new SQLite ledger."""
    return configured()
