"""``instance-images period``. Commands wire and hold no logic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from instance_images.commands.confirmation import confirmed
from instance_images.commands.options import pass_invocation
from instance_images.commands.output import format_option, show_list, tell_warning

if TYPE_CHECKING:
    import sqlalchemy as sa

    from instance_images.commands.main import Invocation
    from instance_images_billing.ledger.closed_periods import ClosedPeriod


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
    from instance_images_billing.config import billing_settings
    from instance_images_billing.months.status import list_periods as known_periods
    from instance_images_billing.views import PERIOD

    application = invocation.application
    names = [location.name for location in application.settings.locations]
    timezone = billing_settings(application.settings).timezone
    with application.database.snapshot() as connection:
        found = known_periods(connection, names, timezone, invocation.clock())
    show_list(PERIOD, found, output_format)


@period.command()
@click.argument("name", metavar="YYYY-MM")
@click.option("--yes", is_flag=True, help="Skip the confirmation prompt.")
@pass_invocation
def close(invocation: Invocation, name: str, yes: bool) -> None:
    """Close a billing month for good: nothing in it changes any more.

    It must have ended, the month before it must be closed, and every location must be metered to
    its end. What is missing to minimum charges is posted. What becomes known later is counted in
    the month that is open then.

    What the month comes to is shown first: on a terminal you are asked, elsewhere it is closed with
    --yes only.

    Example: instance-images period close 2026-11 --yes
    """
    from instance_images.commands.main import EXIT_INTERRUPTED
    from instance_images_billing.config import billing_settings
    from instance_images_billing.hours.digests import record_period
    from instance_images_billing.months.close import close_period
    from instance_images_billing.months.status import totals_of
    from instance_images_billing.pricing.periods import parse_period

    application = invocation.application
    billing = billing_settings(application.settings)
    chosen = parse_period(name, billing.timezone)
    names = [location.name for location in application.settings.locations]

    def write(connection: sa.Connection) -> ClosedPeriod:
        return close_period(connection, names, chosen, invocation.clock())

    if not yes:
        with application.database.rehearsing() as connection:
            write(connection)
            totals = totals_of(connection, names, chosen)
        click.echo(f"{chosen.name} comes to {_text(totals)}.", err=True)
    question = f"Close {chosen.name}? Its charges become final, and it cannot be reopened."
    if not confirmed(question, yes=yes, otherwise=f"{chosen.name} is closed for good"):
        click.echo("Nothing was closed.", err=True)
        invocation.exit_code = EXIT_INTERRUPTED
        return
    closed = application.database.write(write)
    click.echo(f"{closed.name} is closed. Its digest is {closed.digest}.")
    problem = record_period(closed, billing_settings(application.settings).digest_file)
    if problem:
        invocation.exit_code = 1
        tell_warning(problem)


def _text(totals: dict[str, int]) -> str:
    from instance_images_billing.pricing.money import decimal_of

    shown = [f"{decimal_of(nanos):f} {currency}" for currency, nanos in sorted(totals.items())]
    return " and ".join(shown) or "nothing"
