"""The Cloud Usage report of one account: collected, rendered, written and mailed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from instance_images.commands.output import tell_warning
from instance_images.errors import UsageError
from instance_images_reports.delivery.destination import report_name, require_readable, write_report
from instance_images_reports.delivery.output_directory import whole_directory
from instance_images_reports.formats.datasets import DATASETS, require_replaceable, write_dataset
from instance_images_reports.formats.registry import FORMATS, render, render_section
from instance_images_reports.presentation import Presentation

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images_billing.pricing.periods import Period
    from instance_images_reports.delivery.mail import Attachment, Postbox
    from instance_images_reports.statement.statement import Statement


@dataclass(frozen=True, slots=True)
class Delivery:
    """In which format a report, or one section of it, goes where.

    Without ``output`` it goes to standard output, unless it is mailed.
    """

    format_name: str
    section_name: str | None
    output: Path | None
    force: bool
    mail_to: tuple[str, ...]


def report_one(
    invocation: Invocation,
    account: str | None,
    period: Period,
    currency: str | None,
    delivery: Delivery,
    presentation: Presentation,
) -> None:
    """Report on one account; what cannot be delivered is refused before anything is computed."""
    from instance_images_reports.budgets.of_statements import budgets_of, with_budget
    from instance_images_reports.collect.account import collect
    from instance_images_reports.collect.added_sections import with_added_sections
    from instance_images_reports.collect.find_account import find_account

    application = invocation.application
    box = _required_postbox(invocation, delivery)
    found = find_account(application, account)
    with application.database.snapshot() as connection:
        statement = collect(connection, application.settings, found, period, currency)
        statement = with_added_sections(connection, statement)
        statement = with_budget(statement, budgets_of(connection, period, [found.id]))
    if delivery.format_name in DATASETS:
        _write_dataset(statement, delivery, presentation)
        return
    content = _content(statement, delivery, presentation)
    name = report_name(statement, delivery.format_name, delivery.section_name)
    if delivery.output is not None or box is None:
        written = write_report(delivery.output, content, name, replace=delivery.force)
        if written is not None:
            click.echo(f"{written}: written.")
    if box is not None:
        from instance_images_reports.delivery.mail import Attachment

        attachment = Attachment(name, content, FORMATS[delivery.format_name].content_type)
        _mail(invocation, box, statement, presentation, attachment)


def _required_postbox(invocation: Invocation, delivery: Delivery) -> Postbox | None:
    """Return where mail goes, if it is wanted. Raises UsageError where nothing can be delivered."""
    if delivery.format_name in DATASETS and (delivery.mail_to or delivery.section_name):
        raise UsageError(
            f"A report as {delivery.format_name} is a folder of files: it cannot be mailed or"
            " limited to a section."
        )
    if delivery.mail_to:
        from instance_images_reports.config import report_settings
        from instance_images_reports.delivery.mail import postbox

        mail = report_settings(invocation.application.settings).mail
        return postbox(mail, delivery.mail_to)
    if delivery.output is None:
        require_readable(delivery.format_name)
    return None


def _content(statement: Statement, delivery: Delivery, presentation: Presentation) -> bytes:
    if delivery.section_name is None:
        return render(delivery.format_name, statement, presentation)
    return render_section(delivery.format_name, statement, delivery.section_name, presentation)


def _write_dataset(statement: Statement, delivery: Delivery, presentation: Presentation) -> None:
    assert delivery.output is not None
    require_replaceable(delivery.format_name, delivery.output)
    with whole_directory(delivery.output, replace=delivery.force) as folder:
        write_dataset(delivery.format_name, folder, [statement], presentation)
    click.echo(f"{delivery.output}: written.")


def _mail(
    invocation: Invocation,
    box: Postbox,
    statement: Statement,
    presentation: Presentation,
    attachment: Attachment,
) -> None:
    from instance_images_reports.delivery.mail import mail_report

    refusals = mail_report(box, statement, presentation, attachment, invocation.clock())
    for refusal in refusals:
        invocation.exit_code = 1
        tell_warning(f"not mailed to {refusal}.")
    click.echo(f"{attachment.name}: mailed.")
