"""Sets a location's rate from an hour on. What was in force never changes."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa

from instance_images.config.settings import Location
from instance_images.db.engine import after_commit
from instance_images.errors import Refused, UsageError
from instance_images.instants import HOUR, floor_hour, format_instant
from instance_images_billing.config import BillingSettings
from instance_images_billing.ledger import rates, watermarks
from instance_images_billing.pricing.money import price_text
from instance_images_billing.pricing.rating import Rate, rate_at
from instance_images_billing.pricing.units import UNIT_BYTES

LOG = logging.getLogger(__name__)

# A date of more is a slip of the keyboard, and no year that a rate or a report cannot handle.
MAX_AHEAD = timedelta(days=3653)


class RateInForce(Refused):
    """The rate would change hours that another rate is in force for, or that are closed."""

    code = "rate_in_force"


class Retroactive(RateInForce):
    """The rate would begin in the past, and nobody said that it is to."""

    code = "retroactive"

    def __init__(self, location: str, from_hour: datetime, next_hour: datetime) -> None:
        super().__init__(
            f"The rate of {location} cannot begin at {format_instant(from_hour)}: charges of hours"
            f" that have begun would change. Choose {format_instant(next_hour)} or later.",
            case="retroactive",
        )


def set_rate(
    connection: sa.Connection,
    location: Location,
    billing: BillingSettings,
    price_nanos: int,
    from_hour: datetime | None,
    now: datetime,
    *,
    retroactive: bool = False,
) -> Rate:
    """Set the price from a full hour on, with the terms of the configuration; return the rate.

    Without ``from_hour`` a location's first rate begins with the present hour, every later one
    with the next. Raises RateInForce where hours are closed already, or a rate is in force; and
    Retroactive where the hour has passed, unless the rate is said to be ``retroactive``. Raises
    UsageError where the hour is more than MAX_AHEAD from now.
    """
    watermarks.lock_location(connection, location.name)
    known = rates.list_rates(connection, location.name)
    closed_until = watermarks.watermark(connection, location.name)
    if from_hour is None:
        from_hour = floor_hour(now) + HOUR if known else floor_hour(now)
    if from_hour - now > MAX_AHEAD:
        raise UsageError(
            f"The rate of {location.name} cannot begin at {format_instant(from_hour)}: that is more"
            f" than 10 years from now. Choose {format_instant(floor_hour(now + MAX_AHEAD))} or"
            " earlier."
        )
    fault = _fault(known, closed_until, from_hour, now)
    if fault:
        raise RateInForce(
            f"The rate of {location.name} cannot begin at {format_instant(from_hour)}: {fault}"
        )
    if not retroactive and is_retroactive(known, from_hour, now):
        raise Retroactive(location.name, from_hour, floor_hour(now) + HOUR)
    rate = rate_with_terms(location, billing, price_nanos, from_hour, now)
    rates.write_rate(connection, rate)
    after_commit(connection, partial(_log, rate))
    return rate


def _log(rate: Rate) -> None:
    LOG.info(
        "%s: rate set to %s %s per %s and month from %s",
        rate.location,
        price_text(rate.price_nanos),
        rate.currency,
        rate.unit,
        format_instant(rate.from_hour),
    )


def is_retroactive(known: Sequence[Rate], from_hour: datetime, now: datetime) -> bool:
    """Return whether a rate from that hour on changes what was known of hours that have begun.

    The present hour of a location that has no rate for it is priced for the first time.
    """
    if rate_at(known, from_hour) is None:
        return from_hour < floor_hour(now)
    return from_hour <= now


def rate_with_terms(
    location: Location,
    billing: BillingSettings,
    price_nanos: int,
    from_hour: datetime,
    now: datetime,
) -> Rate:
    """Return a rate of that price with the terms of the configuration.

    An allowance that is no whole number of bytes is rounded down to one.
    """
    return Rate(
        location=location.name,
        from_hour=from_hour,
        price_nanos=price_nanos,
        currency=location.currency,
        unit=billing.unit,
        hours_per_month=billing.hours_per_month,
        partial_hour=billing.partial_hour,
        set_at=now,
        free_bytes=int(location.free_units * UNIT_BYTES[billing.unit]),
        minimum_nanos=location.minimum_charge_nanos,
    )


def _fault(
    known: list[Rate], closed_until: datetime | None, from_hour: datetime, now: datetime
) -> str | None:
    """Return why no rate can begin at the hour, or None if one can."""
    if closed_until is not None and from_hour <= closed_until:
        return (
            f"hours are closed up to {format_instant(closed_until)}, and the hour that follows"
            f" has its rate. Choose {format_instant(closed_until + HOUR)} or later."
        )
    for rate in known:
        if rate.from_hour == from_hour and from_hour <= now:
            return (
                f"the rate {price_text(rate.price_nanos)} {rate.currency} has been in force since"
                " then and cannot be changed. Choose a later hour."
            )
    return None
