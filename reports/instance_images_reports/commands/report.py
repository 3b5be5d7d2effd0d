"""``instance-images report``. Commands wire and hold no logic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from instance_images.commands.options import all_accounts_option, pass_invocation
from instance_images_reports.commands.all_accounts import (
    engine_options,
    named_period_begun,
    reconcile_command,
    report_all,
    require_alone,
    require_no_engine,
)
from instance_images_reports.commands.mail import mail_command, mailed_command
from instance_images_reports.commands.one_account import Delivery, report_one
from instance_images_reports.commands.options import locale_option, paper_option
from instance_images_reports.commands.trend import trend_command
from instance_images_reports.delivery.destination import chosen_format
from instance_images_reports.formats.datasets import DATASETS
from instance_images_reports.formats.registry import FORMATS
from instance_images_reports.presentation import (
    VERSIONS,
    FocusOptions,
    Presentation,
)

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images.config.settings import Settings


@click.group()
def report() -> None:
    """Report what images cost."""


report.add_command(mail_command)
report.add_command(mailed_command)
report.add_command(reconcile_command)
report.add_command(trend_command)


@report.command("cloud-usage")
@click.option(
    "--account",
    metavar="A",
    help="Id of the account, or its name in Keystone. [default: the only one]",
)
@all_accounts_option
@click.option(
    "--period",
    "period_text",
    required=True,
    metavar="PERIOD",
    help="Billing month: YYYY-MM, this, or last.",
)
@click.option("--currency", metavar="CODE", help="Currency, if the account is charged in several.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE|DIR",
    help="File to write, or folder to write the file into. Parquet, FOCUS and --all-accounts "
    "write a folder. [default: standard output, unless mailed]",
)
@click.option("--force", is_flag=True, help="Replace an existing file or folder.")
@click.option(
    "-f",
    "--format",
    "output_format",
    type=click.Choice([*FORMATS, *DATASETS]),
    help="Report format. [default: by the suffix of the file, else text]",
)
@click.option(
    "--section",
    "section_name",
    metavar="NAME",
    help="Write one section only, as html or json: images.",
)
@paper_option
@locale_option
@click.option(
    "--focus-version",
    type=click.Choice(VERSIONS),
    default=VERSIONS[0],
    show_default=True,
    help="FOCUS version.",
)
@click.option(
    "--mail-to",
    multiple=True,
    metavar="ADDRESS",
    help="Address to mail the report to, with the server of [mail]. Repeatable. For all accounts, "
    "see 'report mail'.",
)
@engine_options
@pass_invocation
def cloud_usage(
    invocation: Invocation,
    account: str | None,
    all_accounts: bool,
    period_text: str,
    currency: str | None,
    output: Path | None,
    force: bool,
    output_format: str | None,
    section_name: str | None,
    paper: str,
    locale: str,
    focus_version: str,
    mail_to: tuple[str, ...],
    **engine: Any,
) -> None:
    """Write the Cloud Usage report of an account for a period.

    With --all-accounts, write a summary. With --all-accounts and -o, write a folder with a report
    for each account and currency, the summary, and a manifest with digests and totals.

    Example: instance-images report cloud-usage --account demo --period 2026-11 -o demo.pdf
    """
    from instance_images_reports.wording.catalogue import parse_locale

    parse_locale(locale)  # before the ledger is read
    settings = invocation.application.settings
    presentation = _presentation(settings, locale, paper, focus_version)
    if all_accounts:
        require_alone(account, currency, section_name, mail_to)
        period = named_period_begun(invocation, period_text)
        report_all(invocation, period, output, output_format, presentation, force=force, **engine)
        return
    require_no_engine(**engine)
    delivery = Delivery(chosen_format(output_format, output), section_name, output, force, mail_to)
    period = named_period_begun(invocation, period_text)
    report_one(
        invocation=invocation,
        account=account,
        period=period,
        currency=currency,
        delivery=delivery,
        presentation=presentation,
    )


def _presentation(settings: Settings, locale: str, paper: str, focus_version: str) -> Presentation:
    from instance_images_reports.config import report_settings

    reports = report_settings(settings)
    focus = FocusOptions(
        focus_version,
        reports.provider.name,
        reports.provider.payment_terms,
        account_type=settings.account_scope.capitalize(),
    )
    return Presentation(locale, paper, reports.template_directories, focus, reports.pdf_engine)
