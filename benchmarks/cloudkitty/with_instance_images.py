"""The product's part: the same world through ``meter``, with a driver in memory.

    with_instance_images.py ACTION DIRECTORY

Runs in the product's environment; DIRECTORY holds world.json. Prints JSON.
"""

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from world import HOUR, LATE_PRICE, PRICE, HourByHour, World, load, peak_memory_mb

from instance_images.config.settings import Location
from instance_images.db.billing_queue import tell
from instance_images.db.engine import Database
from instance_images.db.exact import ExactSum
from instance_images.db.schema import upgrade
from instance_images.db.tables import accounts, images, news
from instance_images.errors import InstanceImagesError
from instance_images.locations.site import Site
from instance_images.model.cloud import CloudImage, CloudImageStatus
from instance_images.model.image_events import Event, Learning, Source
from instance_images_billing.config import BillingSettings
from instance_images_billing.hours import close
from instance_images_billing.ledger import postings as ledger
from instance_images_billing.ledger import watermarks as ledger_watermarks
from instance_images_billing.ledger.histories import FACT_COLUMNS
from instance_images_billing.ledger.tables import postings, watermarks
from instance_images_billing.pricing.money import decimal_of, parse_price
from instance_images_billing.rates import rates

from support.clouds.memory_cloud import MemoryProvider
from support.processes.command_line import SetClock

LOCATION = Location(
    name="RegionOne",
    enabled=True,
    provider="memory",
    cloud="memory",
    region_name="RegionOne",
    currency="EUR",
    max_images=1000,
)
BILLING = BillingSettings(
    unit="GB",
    hours_per_month="730",
    partial_hour="prorate",
    timezone=ZoneInfo("UTC"),
    billable_size="stored",
)
SHORT_LIFE = timedelta(minutes=20)


def prepare(world: World, site: Site) -> dict[str, Any]:
    """Make the tables, set the price, and record the images as captured before the first hour."""
    upgrade(site.database)
    with site.database.writing() as connection:
        _set_price(connection, PRICE, world.first_hour)
        ledger_watermarks.begin_watermark(connection, LOCATION.name, world.first_hour)
        for key, account_id in enumerate(world.account_ids(), start=1):
            row = {"location": LOCATION.name, "account_id": account_id, "account_name": account_id}
            connection.execute(sa.insert(accounts).values(account_key=key, **row))
            rows = [_row(world, key, account_id, *image) for image in world.images_of(account_id)]
            connection.execute(sa.insert(images), rows)
        told = sa.select(
            images.c.image_id,
            images.c.account_key,
            sa.literal(Event.AVAILABLE.value),
            images.c.available_at,
            images.c.size_bytes,
            images.c.available_at,
            sa.literal(Source.COMMAND.value),
        )
        connection.execute(sa.insert(news).from_select(FACT_COLUMNS, told))
    return {}


def _row(
    world: World, key: int, account_id: str, image_id: str, name: str, size_bytes: int
) -> dict[str, Any]:
    return {
        "image_id": image_id,
        "account_key": key,
        "name": name,
        "source_instance_id": image_id,
        "source_instance_name": name,
        "size_bytes": size_bytes,
        "status": "available",
        "consistency": "crash",
        "created_at": world.first_hour,
        "available_at": world.first_hour,
        "task_id": image_id,
        "cloud_image_id": image_id,
        "project_id": account_id,
    }


def _set_price(connection: sa.Connection, price: str, from_hour: datetime) -> None:
    rate, now = parse_price(price), datetime.now(UTC)
    rates.set_rate(
        connection=connection,
        location=LOCATION,
        billing=BILLING,
        price_nanos=rate,
        from_hour=from_hour,
        now=now,
        retroactive=True,
    )


