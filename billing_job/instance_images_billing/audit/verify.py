"""Checks the ledger of a location: everything that is charged is computed again and compared.

Reads only, and computes by ``recomputing``, which shares no arithmetic with the hourly run. What
differs is returned as sentences that name the row; nothing is repaired.
"""

from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images.db.accounts import accounts_by_key
from instance_images.instants import format_instant
from instance_images_billing.audit.ledger_view import LedgerView
from instance_images_billing.audit.readable import (
    findings_of,
    unreadable_everywhere,
    unreadable_periods,
    unreadable_rows,
)
from instance_images_billing.audit.verify_adjustments import (
    misplaced,
    untrue_reasons,
    wrong_reversals,
)
from instance_images_billing.audit.verify_chain import broken_links
from instance_images_billing.audit.verify_usage import interval_faults, posting_faults
from instance_images_billing.ledger import adjustments, watermarks
from instance_images_billing.ledger import rates as ledger_rates
from instance_images_billing.ledger.chain import FIRST
from instance_images_billing.ledger.closed_periods import list_closed
from instance_images_billing.months.close import period_digest
from instance_images_billing.months.minimums import wrong_minimums


def verify_location(connection: sa.Connection, location: str, timezone: ZoneInfo) -> list[str]:
    """Return what is wrong in the location's ledger, one sentence each; empty if nothing is.

    Where rows cannot be read, only these are returned: all else follows from them.
    """
    unreadable = [*unreadable_rows(connection, location), *unreadable_periods(connection)]
    if unreadable:
        return [*unreadable, f"{location}: nothing else can be checked before these rows are right"]
    return findings_of(location, lambda: _verify_location(connection, location, timezone))


def _verify_location(connection: sa.Connection, location: str, timezone: ZoneInfo) -> list[str]:
    closed_until = watermarks.watermark(connection, location)
    if closed_until is None:
        return []
    book = LedgerView(
        location=location,
        owners=accounts_by_key(connection, location),
        rates=ledger_rates.list_rates(connection, location),
        closed_until=closed_until,
        adjusted=adjustments.of_location(connection, location),
        timezone=timezone,
    )
    posted, truth, findings = interval_faults(connection, book)
    findings += posting_faults(connection, book, posted, truth)
    findings += misplaced(book)
    findings += untrue_reasons(book)
    findings += wrong_reversals(book)
    findings += _minimums(connection, book)
    findings += broken_links(connection, book)
    return findings


def verify_periods(connection: sa.Connection) -> list[str]:
    """Return the closed periods that do not hold any more what they held when they were closed."""
    unreadable = unreadable_everywhere(connection)
    if unreadable:
        return unreadable
    return findings_of("closed periods", lambda: _verify_periods(connection))


def _verify_periods(connection: sa.Connection) -> list[str]:
    findings = []
    before = FIRST
    for one in list_closed(connection):
        digest = period_digest(connection, before, one.name, one.starts_at, one.ends_at)
        if digest != one.digest:
            findings.append(
                f"period {one.name}: its row, or something that counts in it, was changed after"
                f" it was closed at {format_instant(one.closed_at)}"
            )
        before = one.digest
    return findings


def _minimums(connection: sa.Connection, book: LedgerView) -> list[str]:
    """Return which minimum charges of closed periods are not what the usage makes them."""
    return [
        f"{book.place_text((key, one.starts_at))}: the minimum charge of {one.name} is"
        f" {nanos} nanos too low"
        for one in list_closed(connection)
        for key, nanos in wrong_minimums(connection, book.location, one).items()
    ]
