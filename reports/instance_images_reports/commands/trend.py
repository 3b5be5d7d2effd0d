"""``instance-images report trend``. Commands wire and hold no logic."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from instance_images.commands.options import pass_invocation
from instance_images.errors import UsageError
from instance_images_reports.commands.all_accounts import named_period_begun
from instance_images_reports.commands.options import locale_option, paper_option
from instance_images_reports.delivery.destination import write_report
from instance_images_reports.presentation import Presentation
from instance_images_reports.trend.formats import TREND_FORMATS

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images_billing.pricing.periods import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the trend shall show."""

    period: Period
    periods: int
    currency: str | None
    idle_months: int


@click.command("trend")
@click.option(
    "--account",
    metavar="A",
    help="Id of the account, or its name in Keystone. [default: the only one]",
)
@click.option("--all-accounts", is_flag=True, help="All accounts together, by currency.")
@click.option(
    "--period",
    "period_text",
    default="last",
    show_default=True,
    metavar="PERIOD",
    help="Last billing month to show: YYYY-MM, this, or last.",
)
@click.option(
    "--periods",
    "periods_count",
    type=click.IntRange(1, 60),
    default=12,
    show_default=True,
    metavar="N",
    help="Number of billing months.",
)
@click.option(
    "--idle-months",
    type=click.IntRange(1, 60),
    default=3,
    show_default=True,
    metavar="N",
    help="Months without a deployment after which an image is idle.",
)
@click.option(
    "--currency",
    metavar="CODE",
    help="Currency, if several are charged. [default with --all-accounts: each of them]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE|DIR",
    help="File to write, or folder to write the file into. [default: standard output]",
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
@click.option(
    "-f",
    "--format",
    "output_format",
    type=click.Choice(list(TREND_FORMATS)),
    help="Format. csv has the periods alone. [default: by the suffix of the file, else text]",
)
@paper_option
@locale_option
@pass_invocation
def trend_command(
    invocation: Invocation,
    account: str | None,
    all_accounts: bool,
    period_text: str,
    periods_count: int,
    idle_months: int,
    currency: str | None,
    output: Path | None,
    force: bool,
    output_format: str | None,
    paper: str,
    locale: str,
) -> None:
    """Show how charges develop, and why the last month differs.

    Example: instance-images report trend --account demo -o trend.html
    """
    from instance_images_reports.config import report_settings
    from instance_images_reports.trend.formats import chosen_trend_format, require_trend_readable
    from instance_images_reports.wording.catalogue import parse_locale

    parse_locale(locale)  # before the ledger is read
    if all_accounts and account is not None:
        raise UsageError("--all-accounts excludes --account.")
    name = chosen_trend_format(output_format, output)
    require_trend_readable(name, output)
    wanted = Wanted(
        period=named_period_begun(invocation, period_text),
        periods=periods_count,
        currency=currency,
        idle_months=idle_months,
    )
    reports = report_settings(invocation.application.settings)
    presentation = Presentation(
        locale, paper, reports.template_directories, pdf_engine=reports.pdf_engine
    )
    if all_accounts:
        content, file_name = _all_accounts(invocation, wanted, name, presentation)
    else:
        content, file_name = _one_account(invocation, account, wanted, name, presentation)
    written = write_report(output, content, file_name, replace=force)
    if written is not None:
        click.echo(f"{written}: written.")


def _one_account(
    invocation: Invocation,
    account: str | None,
    wanted: Wanted,
    format_name: str,
    presentation: Presentation,
) -> tuple[bytes, str]:
    """Return the trend of the account, and a name for its file."""
    from instance_images_reports.collect.find_account import find_account
    from instance_images_reports.trend.collect import collect_trend
    from instance_images_reports.trend.formats import render_trend, trend_name

    application = invocation.application
    found = find_account(application, account)
    with application.database.snapshot() as connection:
        trend = collect_trend(
            connection,
            application.settings,
            found,
            wanted.period,
            periods=wanted.periods,
            currency=wanted.currency,
            idle_months=wanted.idle_months,
        )
    return render_trend(format_name, trend, presentation), trend_name(trend, format_name)


def _all_accounts(
    invocation: Invocation, wanted: Wanted, format_name: str, presentation: Presentation
) -> tuple[bytes, str]:
    """Return the trend of all accounts, and a name for its file."""
    from instance_images_reports.trend.all_accounts.collect import collect_accounts_trend
    from instance_images_reports.trend.all_accounts.formats import (
        accounts_trend_name,
        render_accounts_trend,
    )

    application = invocation.application
    with application.database.snapshot() as connection:
        trend = collect_accounts_trend(
            connection,
            application.settings,
            wanted.period,
            periods=wanted.periods,
            currency=wanted.currency,
            idle_months=wanted.idle_months,
        )
    content = render_accounts_trend(format_name, trend, presentation)
    return content, accounts_trend_name(trend, format_name)
