"""``instance-images report mail`` and ``report mailed``. Commands wire and hold no logic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from instance_images.commands.options import pass_invocation
from instance_images.commands.output import format_option, show_list, tell_error, tell_warning
from instance_images.errors import UsageError
from instance_images_reports.batch.engines import LOCAL
from instance_images_reports.commands.all_accounts import named_period_begun
from instance_images_reports.commands.options import paper_option

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images_reports.batch.mailing import Mailed, Mailing
    from instance_images_reports.delivery.dispatch import Dispatch

_SHOWN_WARNINGS = 20

period_option = click.option(
    "--period",
    "period_text",
    required=True,
    metavar="PERIOD",
    help="Billing month: YYYY-MM, this, or last.",
)
accounts_option = click.option(
    "--account",
    "accounts",
    multiple=True,
    metavar="A",
    help="Id or name of an account. Repeatable. [default: all]",
)


@click.command("mail")
@period_option
@accounts_option
@click.option("--open", "allow_open", is_flag=True, help="Mail reports of a month not yet closed.")
@click.option(
    "--resend", is_flag=True, help="Mail again what was sent to the accounts of --account."
)
@click.option("--dry-run", is_flag=True, help="Show who would get what; connect to no mail server.")
@paper_option
@click.option(
    "--jobs",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="Number of processes that render the reports. [default: one per core]",
)
@format_option
@pass_invocation
def mail_command(
    invocation: Invocation,
    period_text: str,
    accounts: tuple[str, ...],
    allow_open: bool,
    resend: bool,
    dry_run: bool,
    paper: str,
    jobs: int | None,
    output_format: str | None,
) -> None:
    """Mail each account's report to its addresses on record ('address list').

    Each report is mailed once to each address: run the command again after an interruption, or to
    try rejected mails again. It lists what it did, and every report without an address. The exit
    code is 1 if a report did not reach an address.

    Example: instance-images report mail --period last
    """
    from instance_images_reports.batch.engines import engine
    from instance_images_reports.batch.mailing import mail_all
    from instance_images_reports.commands.progress import accounts_progress
    from instance_images_reports.commands.views import OUTCOME

    if resend and not accounts:
        raise UsageError("--resend requires --account: name the accounts whose reports to resend.")
    application = invocation.application
    dispatch = None if dry_run else _dispatch(invocation)
    mailing = _mailing(invocation, period_text, accounts, paper, allow_open, resend)
    period = mailing.books.cut.period.name
    with invocation.announced("report mail"), accounts_progress(f"Mails of {period}") as progress:
        mailed = mail_all(
            settings=application.settings,
            database=application.database,
            mailing=mailing,
            engine=engine(LOCAL, jobs, None),
            dispatch=dispatch,
            progress=progress,
        )
    outcomes = sorted(mailed.outcomes, key=lambda one: (one.account_id, one.currency, one.address))
    show_list(OUTCOME, outcomes, output_format)
    _tell(invocation, period, mailed)


def _dispatch(invocation: Invocation) -> Dispatch:
    from instance_images_reports.config import report_settings
    from instance_images_reports.delivery.dispatch import Dispatch
    from instance_images_reports.delivery.mail import postbox

    application = invocation.application
    box = postbox(report_settings(application.settings).mail, ())
    return Dispatch(application.database, box.settings, invocation.clock)


def _mailing(
    invocation: Invocation,
    period_text: str,
    accounts: Sequence[str],
    paper: str,
    allow_open: bool,
    resend: bool,
) -> Mailing:
    """Return what is wanted. Raises Refused where the month is open and that is not allowed."""
    from instance_images_reports.batch.all_accounts import read_books
    from instance_images_reports.batch.mailing import Mailing, require_closed
    from instance_images_reports.collect.find_account import find_account
    from instance_images_reports.config import report_settings
    from instance_images_reports.presentation import Presentation

    application = invocation.application
    period = named_period_begun(invocation, period_text)
    ids = frozenset(find_account(application, one).id for one in accounts)
    with application.database.snapshot() as connection:
        books = read_books(connection, application.settings, period)
    require_closed(books, allow_open=allow_open)
    reports = report_settings(application.settings)
    return Mailing(
        books=books,
        presentation=Presentation(
            paper=paper,
            template_directories=reports.template_directories,
            pdf_engine=reports.pdf_engine,
        ),
        account_ids=ids if accounts else None,
        is_again=resend,
    )


def _tell(invocation: Invocation, period: str, mailed: Mailed) -> None:
    """Print on stderr what is wrong and how many mails there are, and set the exit code."""
    from instance_images.names import printable
    from instance_images_reports.batch.mailing import NO_ADDRESS, SENT_ELSEWHERE, WOULD_SEND
    from instance_images_reports.delivery.deliveries import FAILED, SENT
    from instance_images_reports.delivery.dispatch import OTHER_RUN

    _warn([f"Not mailed: {fault}" for fault in mailed.faults])
    _warn(
        [
            f"Not mailed: account {printable(one.account_id)} to {one.address}: {one.answer}"
            for one in mailed.outcomes
            if one.state == FAILED
        ]
    )
    _warn(
        [
            f"No address: account {printable(one.account_id)} ({printable(one.account_name)}),"
            f" {one.currency} {one.total}. See 'instance-images address set'."
            for one in mailed.outcomes
            if one.state == NO_ADDRESS
        ]
    )
    counts = [
        (mailed.count(SENT), "mailed"),
        (mailed.count(SENT_ELSEWHERE), "mailed by another run"),
        (mailed.count(WOULD_SEND), "would be mailed"),
        (mailed.count(FAILED), "rejected"),
        (mailed.count(OTHER_RUN), "left to another run"),
        (len(mailed.faults), "faulty"),
        (mailed.count(NO_ADDRESS), "without an address"),
        (mailed.earlier_count, "mailed earlier"),
    ]
    told = ", ".join(f"{count} {what}" for count, what in counts if count) or "no report"
    click.echo(f"{period}: {told}.", err=True)
    if not mailed.is_complete:
        invocation.exit_code = 1
    if mailed.stopped is not None:
        tell_error(mailed.stopped)
        click.echo("The rest was not mailed: run the command again.", err=True)
        invocation.exit_code = mailed.stopped.exit_code


def _warn(sentences: Sequence[str]) -> None:
    for sentence in sentences[:_SHOWN_WARNINGS]:
        tell_warning(sentence)
    if len(sentences) > _SHOWN_WARNINGS:
        tell_warning(f"And {len(sentences) - _SHOWN_WARNINGS} more like this, in the list.")


@click.command("mailed")
@period_option
@click.option("--account", metavar="A", help="Id or name of the account. [default: all]")
@click.option(
    "--state",
    type=click.Choice(["pending", "sent", "failed"]),
    help="State of the mails. [default: all]",
)
@format_option
@pass_invocation
def mailed_command(
    invocation: Invocation,
    period_text: str,
    account: str | None,
    state: str | None,
    output_format: str | None,
) -> None:
    """List what 'report mail' sent of a month, to whom, and when.

    Example: instance-images report mailed --period last -f csv > mailed.csv
    """
    from instance_images_reports.collect.find_account import find_account
    from instance_images_reports.commands.views import DELIVERY
    from instance_images_reports.delivery.deliveries import list_deliveries

    application = invocation.application
    period = named_period_begun(invocation, period_text)
    ids = None if account is None else [find_account(application, account).id]
    with application.database.reading() as connection:
        found = list_deliveries(connection, period.name, account_ids=ids, state=state)
    show_list(DELIVERY, found, output_format)
