"""The hourly run: reads a location, derives intervals, and closes every hour that can be closed.

An hour is closed only after a complete reading that was begun after the hour's end. Its postings
and the move of the watermark are one transaction, and the watermark moves only from where it was
seen: whatever is repeated, interrupted or run twice at once, each hour is posted once. What became
known too late for its hour is posted as adjustments, in the transaction that records it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from instance_images.db.accounts import account_ids
from instance_images.errors import ConfigurationError
from instance_images.instants import HOUR, Clock, floor_hour, format_instant
from instance_images.locations.site import Site
from instance_images.sync.reconcile import Reading, follow_up, read_location, record_reading
from instance_images_billing.config import BillingSettings
from instance_images_billing.hours.balance import Balance, balance
from instance_images_billing.hours.intervals import Books, take_news
from instance_images_billing.hours.unchanged import LastHour
from instance_images_billing.ledger import adjustments, closings, watermarks
from instance_images_billing.ledger import postings as ledger
from instance_images_billing.ledger import rates as ledger_rates
from instance_images_billing.ledger.anchors import Anchor
from instance_images_billing.ledger.chain import link_hour
from instance_images_billing.ledger.closed_periods import require_timezone
from instance_images_billing.pricing.charged import Posting
from instance_images_billing.pricing.corrections import Adjustment
from instance_images_billing.pricing.periods import slices_of
from instance_images_billing.pricing.rating import Rate, rate_at, slice_price

# A clock that is set back by hours, or by a wrong date, is followed: each correction is exact, and
# the bills are right again when the time has caught up. Beyond that, either the clock was reset,
# and deletions would seem to be older than their images, or hours were closed far ahead by mistake,
# and whole months would be charged in advance.
CLOCK_TOLERANCE = timedelta(days=7)


class ClockBehind(ConfigurationError):
    """The clock of this host and the closed hours cannot both be right."""

    code = "clock_behind"

    def __init__(self, location: str, now: datetime, closed_until: datetime) -> None:
        super().__init__(
            f"The clock of this host shows {format_instant(now)}, but hours of {location} are"
            f" closed up to {format_instant(closed_until)}. If the clock is wrong, set it. If hours"
            " were closed ahead of time by mistake, restore the ledger from a backup.",
            case="clock behind",
        )


@dataclass(slots=True, kw_only=True)
class Metered:
    """What a run did at one location. ``problems`` are sentences for the operator."""

    location: str
    closed_until: datetime | None = None
    hours: int = 0
    postings: list[Posting] = field(default_factory=list)
    adjustments: list[Adjustment] = field(default_factory=list)
    currency: str = ""
    problems: list[str] = field(default_factory=list)
    other_run: bool = False  # another run was at work here, and did what this one would have done
    newest: Anchor | None = None  # the digest of the last closed hour
    balance: Balance | None = None  # None where the location was not read


def meter(
    site: Site,
    billing: BillingSettings,
    until: datetime,
    *,
    accept_missing: bool = False,
    accept_clock: bool = False,
) -> Metered:
    """Close the location's hours that end at ``until`` or before, oldest first.

    What no hour waits for is done afterwards: whatever an account has there, it delays no bill.
    Raises CloudUnavailable or ConfigurationError where the location cannot be read completely, and
    ImagesMissing where most of its images are gone: then no hour is closed. Raises ClockBehind
    where the clock is so far behind the closed hours that either is wrong; then nothing is read.
    """
    if not accept_clock:
        _require_clock(site, until)
    reading = read_location(site, act=True, accept_missing=accept_missing)
    done = Metered(location=site.name, problems=list(reading.problems))
    try:
        run = site.database.write(
            lambda connection: prepare(
                connection=connection,
                site=site,
                billing=billing,
                reading=reading,
                until=until,
                done=done,
            )
        )
    except IntegrityError:
        done.other_run = True
        return done
    with site.database.reading() as connection:
        done.balance = balance(connection, site, reading)
    done.balance.log()
    close_hours(site, run, until, done)
    done.newest = _newest(site)
    done.problems += follow_up(site)
    return done


def close_hours(site: Site, run: "Run", until: datetime, done: Metered) -> None:
    """Close the hours from the run's first one on, each in a transaction of its own."""
    hour = run.first_hour
    while hour is not None:
        closing = site.database.write(partial(_close_next, run=run, hour=hour, until=until))
        hour = _note(done, closing, hour)


def _require_clock(site: Site, until: datetime) -> None:
    """Raise ClockBehind; whoever closes hours ahead of time on purpose names a later ``until``."""
    with site.database.reading() as connection:
        closed_until = watermarks.watermark(connection, site.name)
    now = site.clock()
    if closed_until is not None and closed_until - max(now, until) > CLOCK_TOLERANCE:
        raise ClockBehind(site.name, now, closed_until)


def _newest(site: Site) -> Anchor | None:
    with site.database.reading() as connection:
        last = closings.last_closing(connection, site.name)
    return Anchor(last.digest, last.hour, location=site.name) if last else None


def rehearse(
    site: Site,
    billing: BillingSettings,
    until: datetime,
    *,
    accept_missing: bool = False,
    accept_clock: bool = False,
) -> Metered:
    """Return what ``meter`` would do, having changed nothing in the cloud or the database."""
    if not accept_clock:
        _require_clock(site, until)
    reading = read_location(site, act=False, accept_missing=accept_missing)
    done = Metered(location=site.name, problems=list(reading.problems))
    with site.database.rehearsing() as connection:
        run = prepare(
            connection=connection,
            site=site,
            billing=billing,
            reading=reading,
            until=until,
            done=done,
        )
        done.balance = balance(connection, site, reading)
        hour = run.first_hour
        while hour is not None:
            hour = _note(done, _close_next(connection, run, hour, until), hour)
    return done


