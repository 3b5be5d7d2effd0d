"""``instance-images rate`` and ``instance-images meter``. Commands wire and hold no logic."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from instance_images.commands.options import locations_of, locations_option, pass_invocation
from instance_images.commands.output import format_option, instant_text, show_list
from instance_images.errors import UsageError
from instance_images.instants import floor_hour, format_instant, parse_hour, parse_instant
from instance_images_billing.audit_commands import adjust, verify

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images.config import Location
    from instance_images_billing.metering import Metered
    from instance_images_billing.outcome import Outcome
    from instance_images_billing.rating import Rate


@click.group()
def rate() -> None:
    """Show and set the price of stored images."""


@rate.command("set")
@click.argument("location")
@click.argument("price")
@click.option("--currency", metavar="CODE", help="Refuse unless the location has this currency.")
@click.option(
    "--from",
    "from_text",
    metavar="HOUR",
    help="Full hour from which it holds, as in 2026-12-01T00:00Z. [default: the next hour; for a"
    " location's first rate the present one]",
)
@click.option(
    "--preview",
    "is_preview",
    is_flag=True,
    help="Show what last month's usage would have cost; change nothing.",
)
@pass_invocation
def set_rate(
    invocation: Invocation,
    location: str,
    price: str,
    currency: str | None,
    from_text: str | None,
    is_preview: bool,
) -> None:
    """Set the price per GB and month of a location from an hour on.

    Unit, hours per month, partial hours, allowance and minimum charge are taken from the
    configuration into the rate, and stay with it. A rate that has come into force never changes.

    Example: instance-images rate set RegionOne 0.05 --from 2026-12-01T00:00Z
    """
    from instance_images_billing import rates
    from instance_images_billing.money import parse_price, price_text

    application = invocation.application
    configured = application.settings.location(location)
    if currency is not None and currency != configured.currency:
        raise UsageError(
            f"{configured.name} has the currency {configured.currency}, not {currency!r}: change"
            f" currency in [location:{configured.name}] first, or leave --currency out."
        )
    price_nanos = parse_price(price)
    if is_preview:
        _preview(invocation, configured, price_nanos)
        return
    from_hour = parse_hour(from_text) if from_text is not None else None
    with application.database.writing() as connection:
        new = rates.set_rate(
            connection,
            configured,
            application.settings.billing,
            price_nanos,
            from_hour,
            invocation.clock(),
        )
    click.echo(
        f"{new.location}: {price_text(new.price_nanos)} {new.currency} per {new.unit} and month"
        f" ({new.hours_per_month} hours, partial hours: {new.partial_hour}{_extra_terms(new)}) from"
        f" {format_instant(new.from_hour)}."
    )


def _extra_terms(rate: Rate) -> str:
    from instance_images.commands.output import size_text
    from instance_images_billing.money import price_text

    free = f", free: {size_text(rate.free_bytes)}" if rate.free_bytes else ""
    minimum = f", minimum charge: {price_text(rate.minimum_nanos)}" if rate.minimum_nanos else ""
    return free + minimum


def _preview(invocation: Invocation, location: Location, price_nanos: int) -> None:
    from instance_images_billing.preview import preview_rate
    from instance_images_billing.rates import rate_with_terms
    from instance_images_billing.views import PREVIEW

    billing, now = invocation.application.settings.billing, invocation.clock()
    new = rate_with_terms(location, billing, price_nanos, floor_hour(now), now)
    with invocation.application.database.snapshot() as connection:
        shown = preview_rate(connection, new, billing.timezone, now)
    show_list(PREVIEW, [shown], None)


@rate.command("list")
@locations_option
@format_option
@pass_invocation
def list_rates(invocation: Invocation, location: str | None, output_format: str | None) -> None:
    """List the rates of the locations, past, present and to come.

    Example: instance-images rate list
    """
    from instance_images_billing import ledger
    from instance_images_billing.views import RATE

    with invocation.application.database.reading() as connection:
        found = [
            known
            for name in locations_of(invocation, location)
            for known in ledger.list_rates(connection, name)
        ]
    show_list(RATE, found, output_format)


@click.group()
def meter() -> None:
    """Meter the images into the ledger, hour by hour."""


meter.add_command(adjust)
meter.add_command(verify)


@meter.command("run")
@locations_option
@click.option(
    "--as-of",
    "as_of",
    metavar="INSTANT",
    help="Close the hours that end at this instant or before, as in 2026-11-23T12:00Z."
    " [default: now]",
)
@click.option("--dry-run", is_flag=True, help="Print the postings; change nothing.")
@click.option(
    "--allow-future",
    is_flag=True,
    help="Accept an instant after now: hours are closed ahead of time. For throw-away ledgers.",
)
@pass_invocation
def run_meter(
    invocation: Invocation,
    location: str | None,
    as_of: str | None,
    dry_run: bool,
    allow_future: bool,
) -> None:
    """Read the locations and close every hour that has ended.

    Run it every hour. It may be repeated, interrupted and run on several machines at once; hours
    that were missed are caught up, and none is posted twice. Up to eight locations are worked on
    at the same time: one that is slow, or fails, holds up no other.

    Example: instance-images meter run
    """
    from instance_images.parallel import as_they_end
    from instance_images_billing.metering import meter as meter_site
    from instance_images_billing.metering import rehearse
    from instance_images_billing.outcome import Outcome

    until = _until(as_of, allow_future, invocation.clock())
    application = invocation.application
    names = locations_of(invocation, location)
    if not dry_run:
        invocation.start_log()
    act = rehearse if dry_run else meter_site
    outcomes = [Outcome(name) for name in names]

    def run(outcome: Outcome) -> Outcome:
        with outcome.observed():
            site = application.site(outcome.location)
            outcome.done = act(site, application.settings.billing, until)
        return outcome

    try:
        for outcome in as_they_end(run, outcomes):
            _tell(outcome, dry_run)
            if dry_run and outcome.done:
                _show_postings(invocation, outcome.done)
    finally:
        if not dry_run:
            _publish_metrics(invocation, [outcome for outcome in outcomes if outcome.has_begun])
    invocation.exit_code = _exit_code(outcomes)


def _until(as_of: str | None, allow_future: bool, now: datetime) -> datetime:
    """Return the end of the last hour that may be closed."""
    if as_of is None:
        return floor_hour(now)
    instant = parse_instant(as_of)
    if instant > now and not allow_future:
        raise UsageError(
            f"{format_instant(instant)} is after now ({format_instant(now)}): hours that have not"
            " ended cannot be closed. (--allow-future does it, on a ledger to throw away.)"
        )
    return floor_hour(instant)


def _exit_code(outcomes: list[Outcome]) -> int:
    failures = [outcome.error for outcome in outcomes if outcome.error]
    if failures and len(failures) == len(outcomes):
        return failures[0].exit_code
    problems = any(outcome.done.problems for outcome in outcomes if outcome.done)
    return 1 if failures or problems else 0


def _tell(outcome: Outcome, dry_run: bool) -> None:
    from instance_images_billing.money import price_text

    if outcome.error:
        click.echo(f"Error: {outcome.location} is not metered: {outcome.error}", err=True)
    done = outcome.done
    if done is None:
        return
    for problem in done.problems:
        click.echo(f"Warning: {problem}", err=True)
    if done.other_run:
        click.echo(f"{done.location}: another run is at work.")
    if done.adjustments:
        total = price_text(sum(one.amount_nanos for one in done.adjustments))
        count = _counted(len(done.adjustments), "adjustment")
        click.echo(
            f"{done.location}: {'would post' if dry_run else 'posted'} {count} of closed hours,"
            f" {total} {done.currency}."
        )
    if done.hours:
        click.echo(
            f"{done.location}: {'would close' if dry_run else 'closed'}"
            f" {_counted(done.hours, 'hour')} up to {instant_text(done.closed_until)},"
            f" {_counted(len(done.postings), 'posting')},"
            f" {price_text(outcome.amount_nanos)} {done.currency}."
        )


def _publish_metrics(invocation: Invocation, outcomes: list[Outcome]) -> None:
    settings = invocation.application.settings
    if settings.metrics_textfile is None:
        return
    from instance_images_billing import metrics

    problem = metrics.publish(
        settings.metrics_textfile,
        invocation.application.database,
        settings.locations,
        outcomes,
        invocation.clock(),
    )
    if problem:
        click.echo(f"Warning: {problem}", err=True)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _show_postings(invocation: Invocation, done: Metered) -> None:
    from instance_images.accounts import accounts_by_key
    from instance_images_billing.views import ADJUSTMENT, POSTING

    with invocation.application.database.reading() as connection:
        owners = accounts_by_key(connection, done.location)
    show_list(POSTING, [(posting, owners[posting.account_key]) for posting in done.postings], None)
    if done.adjustments:
        show_list(ADJUSTMENT, done.adjustments, None)


@meter.command()
@locations_option
@format_option
@pass_invocation
def status(invocation: Invocation, location: str | None, output_format: str | None) -> None:
    """Show up to when each location is metered, and how far that is behind the clock.

    Example: instance-images meter status
    """
    from instance_images_billing.status import status_of
    from instance_images_billing.views import STATUS

    now = invocation.clock()
    with invocation.application.database.reading() as connection:
        found = [status_of(connection, name, now) for name in locations_of(invocation, location)]
    show_list(STATUS, found, output_format)
