"""A ledger is what its history and its rates make of it, and nothing else."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from instance_images.db.engine import Database
from instance_images.db.schema import upgrade
from instance_images.db.tables import accounts, images, news
from instance_images.instants import floor_hour, system_clock
from instance_images.locations.site import Site
from instance_images.model.cloud import CloudImage, CloudImageStatus
from instance_images_billing.config import billing_settings
from instance_images_billing.hours.close import meter
from instance_images_billing.ledger import closings
from instance_images_billing.ledger.tables import history, rates

from support.clouds.embedded_cloud import EmbeddedCloud, Project
from support.clouds.memory_cloud import MemoryProvider
from support.processes.command_line import CommandLine

pytestmark = pytest.mark.cloud

LOCATION = "RegionOne"


class MovedClock:
    """The system's clock, moved forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self.ahead


def test_a_month_of_a_real_cloud_is_replayed_from_an_empty_ledger_to_the_same_digest(
    cloud: EmbeddedCloud, project: Project, cli: CommandLine, tmp_path: Path
) -> None:
    clock = MovedClock()
    cli.clock = clock
    live_a_month(cloud, project, cli, clock)
    original = cli.application.database
    again = Database(f"sqlite:///{tmp_path / 'again.db'}")
    upgrade(again)

    copy_what_is_known(original, again)
    site = remembered(cli.site(), again)
    done = meter(site, billing_settings(cli.application.settings), floor_hour(clock()))

    assert done.hours >= 31 * 24
    assert done.problems == []
    assert last_digest(again) == last_digest(original)


def live_a_month(
    cloud: EmbeddedCloud, project: Project, cli: CommandLine, clock: MovedClock
) -> None:
    """Capture, meter and delete on the real cloud, over 31 days of the product's clock."""
    account = ("--account", project.name)
    cloud.boot(project, "web")
    cli.ok("rate", "set", LOCATION, "0.05")
    cli.ok("image", "create", "web", "--name", "one", *account, "--wait")
    clock.ahead += timedelta(days=10, minutes=7)
    cli.ok("meter", "run")
    cli.ok("image", "create", "web", "--name", "two", *account, "--wait")
    clock.ahead += timedelta(days=12, hours=5, minutes=31)
    cli.ok("image", "delete", "one", *account, "--yes")
    clock.ahead += timedelta(days=9)
    cli.ok("meter", "run")
    cli.ok("meter", "verify")


def copy_what_is_known(original: Database, again: Database) -> None:
    """Give an empty ledger the records, the rates, and the history as news."""
    with original.reading() as source, again.writing() as target:
        for table in (accounts, images, rates):
            rows = [dict(row._mapping) for row in source.execute(sa.select(table))]
            target.execute(sa.insert(table), rows)
        names = {column.name for column in news.c} & {column.name for column in history.c}
        names -= {"news_key"}
        facts = source.execute(sa.select(history).order_by(history.c.history_key)).all()
        target.execute(
            sa.insert(news), [{name: fact._mapping[name] for name in names} for fact in facts]
        )


def remembered(site: Site, database: Database) -> Site:
    """Return the site on another database, with a cloud in memory that holds what is on record."""
    provider = MemoryProvider(site.location, site.clock)
    with database.reading() as connection:
        for row in connection.execute(sa.select(images).where(images.c.status == "available")):
            provider.images[row.cloud_image_id] = CloudImage(
                id=row.cloud_image_id,
                name=row.name,
                owner_id=owner_of(connection, row.account_key),
                status=CloudImageStatus.ACTIVE,
                size_bytes=row.size_bytes,
                virtual_size_bytes=row.virtual_size_bytes,
                min_disk_gib=0,
                min_ram_mib=0,
                changed_at=row.available_at,
            )
    return replace(site, provider=provider, database=database)


def owner_of(connection: sa.Connection, account_key: int) -> str:
    """Return the account's id."""
    query = sa.select(accounts.c.account_id).where(accounts.c.account_key == account_key)
    return connection.execute(query).scalar_one()


def last_digest(database: Database) -> str:
    """Return the digest of the last hour that was closed."""
    with database.reading() as connection:
        return closings.last_digest(connection, LOCATION)