def balance_now(site: Site, billing: BillingSettings) -> Balance:
    """Return the balance that a run would leave now, having changed nothing.

    Raises as ``meter`` does where the location cannot be read.
    """
    reading = read_location(site, act=False)
    with site.database.rehearsing() as connection:
        prepare(
            connection=connection,
            site=site,
            billing=billing,
            reading=reading,
            until=site.clock(),
            done=Metered(location=site.name),
        )
        return balance(connection, site, reading)


@dataclass(frozen=True, slots=True)
class Run:
    """What all hours of a run have in common."""

    location: str
    timezone: ZoneInfo
    clock: Clock
    account_ids: dict[int, str]
    first_hour: datetime | None
    last_hour: LastHour = field(default_factory=LastHour)


def prepare(
    connection: sa.Connection,
    site: Site,
    billing: BillingSettings,
    reading: Reading,
    until: datetime,
    done: Metered,
) -> Run:
    """Record the reading, take in what it has brought, and return where closing begins."""
    record_reading(connection, site, reading)
    watermarks.lock_location(connection, site.name)
    require_timezone(connection, billing.timezone)
    closed_until = watermarks.watermark(connection, site.name)
    rates = ledger_rates.list_rates(connection, site.name)
    books = Books(closed_until, rates, billing.timezone, site.clock())
    done.adjustments = take_news(connection, site.name, billing.billable_size, books)
    done.closed_until = closed_until
    if done.adjustments:
        done.currency = rates[-1].currency
    first_hour = closed_until or floor_hour(ledger.first_start(connection, site.name) or until)
    return Run(
        site.name,
        billing.timezone,
        site.clock,
        account_ids(connection, site.name),
        first_hour,
    )


@dataclass(frozen=True, slots=True)
class _Closing:
    """What came of an hour: its postings and their currency, or why it was not closed."""

    posted: Sequence[Posting] | None = None
    currency: str = ""
    problem: str = ""
    other_run: bool = False


def _close_next(connection: sa.Connection, run: Run, hour: datetime, until: datetime) -> _Closing:
    """Close the hour if it may be closed."""
    if hour + HOUR > until:
        return _Closing()
    rate = rate_at(ledger_rates.list_rates(connection, run.location), hour)
    if rate is None:
        return _Closing(
            problem=f"{run.location} has no rate for the hour {format_instant(hour)}, so it stays"
            f" open: run 'instance-images rate set {run.location} PRICE --from"
            f" {format_instant(hour)} --retroactive'."
        )
    if not _claim(connection, run.location, hour):
        return _Closing(other_run=True)
    new = _postings_of_hour(connection, run, hour, rate)
    ledger.insert_postings(connection, new)
    _link(connection, run, hour, rate, new)
    return _Closing(new, rate.currency)


def _note(done: Metered, closing: _Closing, hour: datetime) -> datetime | None:
    """Add what came of the hour, once that is committed; return the next hour to try, if any."""
    if closing.problem:
        done.problems.append(closing.problem)
    if closing.other_run:
        done.other_run = True
    if closing.posted is None:
        return None
    done.hours += 1
    done.postings += closing.posted
    done.closed_until = hour + HOUR
    done.currency = closing.currency
    return done.closed_until


def _claim(connection: sa.Connection, location: str, hour: datetime) -> bool:
    """Move the watermark past the hour; return False if another run was faster."""
    watermarks.lock_location(connection, location)
    if watermarks.watermark(connection, location) is None:
        watermarks.begin_watermark(connection, location, hour)
    return watermarks.move_watermark(connection, location, hour)


def _link(
    connection: sa.Connection, run: Run, hour: datetime, rate: Rate, new: Sequence[Posting]
) -> None:
    """Chain the hour to the one before, with all that is counted in it."""
    adjusted = adjustments.counted_in(connection, run.location, hour)
    keys = {one.account_key for one in new} | {one.account_key for one in adjusted}
    if not keys <= run.account_ids.keys():
        run.account_ids.update(account_ids(connection, run.location))  # another run took it in
    before = closings.last_digest(connection, run.location)
    first = adjustments.reversed_by(connection, adjusted)
    closings.insert_closing(
        connection,
        link_hour(
            before=before,
            rate=rate,
            hour=hour,
            posted=new,
            adjusted=adjusted,
            account_ids=run.account_ids,
            closed_at=run.clock(),
            reversed_rows=first,
        ),
    )


def _postings_of_hour(
    connection: sa.Connection, run: Run, hour: datetime, rate: Rate
) -> Sequence[Posting]:
    found: list[Posting] = []
    for part in slices_of(hour, run.timezone):
        price = slice_price(rate, part)
        posted = run.last_hour.posted_again(connection, run.location, part, price)
        if posted is None:
            used = ledger.usage(connection, run.location, part.start, part.end, rate.partial_hour)
            posted = [
                Posting(key, part.start, byte_seconds, price.nanos(byte_seconds))
                for key, byte_seconds in used
            ]
        run.last_hour.keep(part, price, posted)
        found += posted
    return found
