"""The hourly run: reads a location, derives intervals, and closes every hour that can be closed.

An hour is closed only after a complete reading that was begun after the hour's end. Its postings
and the move of the watermark are one transaction, and the watermark moves only from where it was
seen: whatever is repeated, interrupted or run twice at once, each hour is posted once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from instance_images.config import BillingSettings
from instance_images.instants import HOUR, floor_hour, format_instant
from instance_images.reconcile import Reading, read_location, record_reading
from instance_images.site import Site
from instance_images_billing import ledger
from instance_images_billing.ledger import Posting
from instance_images_billing.money import round_half_even
from instance_images_billing.periods import slices_of
from instance_images_billing.rating import Rate, charge_nanos, rate_at


@dataclass(slots=True)
class Metered:
    """What a run did at one location. ``problems`` are sentences for the operator."""

    location: str
    closed_until: datetime | None = None
    hours: int = 0
    postings: list[Posting] = field(default_factory=list)
    currency: str = ""
    problems: list[str] = field(default_factory=list)
    other_run: bool = False  # another run was at work here, and did what this one would have done


def meter(site: Site, billing: BillingSettings, until: datetime) -> Metered:
    """Close the location's hours that end at ``until`` or before, oldest first.

    Raises CloudUnavailable or ConfigurationError where the location cannot be read completely:
    then no hour is closed.
    """
    done = Metered(site.name)
    reading = read_location(site, act=True)
    hour: datetime | None
    try:
        with site.database.writing() as connection:
            hour = _prepare(connection, site, billing, reading, until, done)
    except IntegrityError:
        done.other_run = True
        return done
    while hour is not None:
        with site.database.writing() as connection:
            hour = _close_next(connection, site.name, billing.timezone, hour, until, done)
    return done


def rehearse(site: Site, billing: BillingSettings, until: datetime) -> Metered:
    """Return what ``meter`` would do, having changed nothing in the cloud or the database."""
    done = Metered(site.name)
    reading = read_location(site, act=False)
    with site.database.rehearsing() as connection:
        hour: datetime | None = _prepare(connection, site, billing, reading, until, done)
        while hour is not None:
            hour = _close_next(connection, site.name, billing.timezone, hour, until, done)
    return done


def _prepare(
    connection: sa.Connection,
    site: Site,
    billing: BillingSettings,
    reading: Reading,
    until: datetime,
    done: Metered,
) -> datetime:
    """Record the reading, derive the intervals, and return the first hour to close."""
    record_reading(connection, site, reading)
    closed_until = ledger.watermark(connection, site.name)
    if closed_until is not None:
        done.problems += [
            f"Image {image_id} began or ended before {format_instant(closed_until)}, up to where"
            " hours had been closed ahead of time: those hours stay as they are."
            for image_id in ledger.late_images(connection, site.name, closed_until)
        ]
    ledger.begin_intervals(connection, site.name, closed_until, billing.billable_size)
    ledger.end_intervals(connection, site.name, closed_until)
    done.closed_until = closed_until
    return closed_until or floor_hour(ledger.first_start(connection, site.name) or until)


def _close_next(
    connection: sa.Connection,
    location: str,
    timezone: ZoneInfo,
    hour: datetime,
    until: datetime,
    done: Metered,
) -> datetime | None:
    """Close the hour if it may be closed; return the next hour to try, None if there is none."""
    if hour + HOUR > until:
        return None
    rate = rate_at(ledger.list_rates(connection, location), hour)
    if rate is None:
        done.problems.append(
            f"{location} has no rate for the hour {format_instant(hour)}, so it stays open: run"
            f" 'instance-images rate set {location} PRICE --from {format_instant(hour)}'."
        )
        return None
    if not _claim(connection, location, hour):
        done.other_run = True
        return None
    new = _postings_of_hour(connection, location, timezone, hour, rate)
    ledger.insert_postings(connection, new)
    done.hours += 1
    done.postings += new
    done.closed_until = hour + HOUR
    done.currency = rate.currency
    return done.closed_until


def _claim(connection: sa.Connection, location: str, hour: datetime) -> bool:
    """Move the watermark past the hour; return False if another run was faster."""
    if ledger.watermark(connection, location) is None:
        try:
            with connection.begin_nested():
                ledger.begin_watermark(connection, location, hour)
        except IntegrityError:
            return False
    return ledger.move_watermark(connection, location, hour)


def _postings_of_hour(
    connection: sa.Connection, location: str, timezone: ZoneInfo, hour: datetime, rate: Rate
) -> Sequence[Posting]:
    return [
        Posting(
            used.account_key,
            part.start,
            used.byte_seconds,
            round_half_even(charge_nanos(used.byte_seconds, rate, part.period)),
        )
        for part in slices_of(hour, timezone)
        for used in ledger.usage(connection, location, part.start, part.end, rate.partial_hour)
    ]
