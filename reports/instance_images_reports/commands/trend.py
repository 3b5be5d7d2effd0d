"""``instance-images report trend``. Commands wire and hold no logic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from instance_images.commands.options import pass_invocation
from instance_images_reports.commands.all_accounts import named_period_begun
from instance_images_reports.commands.options import locale_option, paper_option
from instance_images_reports.delivery.destination import write_report
from instance_images_reports.presentation import Presentation
from instance_images_reports.trend.formats import (
    TREND_FORMATS,
    chosen_trend_format,
    render_trend,
    require_trend_readable,
    trend_name,
)

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation


@click.command("trend")
@click.option(
    "--account",
    metavar="A",
    help="Id of the account, or its name in Keystone. [default: the only one]",
)
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
@click.option("--currency", metavar="CODE", help="Currency, if the account is charged in several.")
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
    """Show how an account's charges develop, and why the last month differs.

    Example: instance-images report trend --account demo -o trend.html
    """
    from instance_images_reports.collect.find_account import find_account
    from instance_images_reports.config import report_settings
    from instance_images_reports.trend.collect import collect_trend
    from instance_images_reports.wording.catalogue import parse_locale

    parse_locale(locale)  # before the ledger is read
    name = chosen_trend_format(output_format, output)
    require_trend_readable(name, output)
    application = invocation.application
    period = named_period_begun(invocation, period_text)
    found = find_account(application, account)
    with application.database.snapshot() as connection:
        trend = collect_trend(
            connection,
            application.settings,
            found,
            period,
            periods=periods_count,
            currency=currency,
            idle_months=idle_months,
        )
    directories = report_settings(application.settings).template_directories
    content = render_trend(name, trend, Presentation(locale, paper, directories))
    written = write_report(output, content, trend_name(trend, name), replace=force)
    if written is not None:
        click.echo(f"{written}: written.")
