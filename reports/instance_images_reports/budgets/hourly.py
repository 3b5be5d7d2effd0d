"""What the hourly run does for budgets, once all hours are closed: check, publish, deliver."""

from collections.abc import Sequence

import sqlalchemy as sa

from instance_images.locations.application import Application
from instance_images_billing.config import billing_settings
from instance_images_reports.budgets import metrics, notices
from instance_images_reports.budgets.check import Checked, check_budgets
from instance_images_reports.budgets.deliver import Office, deliver_due
from instance_images_reports.budgets.tables import budgets
from instance_images_reports.config import report_settings


def after_hours(application: Application) -> Sequence[str]:
    """Check the budgets by the hours that are closed, and send what is due; return what is wrong.

    Without any budget this is one query.
    """
    if not _has_budgets(application):
        return []
    billing = billing_settings(application.settings)
    checked = check_budgets(
        application.database,
        [location.name for location in application.settings.locations],
        billing.timezone,
        application.clock(),
    )
    problems = deliver_due(office_of(application))
    problems += _publish(application, checked[0] if checked else None)
    return problems


def office_of(application: Application) -> Office:
    """Return what notices are sent with."""
    reports = report_settings(application.settings)
    return Office(
        database=application.database,
        budget=reports.budget,
        mail=reports.mail,
        timezone=billing_settings(application.settings).timezone,
        clock=application.clock,
    )


def _has_budgets(application: Application) -> bool:
    with application.database.reading() as connection:
        return connection.execute(sa.select(budgets.c.budget_key).limit(1)).first() is not None


def _publish(application: Application, checked: Checked | None) -> list[str]:
    textfile = billing_settings(application.settings).metrics_textfile
    if textfile is None:
        return []
    with application.database.reading() as connection:
        found = notices.unsent(connection, application.clock())
    unsent: dict[str, int] = {}
    for notice in found:
        unsent[notice.state] = unsent.get(notice.state, 0) + 1
    problem = metrics.publish(textfile, checked, unsent)
    return [] if problem is None else [problem]
