"""What a location offers to customers now: whether images are offered, and at what price."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from instance_images.config.settings import Location
from instance_images_billing.ledger import rates
from instance_images_billing.pricing.rating import Rate, rate_at


@dataclass(frozen=True, slots=True)
class Offer:
    """A location, its rate now, and the one that follows; None where there is none.

    ``billable_size`` is which size of an image is charged: ``stored`` or ``virtual``.
    """

    location: Location
    rate: Rate | None
    next_rate: Rate | None
    billable_size: str


def offer_of(
    connection: sa.Connection, location: Location, billable_size: str, now: datetime
) -> Offer:
    """Return what the location offers now."""
    known = rates.list_rates(connection, location.name)
    later = [rate for rate in known if rate.from_hour > now]
    return Offer(location, rate_at(known, now), later[0] if later else None, billable_size)
