"""``instance-images report``. Commands wire and hold no logic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from instance_images.commands.options import all_accounts_option, pass_invocation
from instance_images_reports.all_accounts_commands import (
    engine_options,
    named_period_begun,
    reconcile_command,
    report_all,
    require_alone,
)
from instance_images_reports.datasets import DATASETS
from instance_images_reports.focus_options import VERSIONS, FocusOptions
from instance_images_reports.formats import (
    DEFAULT_PRESENTATION,
    FORMATS,
    PAPERS,
    Presentation,
    render,
    render_section,
)

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
@click.option(
    "--period",
    "period_text",
    required=True,
    metavar="PERIOD",
    help="Billing month: YYYY-MM, this, or last.",
)
@click.option(
    "--currency", metavar="CODE", help="The currency, for an account that is charged in several."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE|DIR",
    help="File to write, whole or not at all, or the folder to write one into; for parquet and"
    " focus, and of all accounts, the folder that they are. [default: standard output, unless it is"
    " mailed; of all accounts the summary]",
)
@click.option("--force", is_flag=True, help="Replace the file or folder if it exists.")
@click.option(
    "-f",
    "--format",
    "output_format",
    type=click.Choice([*FORMATS, *DATASETS]),
    help="The format to write. [default: by the suffix of FILE, else text]",
)
@click.option(
    "--section", "section_name", metavar="NAME", help="One section alone, as html or json: images."
)
@click.option(
    "--paper",
    type=click.Choice(PAPERS),
    default=DEFAULT_PRESENTATION.paper,
    show_default=True,
    help="The size of the pages of pdf and xlsx.",
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
@click.option(
    "--mail-to",
    multiple=True,
    metavar="ADDRESS",
    help="Mail the report there, by the server of [mail]; may be repeated.",
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
    """Write the Cloud Usage report of an account and period.

    With --all-accounts, write a summary, or with -o a folder: a report for each account and
    currency, the summary, and a manifest with digests and totals.

    Example: instance-images report cloud-usage --account demo --period 2026-11 -o demo.pdf
    """
    from instance_images_reports.catalogue import parse_locale
    from instance_images_reports.collect import collect, find_account
    from instance_images_reports.destination import (
        chosen_format,
        report_name,
        require_file,
        require_readable,
        write_folder,
        write_report,
    )
    from instance_images_reports.mailing import Attachment, mail_report, postbox
    from instance_images_reports.section_sources import with_added_sections

    parse_locale(locale)  # before the ledger is read
    application = invocation.application
    settings = application.settings
    provider = settings.provider
    focus = FocusOptions(focus_version, provider.name, provider.payment_terms)
    presentation = Presentation(locale, paper, settings.template_directories, focus)
    if all_accounts:
        require_alone(account, currency, section_name, mail_to)
        period = named_period_begun(invocation, period_text)
        report_all(invocation, period, output, output_format, presentation, force=force, **engine)
        return
    format_name = chosen_format(output_format, output)
    require_file(format_name, section_name, mail_to)
    box = postbox(settings.mail, mail_to) if mail_to else None
    if output is None and box is None:
        require_readable(format_name)
    now = invocation.clock()
    period = named_period_begun(invocation, period_text)
    with application.database.snapshot() as connection:
        found = find_account(connection, account)
        statement = collect(connection, settings, found, period, currency)
        statement = with_added_sections(connection, statement)
    if output is not None and format_name in DATASETS:
        write_folder(output, format_name, statement, presentation, replace=force)
        click.echo(f"{output}: written.")
        return
    if section_name is None:
        content = render(format_name, statement, presentation)
    else:
        content = render_section(format_name, statement, section_name, presentation)
    name = report_name(statement, format_name, section_name)
    if output is not None or box is None:
        written = write_report(output, content, name, replace=force)
        if written is not None:
            click.echo(f"{written}: written.")
    if box is not None:
        attachment = Attachment(name, content, FORMATS[format_name].content_type)
        for refusal in mail_report(box, statement, presentation, attachment, now):
            invocation.exit_code = 1
            click.echo(f"Warning: not mailed to {refusal}.", err=True)
        click.echo(f"{name}: mailed.")
