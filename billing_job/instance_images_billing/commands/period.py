"""``instance-images period``. Commands wire and hold no logic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from instance_images.commands.options import pass_invocation
from instance_images.commands.output import format_option, show_list, tell_warning

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation


@click.group()
def period() -> None:
    """List and close billing months."""


@period.command("list")
@format_option
@pass_invocation
def list_periods(invocation: Invocation, output_format: str | None) -> None:
    """List the billing months of the ledger with their totals.

    Example: instance-images period list
    """
    from instance_images_billing.months.status import list_periods as known_periods
    from instance_images_billing.views import PERIOD

    application = invocation.application
    names = [location.name for location in application.settings.locations]
    timezone = application.settings.billing.timezone
    with application.database.snapshot() as connection:
        found = known_periods(connection, names, timezone, invocation.clock())
    show_list(PERIOD, found, output_format)


@period.command()
@click.argument("name", metavar="YYYY-MM")
@pass_invocation
def close(invocation: Invocation, name: str) -> None:
    """Close a billing month: nothing in it changes any more.

    It must have ended, and every location must be metered to its end. What is missing to minimum
    charges is posted. What becomes known later is counted in the month that is open then.

    Example: instance-images period close 2026-11
    """
    from instance_images_billing.hours.digests import record_period
    from instance_images_billing.months.close import close_period
    from instance_images_billing.pricing.periods import parse_period

    application = invocation.application
    invocation.start_log()
    billing = application.settings.billing
    chosen = parse_period(name, billing.timezone)
    names = [location.name for location in application.settings.locations]
    closed = application.database.write(
        lambda connection: close_period(connection, names, chosen, invocation.clock())
    )
    click.echo(f"{closed.name} is closed. Its digest is {closed.digest}.")
    problem = record_period(closed, application.settings.digest_file)
    if problem:
        invocation.exit_code = 1
        tell_warning(problem)
