"""The doctor's checks of billing: rates, closed hours, the balance with the cloud, and metrics."""

from collections.abc import Iterator, Sequence
from functools import partial

from instance_images.config.settings import Location
from instance_images.doctor.checks import of_each
from instance_images.doctor.host import check_writable
from instance_images.errors import CloudUnavailable, ConfigurationError, Refused
from instance_images.instants import format_instant
from instance_images.locations.application import Application
from instance_images.model.findings import Finding, Severity
from instance_images_billing.config import billing_settings
from instance_images_billing.hours.close import balance_now
from instance_images_billing.hours.status import status_of
from instance_images_billing.ledger.closed_periods import require_timezone

_CURE = (
    "'instance-images meter verify --cloud' lists all differences. Compare the image with its"
    " record: 'openstack image show ID', 'instance-images image list --all-accounts'."
)
# An hour may end just before the next run, and be closed just after it.
HOURS_BEHIND = 2
# So many projects that are out of balance are named one by one at each location.
PROJECTS = 20


def check_ledger(application: Application, locations: Sequence[Location]) -> Iterator[Finding]:
    """Find locations without a rate, with hours that stay open, and out of balance.

    Raises ConfigurationError where the time zone of months was changed since one was closed.
    """
    now = application.clock()
    with application.database.reading() as connection:
        found = [(one, status_of(connection, one.name, now)) for one in locations]
    for location, status in found:
        if status.rate is None and (location.enabled or status.billable_images):
            yield Finding(
                "ledger",
                Severity.ERROR,
                location.name,
                f"{location.name} has no rate for this hour: no hour can be closed.",
                f"Run 'instance-images rate set {location.name} PRICE', with 0 where images are"
                " free.",
            )
        if status.hours_behind > HOURS_BEHIND:
            until = status.metered_until
            yield Finding(
                "ledger",
                Severity.ERROR,
                location.name,
                f"{status.hours_behind} hours are not closed"
                f"{f', those after {format_instant(until)}' if until else ''}.",
                "Check that 'instance-images meter run' runs every hour, and read its errors.",
            )
        if status.metered_until is not None and status.metered_until > now:
            yield Finding(
                "ledger",
                Severity.ERROR,
                location.name,
                f"Hours are closed up to {format_instant(status.metered_until)}, and it is"
                f" {format_instant(now)} now.",
                "If the clock of this host is wrong, set it. If hours were closed ahead of time,"
                " restore the ledger from a backup: until they have passed, bills are right in the"
                " sum of all months only.",
            )
    with application.database.reading() as connection:
        require_timezone(connection, billing_settings(application.settings).timezone)
    yield from of_each("ledger", locations, partial(_out_of_balance, application))


def check_metrics_file(
    application: Application, locations: Sequence[Location]
) -> Iterator[Finding]:
    """Find a metrics file that the hourly run could not write."""
    path = billing_settings(application.settings).metrics_textfile
    if path is not None:
        yield from check_writable("metrics", "[metrics] textfile", path)


def _out_of_balance(application: Application, location: Location) -> Iterator[Finding]:
    """Find projects with bytes that are stored but not billed, or billed but not stored."""
    site = application.site(location.name)
    try:
        found = balance_now(site, billing_settings(application.settings)).differences
    except (CloudUnavailable, ConfigurationError, Refused):
        return  # the checks of the cloud and of images read it as well, and tell
    for one in found[:PROJECTS]:
        yield Finding("ledger", Severity.ERROR, location.name, one.sentence, _CURE)
    if len(found) > PROJECTS:
        what = f"{len(found)} projects are out of balance; the first {PROJECTS} are shown."
        yield Finding("ledger", Severity.ERROR, location.name, what, _CURE)
