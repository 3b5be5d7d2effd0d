"""The doctor's check of mailed reports: the server, the addresses, and what did not arrive.

Where no account has an address, nothing is mailed to all accounts, and nothing is checked.
"""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from instance_images.config.settings import Location
from instance_images.errors import ConfigurationError, MailUnavailable
from instance_images.locations.application import Application
from instance_images.model.findings import Finding, Severity
from instance_images_billing.config import billing_settings
from instance_images_billing.ledger.tables import closed_periods
from instance_images_billing.pricing.periods import parse_period
from instance_images_reports.collect.cutoff import read_cut
from instance_images_reports.collect.sums import read_sums
from instance_images_reports.config import report_settings
from instance_images_reports.delivery.addresses import list_addresses
from instance_images_reports.delivery.deliveries import CLOSED, SENT, list_deliveries
from instance_images_reports.delivery.mail import postbox
from instance_images_reports.delivery.smtp import Session

_SHOWN = 5


def check_mail(application: Application, locations: Sequence[Location]) -> Iterator[Finding]:
    """Find a server that cannot be used, accounts without an address, and mails that failed."""
    with application.database.snapshot() as connection:
        addressed = {one.account_id for one in list_addresses(connection)}
        period = connection.execute(
            sa.select(closed_periods.c.name).order_by(closed_periods.c.starts_at.desc()).limit(1)
        ).scalar_one_or_none()
        if not addressed:
            return
        if period is not None:
            yield from _of_period(connection, application, period, addressed)
    try:
        box = postbox(report_settings(application.settings).mail, ())
        with Session(box.settings):
            pass
    except (ConfigurationError, MailUnavailable) as error:
        cure = "Correct [mail]: until then, 'instance-images report mail' mails nothing."
        yield Finding("mail", Severity.ERROR, None, str(error), cure)


def _of_period(
    connection: sa.Connection, application: Application, name: str, addressed: set[str]
) -> Iterator[Finding]:
    """Find charged accounts of the last closed month that have no address, or not their report."""
    timezone = billing_settings(application.settings).timezone
    cut = read_cut(connection, parse_period(name, timezone))
    missing = sorted({one.account_id for one in read_sums(connection, cut)} - addressed)
    if missing:
        yield Finding(
            "mail",
            Severity.WARNING,
            None,
            f"{len(missing)} accounts with a report of {name} have no address: {_listed(missing)}.",
            "Set one with 'instance-images address set ACCOUNT ADDRESS'.",
        )
    found = list_deliveries(connection, name, revision=CLOSED)
    last = {one.key.whose: one for one in found}
    failed = sorted({one.key.account_id for one in last.values() if one.state != SENT})
    if failed:
        yield Finding(
            "mail",
            Severity.WARNING,
            None,
            f"Reports of {name} did not reach {len(failed)} accounts: {_listed(failed)}.",
            f"'instance-images report mailed --period {name}' has the server's answers. Correct the"
            " addresses, and run 'instance-images report mail' again.",
        )


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_SHOWN]) + (", ..." if len(ids) > _SHOWN else "")
