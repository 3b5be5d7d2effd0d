"""``instance-images report``. Commands wire and hold no logic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from instance_images.commands.options import pass_invocation
from instance_images.errors import Refused
from instance_images.instants import format_instant
from instance_images_reports.datasets import DATASETS, require_replaceable, write_dataset
from instance_images_reports.focus_options import VERSIONS, FocusOptions
from instance_images_reports.formats import (
    DEFAULT_PRESENTATION,
    FORMATS,
    PAPERS,
    Presentation,
    render,
)

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation


@click.group()
def report() -> None:
    """Report what images cost."""


@report.command("cloud-usage")
@click.option(
    "--account", metavar="A", help="Id or name of the account. [default: the only one there is]"
)
@click.option("--period", "period_text", required=True, metavar="YYYY-MM", help="Billing month.")
@click.option(
    "--currency", metavar="CODE", help="The currency, for an account that is charged in several."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE|DIR",
    help="File to write, whole or not at all, or a folder to write it into; for parquet and focus"
    " the folder that they are. [default: standard output]",
)
@click.option("--force", is_flag=True, help="Replace the file or folder if it exists.")
@click.option(
    "-f",
    "--format",
    "output_format",
    type=click.Choice([*FORMATS, *DATASETS]),
    help="The format to write. [default: by the suffix of the file, else text]",
)
@click.option(
    "--paper",
    type=click.Choice(PAPERS),
    default=PAPERS[0],
    help="The paper of a PDF. [default: a4]",
)
@click.option(
    "--locale",
    metavar="LOCALE",
    default=DEFAULT_PRESENTATION.locale,
    show_default=True,
    help="How texts, dates and numbers are put for people: de, de_DE, ja_JP. CSV and JSON are"
    " the same in every locale.",
)
@click.option(
    "--focus-version",
    type=click.Choice(VERSIONS),
    default=VERSIONS[0],
    help=f"The version of FOCUS. [default: {VERSIONS[0]}]",
)
@pass_invocation
def cloud_usage(
    invocation: Invocation,
    account: str | None,
    period_text: str,
    currency: str | None,
    output: Path | None,
    force: bool,
    output_format: str | None,
    paper: str,
    locale: str,
    focus_version: str,
) -> None:
    """Write the Cloud Usage report of an account and period.

    Example: instance-images report cloud-usage --account demo --period 2026-11 -f html -o demo.html
    """
    from instance_images_billing.periods import parse_period
    from instance_images_reports.catalogue import parse_locale
    from instance_images_reports.collect import collect, find_account
    from instance_images_reports.destination import (
        chosen_format,
        report_name,
        require_readable,
        write_report,
    )
    from instance_images_reports.output_directory import whole_directory

    parse_locale(locale)  # before the ledger is read
    format_name = chosen_format(output_format, output)
    if output is None:
        require_readable(format_name)
    application = invocation.application
    period = parse_period(period_text, application.settings.billing.timezone)
    now = invocation.clock()
    if period.start > now:
        raise Refused(
            f"The period {period.name} has not begun: it is {format_instant(now)} now, and it"
            f" begins at {format_instant(period.start)}."
        )
    with application.database.snapshot() as connection:
        found = find_account(connection, account)
        statement = collect(connection, application.settings, found, period, currency)
    provider = application.settings.provider
    focus = FocusOptions(focus_version, provider.name, provider.payment_terms)
    presentation = Presentation(locale=locale, paper=paper, focus=focus)
    if output is not None and format_name in DATASETS:
        require_replaceable(format_name, output)
        with whole_directory(output, replace=force) as folder:
            write_dataset(format_name, folder, [statement], presentation)
        click.echo(f"{output}: written.")
        return
    content = render(format_name, statement, presentation)
    name = report_name(statement, format_name)
    written = write_report(output, content, name, replace=force)
    if written is not None:
        click.echo(f"{written}: written.")
