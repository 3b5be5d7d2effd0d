"""A location with a cloud in memory and a clock that the test sets, on a real database."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images.config.settings import Location, Settings
from instance_images.db.accounts import accounts_by_key
from instance_images.db.engine import Database
from instance_images.db.images import insert_image
from instance_images.db.tables import accounts
from instance_images.images.capture import capture, prepared
from instance_images.images.capture import reserve as reserve_slot
from instance_images.images.delete import delete
from instance_images.instants import floor_hour
from instance_images.locations.site import Site
from instance_images.model.requests.idempotency import RequestIds
from instance_images.tasks.settling import settle
from instance_images_billing.config import BillingSettings
from instance_images_billing.hours.close import Metered, meter
from instance_images_billing.ledger import watermarks
from instance_images_billing.ledger.adjustments import of_location
from instance_images_billing.ledger.tables import postings
from instance_images_billing.pricing.charged import Posting
from instance_images_billing.pricing.corrections import Adjustment
from instance_images_billing.pricing.periods import parse_period
from instance_images_billing.rates import rates
from instance_images_reports.collect.account import collect
from instance_images_reports.collect.cutoff import list_places
from instance_images_reports.statement.statement import Statement

from support.clouds.memory_cloud import GB, MemoryProvider
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


def at(text: str) -> datetime:
    """Read ``2T12:30`` as the instant on the second of November 2026."""
    day, _, clock = text.partition("T")
    return datetime.fromisoformat(f"2026-11-{int(day):02}T{clock}").replace(tzinfo=UTC)


class World:
    """What the tests do at instants that they choose."""

    def __init__(
        self,
        database: Database,
        billing: BillingSettings = BILLING,
        location: Location = LOCATION,
    ) -> None:
        self.database = database
        self.billing = billing
        self.location = location
        self.clock = SetClock(at("1T00:00"))
        self.cloud = MemoryProvider(location, self.clock)
        self.site = Site(
            location=location,
            provider=self.cloud,
            database=database,
            clock=self.clock,
            default_max_images=1000,
        )

    def with_terms(self, **terms: object) -> "World":
        """Use other terms for the rates to come, or another time zone."""
        self.billing = replace(self.billing, **terms)  # type: ignore[arg-type]
        return self

    def set_rate(
        self, price_nanos: int = 730 * 10**9, from_hour: str | datetime = "1T00:00"
    ) -> None:
        """Set a rate; the default one makes an hour of a GB cost one EUR."""
        with self.database.writing() as connection:
            rates.set_rate(
                connection=connection,
                location=self.location,
                billing=self.billing,
                price_nanos=price_nanos,
                from_hour=from_hour if isinstance(from_hour, datetime) else at(from_hour),
                now=self.clock(),
                retroactive=True,
            )

    def capture(
        self, when: str | datetime, name: str = "image", account: str = "a", size: int = GB
    ) -> str:
        """Capture an image that is available at once; return its id."""
        self.clock.now = when if isinstance(when, datetime) else at(when)
        owner = self.cloud.account(account)
        image_id = capture(self.site, owner, f"vm-{name}", name).image_id
        self.cloud.activate(size)
        settle(self.site, owner.id)
        return image_id

    def delete(self, when: str | datetime, image_id: str, account: str = "a") -> None:
        """Delete the image."""
        self.clock.now = when if isinstance(when, datetime) else at(when)
        delete(self.site, self.cloud.account(account), image_id)

    def run(self, when: str | datetime, until: str | datetime | None = None) -> Metered:
        """Run the meter; ``until`` is later than now where hours are closed ahead of time."""
        self.clock.now = when if isinstance(when, datetime) else at(when)
        last = until or self.clock.now
        return meter(
            self.site,
            self.billing,
            floor_hour(last if isinstance(last, datetime) else at(last)),
        )

    def postings(self, account: str | None = None) -> list[Posting]:
        """Return all postings, or those of one account, in the order of their hours."""
        query = (
            sa.select(postings)
            .join(accounts, accounts.c.account_key == postings.c.account_key)
            .order_by(postings.c.starts_at, postings.c.account_key)
        )
        if account is not None:
            query = query.where(accounts.c.account_id == account)
        with self.database.reading() as connection:
            return [Posting(**row._mapping) for row in connection.execute(query)]

    def seconds(self, account: str | None = None) -> dict[str, int]:
        """Return the GB-seconds of each posting by the hour that it starts at, as ``2T12:00``."""
        return {
            f"{p.starts_at.day}T{p.starts_at:%H:%M}": p.byte_seconds // GB
            for p in self.postings(account)
        }

    def adjustments(self, account: str | None = None) -> list[Adjustment]:
        """Return all adjustments, or those of one account, in the order of posting."""
        with self.database.reading() as connection:
            keys = {
                key: row.account_id
                for key, row in accounts_by_key(connection, self.location.name).items()
            }
            return [
                one
                for one in of_location(connection, self.location.name)
                if account in (None, keys[one.account_key])
            ]

    def statement(self, account: str = "a", period: str = "2026-11") -> Statement:
        """Return the account's statement."""
        configured = Settings(
            locations=(self.location,),
            database_connection="",
            parts={"billing": self.billing},
            default_max_images=10,
        )
        with self.database.reading() as connection:
            found = list_places(connection, account_id=account)[0].account
            month = parse_period(period, self.billing.timezone)
            return collect(connection, configured, found, month, None)

    def watermark(self) -> datetime | None:
        """Return up to when hours are closed."""
        with self.database.reading() as connection:
            return watermarks.watermark(connection, self.location.name)


def reserve(world: World, account: str, name: str, max_images: int) -> None:
    """Take a slot of the account, which may hold so many images, for a capture of its own."""
    location = replace(LOCATION, max_images=max_images)
    site = Site(
        location=location,
        provider=world.cloud,
        database=world.database,
        clock=world.clock,
        default_max_images=max_images,
    )
    server = world.cloud.find_server(account, f"vm-{account}-{name}")
    request = prepared(site, server, name, RequestIds(str(uuid.uuid4()), str(uuid.uuid4())))

    def add(connection: sa.Connection, account_key: int) -> None:
        insert_image(connection, account_key, request)

    reserve_slot(site, world.cloud.account(account), request, add)
