"""``instance-images report``. Commands wire and hold no logic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from instance_images.commands.options import all_accounts_option, pass_invocation
from instance_images.errors import UsageError
from instance_images_reports.all_accounts_commands import (
    engine_options,
    reconcile_command,
    report_all,
    require_begun,
)
from instance_images_reports.engines import LOCAL
from instance_images_reports.formats import FORMATS, Presentation, render

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation


@click.group()
def report() -> None:
    """Report what images cost."""


report.add_command(reconcile_command)


@report.command("cloud-usage")
@click.option(
    "--account", metavar="A", help="Id or name of the account. [default: the only one there is]"
)
@all_accounts_option
@click.option("--period", "period_text", required=True, metavar="YYYY-MM", help="Billing month.")
@click.option(
    "--currency", metavar="CODE", help="The currency, for an account that is charged in several."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE|DIR",
    help="File to write, whole or not at all; for all accounts a folder. [default: standard output,"
    " of all accounts the summary]",
)
@click.option("--force", is_flag=True, help="Replace the file or folder if it exists.")
@click.option(
    "-f",
    "--format",
    "output_format",
    type=click.Choice(list(FORMATS)),
    required=True,
    help="The format to write.",
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
    output_format: str,
    jobs: int | None,
    engine_name: str,
    engine_address: str | None,
) -> None:
    """Write the Cloud Usage report of an account and period.

    With --all-accounts, write a summary, or with -o a folder: a report for each account and
    currency, the summary, and a manifest with digests and totals.

    Example: instance-images report cloud-usage --account demo --period 2026-11 -f html -o demo.html
    """
    from instance_images_billing.periods import parse_period
    from instance_images_reports.collect import collect, find_account
    from instance_images_reports.output_file import write_file

    application = invocation.application
    period = parse_period(period_text, application.settings.billing.timezone)
    require_begun(period, invocation.clock())
    if not all_accounts and (jobs, engine_name, engine_address) != (None, LOCAL, None):
        raise UsageError("--engine, --engine-address and --jobs go with --all-accounts.")
    if all_accounts:
        if account is not None or currency is not None:
            raise UsageError("--all-accounts goes without --account and --currency.")
        report_all(
            invocation,
            period,
            output,
            output_format,
            Presentation(),
            force=force,
            jobs=jobs,
            engine_name=engine_name,
            engine_address=engine_address,
        )
        return
    with application.database.snapshot() as connection:
        found = find_account(connection, account)
        statement = collect(connection, application.settings, found, period, currency)
    content = render(output_format, statement)
    if output is None:
        click.echo(content, nl=not content.endswith(b"\n"))
    else:
        write_file(output, content, replace=force)
        click.echo(f"{output}: written.")