def rate(world: World, site: Site) -> dict[str, Any]:
    """Run the meter over all hours: it reads the cloud once, within the first hour's time."""
    hours, claim = HourByHour(), ledger_watermarks.move_watermark

    def claim_next(connection: sa.Connection, location: str, hour: datetime) -> bool:
        if hour > world.first_hour:
            hours.ended()  # the one before
        return claim(connection, location, hour)

    setattr(ledger_watermarks, "move_watermark", claim_next)  # noqa: B010 (types)
    done = close.meter(site, BILLING, world.end)
    hours.ended()
    return {
        **hours.total(),
        "peak_memory_mb": peak_memory_mb(),
        "hours_closed": done.hours,
    }


def rate_next(world: World, site: Site) -> dict[str, Any]:
    """Run the meter once more, an hour later, as cron does: it reads the cloud for that hour."""
    hours = HourByHour()
    close.meter(site, BILLING, world.end + HOUR)
    return hours.total()


def crash(world: World, site: Site) -> dict[str, Any]:
    """Close the first hour, and die when its postings are written and nothing is committed."""
    written = ledger.insert_postings

    def write_and_die(*arguments: Any) -> None:
        written(*arguments)
        os._exit(137)

    setattr(ledger, "insert_postings", write_and_die)  # noqa: B010 (types)
    return rate(world, site)


def reset(world: World, site: Site) -> dict[str, Any]:
    """Set the watermark back by hand, as nothing in the product does, and run again."""
    with site.database.writing() as connection:
        connection.execute(sa.update(watermarks).values(hour=world.first_hour))
    try:
        return rate(world, site)
    except Exception as error:
        return {"refused": type(error).__name__}


def late_price(world: World, site: Site) -> dict[str, Any]:
    """Set another price from the first hour on, after the hours were closed."""
    try:
        with site.database.writing() as connection:
            _set_price(connection, LATE_PRICE, world.first_hour)
    except InstanceImagesError as error:
        return {"refused": str(error)}
    return {}


def short_life(world: World, site: Site) -> dict[str, Any]:
    """Delete the images twenty minutes after they became available."""
    with site.database.writing() as connection:
        deleted = {"status": "deleted", "deleted_at": world.first_hour + SHORT_LIFE}
        connection.execute(sa.update(images).values(**deleted))
        learning = Learning(world.first_hour, Source.COMMAND)
        for image_id in connection.execute(sa.select(images.c.image_id)).scalars().all():
            tell(connection, image_id, Event.DELETED, deleted["deleted_at"], learning)
    return {}


def count(world: World, site: Site) -> dict[str, Any]:
    """Return how many rows are posted, and what they sum up to."""
    query = sa.select(sa.func.count(), ExactSum(postings.c.amount_nanos))
    with site.database.reading() as connection:
        rows, nanos = connection.execute(query).one()
    return {"rows": rows, "total": f"{decimal_of(nanos or 0):f}"}


class ListedCloud(MemoryProvider):
    """A cloud that has every image of the world."""

    def __init__(self, world: World, clock: SetClock) -> None:
        super().__init__(LOCATION, clock)
        for account_id in world.account_ids():
            for image_id, name, size_bytes in world.images_of(account_id):
                self.images[image_id] = CloudImage(
                    id=image_id,
                    name=name,
                    owner_id=account_id,
                    status=CloudImageStatus.ACTIVE,
                    size_bytes=size_bytes,
                    virtual_size_bytes=None,
                    min_disk_gib=0,
                    min_ram_mib=0,
                    changed_at=clock.now,
                )


Action = Callable[[World, Site], dict[str, Any]]
ACTIONS: dict[str, Action] = {
    action.__name__: action
    for action in (prepare, rate, rate_next, crash, reset, late_price, short_life, count)
}


def main(action: str, directory: Path) -> None:
    """Do one thing with the world in the directory."""
    world = load(directory / "world.json")
    clock = SetClock(world.end + HOUR)
    site = Site(
        location=LOCATION,
        provider=ListedCloud(world, clock),
        database=Database(world.database_url),
        clock=clock,
        default_max_images=1000,
    )
    print(json.dumps(ACTIONS[action](world, site)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
