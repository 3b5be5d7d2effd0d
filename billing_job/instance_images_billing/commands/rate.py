"""``instance-images rate``: the price of images at a location."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from instance_images.commands.confirmation import confirmed
from instance_images.commands.options import locations_of, locations_option, parsed, pass_invocation
from instance_images.commands.output import format_option, show_list
from instance_images.errors import UsageError
from instance_images.instants import format_instant, parse_hour

if TYPE_CHECKING:
    import sqlalchemy as sa

    from instance_images.commands.main import Invocation
    from instance_images.config.settings import Location
    from instance_images_billing.pricing.rating import Rate


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
    help=(
        "Full hour from which the rate applies, as in 2026-12-01T00:00Z. [default: the next"
        " hour; for a location's first rate the current one]"
    ),
)
@click.option(
    "--retroactive",
    is_flag=True,
    help="Allow a --from in the past, if the hour is still open; show the cost first.",
)
@click.option("--yes", is_flag=True, help="Skip the confirmation prompt of --retroactive.")
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
    retroactive: bool,
    yes: bool,
    is_preview: bool,
) -> None:
    """Set the price per GB and month of a location from an hour on.

    Unit, hours per month, partial hours, allowance and minimum charge are taken from the
    configuration into the rate, and stay with it. A rate that has come into force never changes.

    A rate begins in the future; a location's first one may begin with the present hour. With
    --retroactive it may begin in an hour that has passed and is still open. What the hours that
    have begun cost now, and would cost, is shown first: on a terminal you are asked, elsewhere it
    is set with --yes only.

    A minimum charge applies to whole months: to those whose first hour has the rate. A new minimum
    takes effect with the next month; a location's first one with the month in which its first rate
    begins. Where the currency changes within a month, that month has none.

    Example: instance-images rate set RegionOne 0.05 --from 2026-12-01T00:00Z
    """
    from instance_images.commands.main import EXIT_INTERRUPTED
    from instance_images_billing.config import billing_settings
    from instance_images_billing.pricing.money import parse_price
    from instance_images_billing.rates import rates

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
    from_hour = parsed(parse_hour, from_text) if from_text is not None else None
    if retroactive and from_hour is None:
        raise UsageError("--retroactive requires --from, the hour from which the rate applies.")

    def write(connection: sa.Connection) -> Rate:
        return rates.set_rate(
            connection=connection,
            location=configured,
            billing=billing_settings(application.settings),
            price_nanos=price_nanos,
            from_hour=from_hour,
            now=invocation.clock(),
            retroactive=retroactive,
        )

    if retroactive and not _accepted(invocation, configured.name, write, yes=yes):
        click.echo("Nothing was set.", err=True)
        invocation.exit_code = EXIT_INTERRUPTED
        return
    _tell(invocation, application.database.write(write))


def _tell(invocation: Invocation, new: Rate) -> None:
    from instance_images_billing.config import billing_settings
    from instance_images_billing.ledger import rates as ledger_rates
    from instance_images_billing.pricing.charged import first_period_of_minimum
    from instance_images_billing.pricing.money import price_text

    application = invocation.application
    click.echo(
        f"{new.location}: {price_text(new.price_nanos)} {new.currency} per {new.unit} and month"
        f" ({new.hours_per_month} hours, partial hours: {new.partial_hour}{_extra_terms(new)}) from"
        f" {format_instant(new.from_hour)}."
    )
    with application.database.reading() as connection:
        known = ledger_rates.list_rates(connection, new.location)
    if any(one.minimum_nanos for one in known):
        first = first_period_of_minimum(known, new, billing_settings(application.settings).timezone)
        click.echo(
            f"Minimum charges apply to whole months: this one, {price_text(new.minimum_nanos)}"
            f" {new.currency}, from {first.name} on."
        )


def _accepted(
    invocation: Invocation, location: str, write: Callable[[sa.Connection], Rate], *, yes: bool
) -> bool:
    """Show what a rate changes in hours that have begun, if anything; return whether to set it."""
    from instance_images_billing.config import billing_settings
    from instance_images_billing.hours.repricing import reprice
    from instance_images_billing.ledger import rates as ledger_rates
    from instance_images_billing.rates.rates import is_retroactive

    billing, now = billing_settings(invocation.application.settings), invocation.clock()
    with invocation.application.database.rehearsing() as connection:
        known = ledger_rates.list_rates(connection, location)
        new = write(connection)
        if not is_retroactive(known, new.from_hour, now):
            return True
        shown = reprice(connection, known, new, billing, now)
    count = shown.accounts_count
    who = "1 account is" if count == 1 else f"{count} accounts are"
    click.echo(
        f"{new.location}, {format_instant(shown.start)} to {format_instant(shown.end)}, as far as"
        f" is known now: {who} charged {_totals(shown.old)}, and"
        f" would be charged {_totals(shown.new)}. Minimum charges are not in it."
    )
    return confirmed(
        "Set this rate?", yes=yes, otherwise="A retroactive rate changes charges of the past"
    )


def _totals(nanos: dict[str, int]) -> str:
    from instance_images_billing.pricing.money import price_text

    return " and ".join(f"{price_text(n)} {c}" for c, n in sorted(nanos.items())) or "nothing"


def _extra_terms(rate: Rate) -> str:
    from instance_images.views.fields import size_text
    from instance_images_billing.pricing.money import price_text

    free = f", free: {size_text(rate.free_bytes)}" if rate.free_bytes else ""
    minimum = f", minimum charge: {price_text(rate.minimum_nanos)}" if rate.minimum_nanos else ""
    return free + minimum


def _preview(invocation: Invocation, location: Location, price_nanos: int) -> None:
    from instance_images_billing.config import billing_settings
    from instance_images_billing.rates.preview import preview_price
    from instance_images_billing.views import PREVIEW

    billing, now = billing_settings(invocation.application.settings), invocation.clock()
    with invocation.application.database.snapshot() as connection:
        shown = preview_price(connection, location, billing, price_nanos, now)
    show_list(PREVIEW, [shown], None)


@rate.command("list")
@locations_option
@format_option
@pass_invocation
def list_rates(invocation: Invocation, location: str | None, output_format: str | None) -> None:
    """List past, current and future rates of the locations.

    Example: instance-images rate list
    """
    from instance_images_billing.ledger import rates as ledger_rates
    from instance_images_billing.views import RATE

    with invocation.application.database.reading() as connection:
        found = [
            known
            for name in locations_of(invocation, location)
            for known in ledger_rates.list_rates(connection, name)
        ]
    show_list(RATE, found, output_format)
