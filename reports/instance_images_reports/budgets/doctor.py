"""The doctor's checks of budgets: the secret of webhooks, the server of mail, and stuck notices."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from instance_images.config.settings import Location
from instance_images.doctor.host import check_writable
from instance_images.errors import ConfigurationError
from instance_images.locations.application import Application
from instance_images.model.findings import Finding, Severity
from instance_images_billing.config import billing_settings
from instance_images_reports.budgets import notices
from instance_images_reports.budgets.metrics import metrics_path
from instance_images_reports.budgets.records import list_budgets
from instance_images_reports.budgets.webhook import read_secret
from instance_images_reports.config import report_settings

# So late the next attempt is when no hourly run comes, or none gets that far.
OVERDUE = timedelta(hours=2)


def check_budgets(application: Application, locations: Sequence[Location]) -> Iterator[Finding]:
    """Find budgets whose notices cannot be sent, and notices that were not."""
    now = application.clock()
    with application.database.reading() as connection:
        budgets = list_budgets(connection)
        unsent = notices.unsent(connection, now)
    settings = report_settings(application.settings)
    textfile = billing_settings(application.settings).metrics_textfile
    if budgets and textfile is not None:
        yield from check_writable("budgets", "beside [metrics] textfile", metrics_path(textfile))
    if any("mail" in budget.channels for budget in budgets) and settings.mail is None:
        yield _finding(
            "Notices of budgets go to mail addresses, but no mail server is configured.",
            "Set host and sender in [mail].",
        )
    if any("webhook" in budget.channels for budget in budgets):
        try:
            read_secret(settings.budget)
        except ConfigurationError as error:
            yield _finding(
                str(error),
                "Let the user of the hourly runs read it (run the doctor as that user).",
            )
    overdue = [one for one in unsent if one.due_at is not None and one.due_at < now - OVERDUE]
    if overdue:
        yield _finding(
            f"{len(overdue)} notices of budgets should have been sent"
            f" {OVERDUE.seconds // 3600} hours ago or earlier, such as that of account"
            f" {overdue[0].account_id}.",
            "Check that 'instance-images meter run' runs every hour, and read its warnings.",
        )
    yield from _failing(unsent)


def _failing(unsent: Sequence[notices.Notice]) -> Iterator[Finding]:
    """Find notices that were tried in vain, one finding for each account."""
    last = {one.whose: one for one in unsent if one.error is not None}
    for notice in list(last.values())[:20]:
        given_up = "was given up" if notice.state == notices.FAILED else "is tried again"
        yield _finding(
            f"A notice of the {notice.currency} budget of account {notice.account_id} could not be"
            f" sent by {notice.channel} and {given_up}: {notice.error}",
            "Correct what the message names. 'instance-images budget set' with the same values"
            " sends it at the next run.",
        )


def _finding(what: str, cure: str) -> Finding:
    return Finding("budgets", Severity.ERROR, None, what, cure)
