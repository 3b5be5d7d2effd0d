"""``instance-images meter verify`` and ``meter adjust``. Commands wire and hold no logic."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING

import click

from instance_images.commands.options import locations_of, locations_option, parsed, pass_invocation
from instance_images.commands.output import show_list
from instance_images.errors import UsageError
from instance_images.instants import parse_hour

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images_billing.pricing.corrections import Adjustment


@click.command()
@locations_option
@pass_invocation
def verify(invocation: Invocation, location: str | None) -> None:
    """Compute the whole ledger again and name every row that differs.

    Postings and adjustments are recomputed from the history of the images and the rates, the
    chain of closed hours and periods from the rows, the statements from the postings. Exit code 1
    if anything differs.

    Example: instance-images meter verify
    """
    from importlib.metadata import entry_points

    from instance_images_billing.audit.verify import verify_location, verify_periods

    application = invocation.application
    settings = application.settings
    names = locations_of(invocation, location)
    checks = [found.load() for found in entry_points(group="instance_images.checks")]
    findings: list[str] = []
    with application.database.snapshot() as connection:
        for name in names:
            findings += verify_location(connection, name, settings.billing.timezone)
        if location is None:
            findings += verify_periods(connection)
        for check in checks:
            findings += check(connection, settings, names)
    for finding in findings:
        click.echo(finding)
    if findings:
        invocation.exit_code = 1
        count = "1 finding" if len(findings) == 1 else f"{len(findings)} findings"
        click.echo(
            f"{count}: the database was changed by something else than this product, or a disk"
            " failed. Compare it with a backup.",
            err=True,
        )
    else:
        click.echo(f"{', '.join(names)}: every charge is what it has to be.")


@click.command()
@click.option("--image", "image_id", required=True, metavar="ID", help="Id of the image.")
@click.option(
    "--hours",
    required=True,
    metavar="A..B",
    help="Closed hours, from the hour A until before the hour B, as in"
    " 2026-11-23T08:00Z..2026-11-23T12:00Z.",
)
@click.option("--reason", required=True, help="Why; the customer reads it in the report.")
@click.option(
    "--waive", is_flag=True, help="Give back all that the image is charged. This is the default."
)
@click.option(
    "--amount", metavar="AMOUNT", help="What the image is to cost in these hours altogether."
)
@click.option("--author", metavar="NAME", help="Who decides. [default: the user's name]")
@click.option("--yes", is_flag=True, help="Post it; without, it is only shown.")
@pass_invocation
def adjust(
    invocation: Invocation,
    image_id: str,
    hours: str,
    reason: str,
    waive: bool,
    amount: str | None,
    author: str | None,
    yes: bool,
) -> None:
    """Decide what an image costs in closed hours.

    The hours stay as they were posted; the decision is posted beside them, in the open month. It
    is shown first: on a terminal you are asked, elsewhere it is posted with --yes only.

    Example: instance-images meter adjust --image 0f9e6a1c-5b1d-4c55-9a80-8f6f0a6f3f11 --hours
    2026-11-23T08:00Z..2026-11-23T12:00Z --reason "storage outage"
    """
    from instance_images_billing.audit.adjust import Decision, decide
    from instance_images_billing.pricing.money import parse_price

    if waive and amount is not None:
        raise UsageError("Give either --waive or --amount: a waiver is an amount of 0.")
    start, end = _hours(hours)
    wanted = parse_price(amount) if amount is not None else None
    decision = Decision(image_id, start, end, wanted, _text(reason), _text(author or _user())[:64])
    application = invocation.application
    names = [location.name for location in application.settings.locations]
    timezone, now = application.settings.billing.timezone, invocation.clock()
    with application.database.rehearsing() as connection:
        _show(decide(connection, names, decision, timezone, now))
    if not yes and not (sys.stdin.isatty() and click.confirm("Post this?", err=True)):
        click.echo("Nothing was posted: give --yes to post it.", err=True)
        return
    with application.database.writing() as connection:
        posted = decide(connection, names, decision, timezone, now)
    click.echo(f"Posted {len(posted)} adjustment{'s' * (len(posted) > 1)}.", err=True)


def _hours(text: str) -> tuple[datetime, datetime]:
    first, separator, last = text.partition("..")
    if not separator:
        raise UsageError(
            f"{text!r} are no hours: write 2026-11-23T08:00Z..2026-11-23T12:00Z for four of them."
        )
    start, end = parsed(parse_hour, first), parsed(parse_hour, last)
    if start >= end:
        raise UsageError(f"{text!r} are no hours: the second must be after the first.")
    return start, end


def _text(text: str) -> str:
    from instance_images.names import printable

    shown = printable(text).strip()
    if not shown or len(shown) > 255:
        raise UsageError("--reason and --author need 1 to 255 characters.")
    return shown


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _show(new: list[Adjustment]) -> None:
    from instance_images_billing.views import ADJUSTMENT

    show_list(ADJUSTMENT, new, None)
