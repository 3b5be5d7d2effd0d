"""``instance-images limit``: how many images an account may hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from instance_images.commands.options import (
    account_option,
    location_option,
    locations_of,
    locations_option,
    pass_invocation,
)
from instance_images.commands.output import format_option, show_list, show_one
from instance_images.errors import UsageError

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation


@click.group()
def limit() -> None:
    """Show and set the image limits of accounts."""


@limit.command("list")
@locations_option
@format_option
@pass_invocation
def list_limits(invocation: Invocation, location: str | None, output_format: str | None) -> None:
    """List the limits that were set for individual accounts.

    Example: instance-images limit list
    """
    from instance_images.db import accounts
    from instance_images.views.records import LIMIT

    with invocation.application.database.reading() as connection:
        found = accounts.own_limits(connection, locations_of(invocation, location))
    show_list(LIMIT, found, output_format)


@limit.command()
@account_option
@click.option("--default", "is_default", is_flag=True, help="Show the limit of other accounts.")
@location_option
@format_option
@pass_invocation
def show(
    invocation: Invocation,
    account: str | None,
    is_default: bool,
    location: str | None,
    output_format: str | None,
) -> None:
    """Show the limit of an account, its source, and the number of images held.

    The source is one of: account ('limit set'), Keystone (limits for instance_images), the
    location ('limit set --default' or its max_images), or the default ([limits] max_images). -1
    means unlimited.

    With --default, show the limit of accounts without one of their own. Its source says where to
    change it: keystone, operator ('limit set --default'), or the configuration.

    Example: instance-images limit show --account demo
    """
    from instance_images.locations.default_limits import find_default_limit
    from instance_images.locations.limits import find_limit
    from instance_images.views.records import DEFAULT_LIMIT, LIMIT

    site = invocation.application.site(location)
    if is_default:
        if account is not None:
            raise UsageError("Give --account or --default, not both.")
        show_one(DEFAULT_LIMIT, find_default_limit(site), output_format)
        return
    show_one(LIMIT, find_limit(site, site.account(account)), output_format)


class _SetLimit(click.Command):
    """Accepts a negative number as an argument; click would take it for an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if any(re.fullmatch("-[0-9]+", argument) for argument in args):
            raise UsageError(
                "A limit is a number from 0 to 1000000. 'instance-images limit unset ACCOUNT'"
                " removes an account's own limit; the limit of Keystone or of the location then"
                " applies."
            )
        return super().parse_args(ctx, args)


@limit.command("set", cls=_SetLimit)
@click.argument("account", required=False)
@click.argument("max_images", required=False, type=click.IntRange(min=0, max=1_000_000))
@click.option(
    "--default",
    "default",
    metavar="N",
    type=click.IntRange(min=0, max=1_000_000),
    help="Set the limit of all accounts without one of their own.",
)
@location_option
@pass_invocation
def set_limit(
    invocation: Invocation,
    account: str | None,
    max_images: int | None,
    default: int | None,
    location: str | None,
) -> None:
    """Set the limit of an account at a location, or with --default of all other accounts.

    Existing images above a lower limit stay. New captures are refused until the account holds
    fewer.

    Example: instance-images limit set demo 25
    """
    if default is not None and account is None:
        _set_default(invocation, location, default)
        return
    if account is None or max_images is None or default is not None:
        raise UsageError("Give ACCOUNT and MAX_IMAGES, or --default N alone.")
    _set(invocation, account, location, max_images)


@limit.command("unset")
@click.argument("account", required=False)
@click.option("--default", "is_default", is_flag=True, help="Remove what 'set --default' has set.")
@location_option
@pass_invocation
def unset_limit(
    invocation: Invocation, account: str | None, is_default: bool, location: str | None
) -> None:
    """Remove the limit of an account. The limit of Keystone or of the location applies again.

    With --default, the configuration applies again to accounts without a limit of their own.

    Example: instance-images limit unset demo
    """
    if is_default and account is None:
        _set_default(invocation, location, None)
        return
    if account is None or is_default:
        raise UsageError("Give ACCOUNT, or --default alone.")
    _set(invocation, account, location, None)


def _set(
    invocation: Invocation, reference: str, location: str | None, max_images: int | None
) -> None:
    from instance_images.locations import limits
    from instance_images.model.limits import UNLIMITED
    from instance_images.names import printable

    site = invocation.application.site(location)
    account = site.account(reference)
    now = limits.set_limit(site, account, max_images)
    most = "any number of" if now.max_images == UNLIMITED else now.max_images
    click.echo(
        f"Account {printable(account.name)} may hold {most} images in {site.name}"
        f" ({now.source} limit) and holds {now.held}."
    )


def _set_default(invocation: Invocation, location: str | None, max_images: int | None) -> None:
    from instance_images.locations.default_limits import set_default_limit
    from instance_images.model.limits import UNLIMITED

    site = invocation.application.site(location)
    now = set_default_limit(site, max_images)
    most = "any number of" if now.max_images == UNLIMITED else now.max_images
    click.echo(
        f"An account without a limit of its own may hold {most} images in {site.name}"
        f" (set for: {now.source})."
    )
