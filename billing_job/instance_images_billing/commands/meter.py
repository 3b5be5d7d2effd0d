"""``instance-images rate`` and ``instance-images meter``. Commands wire and hold no logic."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from instance_images.commands.hints import with_hint
from instance_images.commands.options import (
    accept_missing_option,
    locations_of,
    locations_option,
    parsed,
    pass_invocation,
)
from instance_images.commands.output import format_option, show_list, tell_error, tell_warning
from instance_images.errors import UsageError
from instance_images.instants import HOUR, floor_hour, format_instant, parse_instant
from instance_images.views.fields import instant_text
from instance_images_billing.commands.audit import adjust, verify

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images_billing.hours.close import Metered
    from instance_images_billing.hours.outcome import Outcome

# A demonstration of a year; a location's hour takes milliseconds to close.
FUTURE_LIMIT = timedelta(days=366)


@click.group()
def meter() -> None:
    """Meter images into the ledger, hour by hour."""


meter.add_command(adjust)
meter.add_command(verify)


@meter.command("run")
@locations_option
@click.option(
    "--as-of",
    "as_of",
    metavar="INSTANT",
    help="Close hours that end at or before this instant, such as 2026-11-23T12:00Z. [default: "
    "now]",
)
@click.option("--dry-run", is_flag=True, help="Print the postings; write nothing.")
@click.option(
    "--allow-future",
    is_flag=True,
    help="Allow an instant in the future, by 366 days at most. Use it for test ledgers only: hours"
    " that are closed stay closed.",
)
@click.option("--yes", is_flag=True, help="Skip the confirmation prompt of --allow-future.")
@accept_missing_option
@click.option(
    "--accept-clock",
    is_flag=True,
    help="Run although the clock is more than 7 days behind the closed hours.",
)
@pass_invocation
def run_meter(
    invocation: Invocation,
    location: str | None,
    as_of: str | None,
    dry_run: bool,
    allow_future: bool,
    yes: bool,
    accept_missing: bool,
    accept_clock: bool,
) -> None:
    """Read the locations and close each hour that has ended.

    Run it every hour. It can be repeated, interrupted, and run on several machines at once. Missed
    hours are caught up, and no hour is posted twice. Up to eight locations are processed in
    parallel; a slow or failing location does not delay the others.

    Hours that are closed ahead of time (--allow-future) cannot be opened again. Until they have
    passed, whatever happens to an image is posted as adjustments of these hours, and bills are
    right in the sum of all months only. On a terminal you are asked first.

    Example: instance-images meter run
    """
    from instance_images.parallel import as_they_end
    from instance_images_billing.config import billing_settings
    from instance_images_billing.hours.close import meter as meter_site
    from instance_images_billing.hours.close import rehearse
    from instance_images_billing.hours.outcome import Outcome

    until = _until(as_of, allow_future, invocation.clock())
    application = invocation.application
    names = locations_of(invocation, location)
    if not (yes or dry_run) and not _may_close_ahead(invocation, names, until):
        return
    act = rehearse if dry_run else meter_site
    outcomes = [Outcome(name) for name in names]

    def run(outcome: Outcome) -> Outcome:
        with outcome.observed(is_rehearsal=dry_run):
            site = application.site(outcome.location)
            billing = billing_settings(application.settings)
            outcome.done = act(
                site,
                billing,
                until,
                accept_missing=accept_missing,
                accept_clock=accept_clock,
            )
        return outcome

    is_recorded = True
    try:
        with nullcontext() if dry_run else invocation.announced("meter run"):
            for outcome in as_they_end(run, outcomes):
                _tell(outcome, dry_run)
                if dry_run and outcome.done:
                    _show_postings(invocation, outcome.done)
    finally:
        if not dry_run:
            begun = [outcome for outcome in outcomes if outcome.has_begun]
            _publish_metrics(invocation, begun)
            is_recorded = _record_digests(invocation, begun)
    if not dry_run and any(outcome.done for outcome in outcomes):
        _act_after_hours(invocation)
    invocation.exit_code = _exit_code(outcomes) or (0 if is_recorded else 1)


def _until(as_of: str | None, allow_future: bool, now: datetime) -> datetime:
    """Return the end of the last hour that may be closed."""
    if as_of is None:
        return floor_hour(now)
    instant = parsed(parse_instant, as_of)
    if instant > now and not allow_future:
        raise UsageError(
            f"{format_instant(instant)} is after now ({format_instant(now)}): hours that have not"
            " ended cannot be closed. (--allow-future permits it, for test ledgers only.)"
        )
    if instant > now + FUTURE_LIMIT:
        raise UsageError(
            f"{format_instant(instant)} is more than {FUTURE_LIMIT.days} days after now"
            f" ({format_instant(now)}): check the year. Hours further ahead cannot be closed."
        )
    return floor_hour(instant)


def _may_close_ahead(invocation: Invocation, names: list[str], until: datetime) -> bool:
    """Warn where hours that have not ended would be closed; on a terminal, ask."""
    from instance_images.commands.main import EXIT_INTERRUPTED

    ahead = (until - floor_hour(invocation.clock())) // HOUR
    if ahead <= 0:
        return True
    tell_warning(
        f"{_counted(ahead, 'hour')} of {', '.join(names)} that {'has' if ahead == 1 else 'have'}"
        " not ended will be closed. They cannot be opened again: do this on test ledgers only."
    )
    if not sys.stdin.isatty() or click.confirm("Close these hours?", err=True):
        return True
    click.echo("Nothing was closed.", err=True)
    invocation.exit_code = EXIT_INTERRUPTED
    return False


def _exit_code(outcomes: list[Outcome]) -> int:
    failures = [outcome.error for outcome in outcomes if outcome.error]
    if failures and len(failures) == len(outcomes):
        return failures[0].exit_code
    problems = any(outcome.done.problems for outcome in outcomes if outcome.done)
    return 1 if failures or problems else 0


def _tell(outcome: Outcome, dry_run: bool) -> None:
    from instance_images_billing.pricing.money import price_text

    if outcome.error:
        tell_error(f"{outcome.location} is not metered: {with_hint(outcome.error)}")
    done = outcome.done
    if done is None:
        return
    for problem in done.problems:
        tell_warning(problem)
    if done.other_run:
        click.echo(f"{done.location}: another run is active.")
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
    from instance_images_billing.config import billing_settings

    settings = invocation.application.settings
    path = billing_settings(settings).metrics_textfile
    if path is None:
        return
    from instance_images_billing.hours import metrics

    problem = metrics.publish(
        path,
        invocation.application.database,
        settings.locations,
        outcomes,
        invocation.clock(),
    )
    if problem:
        tell_warning(problem)


def _record_digests(invocation: Invocation, outcomes: list[Outcome]) -> bool:
    """Record the newest digests outside the database; return False where that failed."""
    from instance_images_billing.config import billing_settings
    from instance_images_billing.hours.digests import record

    found = [outcome.done.newest for outcome in outcomes if outcome.done]
    path = billing_settings(invocation.application.settings).digest_file
    problem = record([newest for newest in found if newest], path)
    if problem:
        tell_warning(problem)
    return problem is None


def _act_after_hours(invocation: Invocation) -> None:
    """Let the other parts act on the hours that are closed now; that changes no exit code."""
    from instance_images_billing.hours.after import act_after_hours

    for problem in act_after_hours(invocation.application):
        tell_warning(problem)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _show_postings(invocation: Invocation, done: Metered) -> None:
    from instance_images.db.accounts import accounts_by_key
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
    """Show the last metered hour of each location and the delay.

    Example: instance-images meter status
    """
    from instance_images_billing.hours.status import status_of
    from instance_images_billing.views import STATUS

    now = invocation.clock()
    with invocation.application.database.reading() as connection:
        found = [status_of(connection, name, now) for name in locations_of(invocation, location)]
    show_list(STATUS, found, output_format)
