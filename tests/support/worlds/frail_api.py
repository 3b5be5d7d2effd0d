"""An API whose cloud and database fail: it waits for both for two seconds."""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from instance_images.db.engine import Database
from instance_images.db.schema import upgrade

from support.clouds.embedded_cloud import CHECKOUT, EmbeddedCloud
from support.processes.api_server import ApiServer, running_api, token_section
from support.processes.command_line import CommandLine, write_config
from support.servers.tcp_relay import TcpRelay, running_tcp_relay
from support.worlds.api_world import Office
from support.worlds.impatient_api import SECONDS


@dataclass(frozen=True)
class FrailOffice(Office):
    """An office with one process; ``relay`` is between that and the database."""

    relay: TcpRelay
    database: Database


def one_process(port: int, _directory: Path) -> list[str]:
    """Return the command that serves with one process of gunicorn."""
    command = [sys.executable, "-m", "gunicorn", "--workers", "1", "--worker-class", "gthread"]
    command += ["--threads", "8", "--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
    command += ["--pythonpath", str(CHECKOUT / "tests")]
    return [*command, "support.worlds.impatient_api:application()"]


@contextlib.contextmanager
def frail_office(
    cloud: EmbeddedCloud, server: sa.URL, url: str, directory: Path
) -> Iterator[FrailOffice]:
    """Run the API on that database of a PostgreSQL, beyond a relay."""
    database = Database(url)
    upgrade(database)
    where = Path(str(server.query["host"])) / ".s.PGSQL.5432"
    with running_tcp_relay(str(where)) as relay:
        beyond = sa.make_url(url).set(host="127.0.0.1", port=relay.port, query={})
        config = write_config(
            directory / "instance-images.conf",
            beyond.render_as_string(hide_password=False),
            location="volume_image_format = qcow2",
            keystone_authtoken=token_section(cloud),
            api=f"cloud_timeout_seconds = {SECONDS}",
        )
        with running_api(config, directory, cloud, one_process) as api:
            yield FrailOffice(api, cloud, CommandLine(config), relay, database)
    database.engine.dispose()


@contextlib.contextmanager
def another_process(office: FrailOffice, directory: Path) -> Iterator[ApiServer]:
    """Run the same API once more."""
    with running_api(office.cli.config_file, directory, office.cloud, one_process) as api:
        yield api
