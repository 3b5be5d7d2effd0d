"""``instance-images address``: where each account's reports are mailed. Commands hold no logic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from instance_images.commands.options import pass_invocation
from instance_images.commands.output import format_option, show_list, tell_warning
from instance_images_reports.formats.registry import FORMATS
from instance_images_reports.presentation import DEFAULT_PRESENTATION

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images.model.records import Account

_DEFAULT_FORMAT = "pdf"
_SHOWN_ACCOUNTS = 10

report_format_option = click.option(
    "--report-format",
    type=click.Choice(list(FORMATS)),
    default=_DEFAULT_FORMAT,
    show_default=True,
    help="Format of the reports.",
)
report_locale_option = click.option(
    "--locale",
    metavar="LOCALE",
    default=DEFAULT_PRESENTATION.locale,
    show_default=True,
    help="Locale of the reports and of the mail's text, such as de_DE.",
)


@click.group()
def address() -> None:
    """Set the addresses that the reports of accounts are mailed to."""


@address.command("list")
@click.option("--account", metavar="A", help="Id or name of the account. [default: all]")
@format_option
@pass_invocation
def list_command(invocation: Invocation, account: str | None, output_format: str | None) -> None:
    """List the addresses on record. 'address import' reads what -f csv prints.

    Example: instance-images address list -f csv > addresses.csv
    """
    from instance_images_reports.commands.views import ADDRESS
    from instance_images_reports.delivery.addresses import list_addresses

    found = None if account is None else _account(invocation, account).id
    with invocation.application.database.reading() as connection:
        addresses = list_addresses(connection, found)
    show_list(ADDRESS, addresses, output_format)


@address.command("set")
@click.argument("account")
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@report_format_option
@report_locale_option
@pass_invocation
def set_command(
    invocation: Invocation,
    account: str,
    addresses: tuple[str, ...],
    report_format: str,
    locale: str,
) -> None:
    """Add addresses to an account, or change the format and locale of those on record.

    ACCOUNT is an id, or a name that Keystone knows.

    Example: instance-images address set demo billing@example.com --locale de_DE
    """
    from instance_images.names import printable
    from instance_images_reports.delivery.addresses import checked_address, set_address

    found = _account(invocation, account)
    checked = [checked_address(found.id, one, report_format, locale) for one in addresses]
    now = invocation.clock()

    def work(connection: object) -> None:
        for one in checked:
            set_address(connection, one, now)  # type: ignore[arg-type]

    invocation.application.database.write(work)
    for one in checked:
        click.echo(
            f"The reports of account {printable(found.name)} ({found.id}) are mailed to"
            f" {one.address} as {one.format}, {one.locale}."
        )


@address.command("unset")
@click.argument("account")
@click.argument("address_text", required=False, metavar="[ADDRESS]")
@pass_invocation
def unset_command(invocation: Invocation, account: str, address_text: str | None) -> None:
    """Remove an address of an account, or all of them.

    Example: instance-images address unset demo billing@example.com
    """
    from instance_images.errors import NotFound
    from instance_images_reports.delivery.addresses import list_addresses, unset_addresses

    database = invocation.application.database
    with database.reading() as connection:
        is_known = bool(list_addresses(connection, account))
    account_id = account if is_known else _account(invocation, account).id
    removed = database.write(lambda each: unset_addresses(each, account_id, address_text))
    if not removed:
        raise NotFound("Address", address_text or account, "The account has no such address.")
    for one in removed:
        click.echo(f"The reports of account {account_id} are no longer mailed to {one}.")


@address.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@report_format_option
@report_locale_option
@click.option("--replace", is_flag=True, help="Remove addresses that are not in the file.")
@click.option("--dry-run", is_flag=True, help="Show what would change; write nothing.")
@pass_invocation
def import_command(
    invocation: Invocation,
    file: Path,
    report_format: str,
    locale: str,
    replace: bool,
    dry_run: bool,
) -> None:
    """Add the addresses of a CSV file: all of them or, if a line is wrong, none.

    The columns are account_id, address, and if wanted format and locale. Accounts are named by
    their ids.

    Example: instance-images address import addresses.csv
    """
    from instance_images_reports.delivery.addresses import import_addresses, parse_file

    wanted = parse_file(file.read_bytes(), default_format=report_format, default_locale=locale)
    database, now = invocation.application.database, invocation.clock()
    if dry_run:
        with database.rehearsing() as connection:
            done = import_addresses(connection, wanted, now, replace=replace)
    else:
        done = database.write(lambda each: import_addresses(each, wanted, now, replace=replace))
    _warn_of_unknown(invocation, {one.account_id for one in wanted})
    click.echo(
        f"{file}: {'would be imported' if dry_run else 'imported'}: {done.added} added,"
        f" {done.changed} changed, {done.removed} removed, {done.unchanged} unchanged."
    )


def _warn_of_unknown(invocation: Invocation, account_ids: set[str]) -> None:
    """Warn of accounts without any image: ids that a spreadsheet has spoilt are among them."""
    from instance_images_reports.collect.cutoff import list_places

    with invocation.application.database.reading() as connection:
        known = {places.account.id for places in list_places(connection)}
    unknown = sorted(account_ids - known)
    if unknown:
        shown = ", ".join(unknown[:_SHOWN_ACCOUNTS])
        more = ", ..." if len(unknown) > _SHOWN_ACCOUNTS else ""
        tell_warning(
            f"{len(unknown)} accounts of the file never had an image: {shown}{more}. Check that"
            " their ids are right."
        )


def _account(invocation: Invocation, reference: str) -> Account:
    """Return the account of the ledger, or one that Keystone knows and that had no image yet."""
    from instance_images.errors import NotFound
    from instance_images_reports.collect.find_account import find_account

    application = invocation.application
    try:
        return find_account(application, reference)
    except NotFound:
        for location in application.settings.locations:
            try:
                return application.site(location.name).account(reference)
            except NotFound:
                continue
        raise
