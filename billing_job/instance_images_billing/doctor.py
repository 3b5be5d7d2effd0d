"""The doctor's checks of the ledger: a rate for every location, and hours that are closed."""

from collections.abc import Iterator, Sequence

from instance_images.config.settings import Location
from instance_images.instants import format_instant
from instance_images.locations.application import Application
from instance_images.model.findings import Finding, Severity
from instance_images_billing.hours.status import status_of

# An hour may end just before the next run, and be closed just after it.
HOURS_BEHIND = 2


def check_ledger(application: Application, locations: Sequence[Location]) -> Iterator[Finding]:
    """Find enabled locations without a rate, and locations whose hours stay open."""
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
                "See that 'instance-images meter run' is run every hour, and what it says.",
            )
