"""What ``instance-images report`` does for all accounts. Commands wire and hold no logic."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from instance_images.commands.options import pass_invocation
from instance_images.commands.output import format_option
from instance_images.errors import Refused, UsageError
from instance_images_reports.batch.engines import DASK, LOCAL

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images_billing.pricing.periods import Period
    from instance_images_reports.presentation import Presentation


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what makes the reports of many accounts."""
    for option in (
        click.option(
            "--engine-address",
            metavar="ADDRESS",
            help="Address of a running Dask scheduler, such as tls://10.0.0.5:8786. Its workers "
            "need the same database and the folder.",
        ),
        click.option(
            "--engine",
            "engine_name",
            type=click.Choice([LOCAL, DASK]),
            default=LOCAL,
            help="Engine that renders the reports of all accounts: local processes or Dask. "
            "[default: local]",
        ),
        click.option(
            "--jobs",
            type=click.IntRange(1, 1024),
            metavar="N",
            help="Number of processes that render the reports of all accounts. [default: one per "
            "core]",
        ),
    ):
        command = option(command)
    return command


def named_period_begun(invocation: Invocation, text: str) -> Period:
    """Return the period of that name. Raises UsageError, and Refused where it begins later."""
    from instance_images_billing.config import billing_settings
    from instance_images_reports.collect.begun_period import begun_period

    timezone = billing_settings(invocation.application.settings).timezone
    return begun_period(text, invocation.clock(), timezone)


def require_alone(*options_of_one_account: object) -> None:
    """Raise UsageError where an option was given that is for the report of one account."""
    if any(options_of_one_account):
        raise UsageError(
            "--all-accounts excludes --account, --currency, --section and --mail-to. 'report mail'"
            " mails each account's report to its addresses on record."
        )


def require_no_engine(jobs: int | None, engine_name: str, engine_address: str | None) -> None:
    """Raise UsageError where the report of one account was given an engine."""
    if (jobs, engine_name, engine_address) != (None, LOCAL, None):
        raise UsageError("--engine, --engine-address and --jobs require --all-accounts.")


def report_all(
    invocation: Invocation,
    period: Period,
    output: Path | None,
    output_format: str | None,
    presentation: Presentation,
    *,
    force: bool,
    jobs: int | None,
    engine_name: str,
    engine_address: str | None,
) -> None:
    """Print the summary over all accounts, or write the folder with a report for each of them."""
    from instance_images_reports.batch.all_accounts import full_summary, read_books, write_all
    from instance_images_reports.batch.engines import engine
    from instance_images_reports.commands.progress import accounts_progress
    from instance_images_reports.formats.datasets import DATASETS
    from instance_images_reports.summary.formats import SUMMARY_FORMATS, render_summary

    application = invocation.application
    database, settings = application.database, application.settings
    if output_format is None and output is not None:
        raise UsageError("Choose the format of the reports with -f.")
    output_format = output_format or "text"
    if output is None and output_format not in SUMMARY_FORMATS:
        raise UsageError(
            f"The summary is not available as {output_format}: name a folder for the reports with"
            f" -o, or choose one of {', '.join(SUMMARY_FORMATS)}."
        )
    chosen = engine(engine_name, jobs, engine_address)
    with database.snapshot() as connection:
        # Rows of a data set are in the order of the ids; a file of its own has no neighbours.
        books = read_books(connection, settings, period, by_key=output_format not in DATASETS)
    if not books.places:
        raise Refused("There are no accounts to report on: no image was ever captured.")
    if output is None:
        with accounts_progress(f"Summary of {period.name}") as progress:
            summary = full_summary(settings, books, chosen, progress)
        content = render_summary(output_format, summary, {}, presentation)
        click.echo(content, nl=False)
        return
    with accounts_progress(f"Reports of {period.name}") as progress:
        manifest = write_all(
            settings=settings,
            books=books,
            engine=chosen,
            directory=output,
            output_format=output_format,
            presentation=presentation,
            progress=progress,
            replace=force,
        )
    count = len(manifest.accounts)
    click.echo(f"{output}: written: {count} report{'' if count == 1 else 's'} of {period.name}.")


@click.command("reconcile")
@click.option(
    "--period",
    "period_text",
    required=True,
    metavar="PERIOD",
    help="Billing month: YYYY-MM, this, or last.",
)
@click.argument("directory", required=False, type=click.Path(path_type=Path, file_okay=False))
@format_option
@pass_invocation
def reconcile_command(
    invocation: Invocation,
    period_text: str,
    directory: Path | None,
    output_format: str | None,
) -> None:
    """Compare the reports of a period with the ledger.

    DIRECTORY is a folder written by 'report cloud-usage --all-accounts -o'. Its files are compared
    with its manifest, and the manifest with the ledger as of that time. Without DIRECTORY, what
    the reports would come to is compared: the images stored at their rates, and all that is charged
    beside them. If anything differs, it is listed and the exit code is 1.

    Example: instance-images report reconcile --period 2026-11 /srv/reports/2026-11
    """
    from instance_images.commands.output import show_list
    from instance_images_reports.commands.views import RECONCILED
    from instance_images_reports.proof.reconcile import prove_folder, prove_statements

    period = named_period_begun(invocation, period_text)
    with invocation.application.database.snapshot() as connection:
        if directory is not None:
            proof = prove_folder(connection, period, directory)
        else:
            proof = prove_statements(connection, period)
    show_list(RECONCILED, proof.rows, output_format)
    for line in filter(None, [proof.note, *proof.findings]):
        click.echo(line, err=True)
    if proof.findings:
        invocation.exit_code = 1
        count = len(proof.findings)
        click.echo(f"{count} finding{'' if count == 1 else 's'}.", err=True)
    else:
        click.echo(f"{period.name}: the reports match the ledger.", err=True)
