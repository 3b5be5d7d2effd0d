"""``instance-images budget``: monthly budgets of accounts. Commands wire and hold no logic."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from instance_images.commands.options import pass_invocation
from instance_images.commands.output import format_option, show_list, tell_warning
from instance_images_reports.presentation import DEFAULT_PRESENTATION

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images_billing.pricing.periods import Period

_account = click.option(
    "--account",
    metavar="A",
    help="Id of the account, or its name in Keystone. [default: the only one]",
)
_currency = click.option(
    "--currency", metavar="CODE", help="Currency, if the account can be charged in several."
)


@click.group()
def budget() -> None:
    """Watch what accounts are charged a month."""


@budget.command("set")
@_account
@click.argument("amount")
@_currency
@click.option(
    "--threshold",
    "thresholds",
    type=click.IntRange(1, 1000),
    multiple=True,
    metavar="PERCENT",
    help="Tell when the charge or its forecast reaches this part of the amount. Repeatable."
    " [default: 50, 80 and 100]",
)
@click.option(
    "--mail-to",
    multiple=True,
    metavar="ADDRESS",
    help="Mail notices to this address. Repeatable. Requires [mail] in the configuration.",
)
@click.option(
    "--webhook",
    metavar="URL",
    help="Post notices to this URL, signed. Requires [budget] webhook_secret_file.",
)
@click.option(
    "--locale",
    metavar="LOCALE",
    default=DEFAULT_PRESENTATION.locale,
    show_default=True,
    help="Locale of mails, such as de_DE.",
)
@pass_invocation
def set_budget(
    invocation: Invocation,
    account: str | None,
    amount: str,
    currency: str | None,
    thresholds: tuple[int, ...],
    mail_to: tuple[str, ...],
    webhook: str | None,
    locale: str,
) -> None:
    """Set the monthly budget of an account, in place of the one before.

    The hourly run tells once a month and threshold when the charge reaches it, and once when the
    forecast does. Without --mail-to and --webhook, 'budget list', metrics and reports show it
    alone. A budget stops nothing: 'limit set' limits the number of images.

    After a raised amount, thresholds that are no longer reached are told again when they are.
    Setting the same values again sends notices that failed.

    Example: instance-images budget set --account demo 400 --mail-to finance@example.com
    """
    from instance_images_reports.budgets import setting
    from instance_images_reports.budgets.records import Budget
    from instance_images_reports.budgets.thresholds import parse_budget, parse_thresholds
    from instance_images_reports.collect.currencies import currency_digits
    from instance_images_reports.collect.find_account import find_account
    from instance_images_reports.wording.catalogue import parse_locale

    application = invocation.application
    addresses, url = _channels(invocation, mail_to, webhook)
    parse_locale(locale)
    percents = parse_thresholds(thresholds)
    owner = find_account(application, account)
    with application.database.reading() as connection:
        chosen = setting.choose_currency(connection, application.settings, owner, currency)
    nanos = parse_budget(amount, chosen, currency_digits(chosen))
    new = Budget(
        key=0,
        account_id=owner.id,
        currency=chosen,
        amount_nanos=nanos,
        thresholds=percents,
        mail_to=addresses,
        webhook_url=url,
        locale=locale,
        set_at=invocation.clock(),
    )
    again = setting.set_budget(application.database, new, _running_period(invocation))
    click.echo(_told(new, owner.name))
    if again:
        marks = ", ".join(f"{mark.threshold}% ({mark.kind})" for mark in again)
        click.echo(f"These thresholds are no longer reached and will be told again: {marks}.")
    if not new.channels:
        tell_warning("no notice is sent: neither --mail-to nor --webhook is given.")


def _channels(
    invocation: Invocation, mail_to: tuple[str, ...], webhook: str | None
) -> tuple[tuple[str, ...], str]:
    """Return addresses and URL. Raises what is wrong with them, or with what they need."""
    from instance_images.errors import UsageError
    from instance_images_reports.budgets.tables import MAX_ADDRESSES_CHARACTERS
    from instance_images_reports.budgets.webhook import parse_webhook, read_secret
    from instance_images_reports.config import report_settings
    from instance_images_reports.delivery.mail import postbox

    settings = report_settings(invocation.application.settings)
    addresses = tuple(postbox(settings.mail, mail_to).recipients) if mail_to else ()
    if len(",".join(addresses)) > MAX_ADDRESSES_CHARACTERS:
        raise UsageError("These addresses are too many: use one of a mailing list.")
    if webhook is None:
        return addresses, ""
    url = parse_webhook(webhook)
    read_secret(settings.budget)
    return addresses, url


def _running_period(invocation: Invocation) -> Period | None:
    from instance_images_billing.config import billing_settings
    from instance_images_reports.budgets.check import running_period

    settings = invocation.application.settings
    names = [location.name for location in settings.locations]
    with invocation.application.database.reading() as connection:
        return running_period(connection, names, billing_settings(settings).timezone)


def _told(new: object, name: str) -> str:
    from instance_images.names import printable
    from instance_images_billing.pricing.money import price_text
    from instance_images_reports.budgets.records import Budget

    assert isinstance(new, Budget)
    percents = ", ".join(f"{one}%" for one in new.thresholds)
    return (
        f"Account {printable(name)} has a budget of {price_text(new.amount_nanos or 0)}"
        f" {new.currency} a month, with thresholds at {percents}."
    )


@budget.command("list")
@click.option(
    "--account",
    metavar="A",
    help="Id of the account, or its name in Keystone. [default: all]",
)
@format_option
@pass_invocation
def list_budgets(invocation: Invocation, account: str | None, output_format: str | None) -> None:
    """List the budgets, and how much of them the running month uses.

    The charge is that of the closed hours. The forecast is that of the report: all stored images
    stay until the month ends.

    Example: instance-images budget list
    """
    from instance_images_billing.config import billing_settings
    from instance_images_reports.budgets.overview import list_states
    from instance_images_reports.collect.find_account import find_account
    from instance_images_reports.commands.budget_views import BUDGET

    application = invocation.application
    owner = None if account is None else find_account(application, account)
    names = [location.name for location in application.settings.locations]
    timezone = billing_settings(application.settings).timezone
    with application.database.snapshot() as connection:
        found = list_states(connection, names, timezone, owner.id if owner else None)
    show_list(BUDGET, found, output_format)


@budget.command("unset")
@_account
@_currency
@pass_invocation
def unset_budget(invocation: Invocation, account: str | None, currency: str | None) -> None:
    """Remove the budget of an account. Notices that were not sent yet are cancelled.

    Example: instance-images budget unset --account demo
    """
    from instance_images.names import printable
    from instance_images_reports.budgets import setting
    from instance_images_reports.collect.find_account import find_account

    application = invocation.application
    owner = find_account(application, account)
    with application.database.reading() as connection:
        found = setting.budgets_to_unset(connection, owner.id, currency)
    now = invocation.clock()
    removed = [replace(one, amount_nanos=None, set_at=now) for one in found]
    setting.unset_budgets(application.database, removed)
    for one in removed:
        click.echo(f"Account {printable(owner.name)} has no budget in {one.currency} any more.")
