"""How far each location is metered."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from instance_images.db import readings
from instance_images.instants import HOUR, floor_hour
from instance_images_billing.ledger import postings as ledger
from instance_images_billing.ledger import rates, watermarks
from instance_images_billing.pricing.rating import Rate, rate_at


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterStatus:
    """A location's state in the ledger. ``hours_behind`` counts hours that have ended, unclosed."""

    location: str
    metered_until: datetime | None
    hours_behind: int
    billable_images: int
    last_read_at: datetime | None
    rate: Rate | None


def status_of(connection: sa.Connection, location: str, now: datetime) -> MeterStatus:
    """Return how far the location is metered at the instant ``now``."""
    closed_until = watermarks.watermark(connection, location)
    begins = closed_until or ledger.first_start(connection, location)
    behind = (floor_hour(now) - floor_hour(begins)) // HOUR if begins else 0
    return MeterStatus(
        location=location,
        metered_until=closed_until,
        hours_behind=max(behind, 0),
        billable_images=ledger.count_open(connection, location),
        last_read_at=readings.last_read_at(connection, location),
        rate=rate_at(rates.list_rates(connection, location), floor_hour(now)),
    )
