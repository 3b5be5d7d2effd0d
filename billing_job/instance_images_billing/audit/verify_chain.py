"""Recomputes the chain of digests: the hours whose rows are not what they were when closed."""

from datetime import datetime
from itertools import groupby

import sqlalchemy as sa

from instance_images.instants import HOUR, floor_hour, format_instant
from instance_images_billing.audit.ledger_view import LedgerView
from instance_images_billing.ledger import closings
from instance_images_billing.ledger.chain import FIRST, link_hour
from instance_images_billing.ledger.tables import postings
from instance_images_billing.pricing.corrections import (
    Adjustment,
)
from instance_images_billing.pricing.rating import rate_at


def broken_links(connection: sa.Connection, book: LedgerView) -> list[str]:
    """Recompute every link, and name the hours whose rows are not what they were when closed."""
    findings: list[str] = []
    links = list(closings.list_closings(connection, book.location))
    if not links:
        return findings
    counted: dict[datetime, list[Adjustment]] = {}
    for one in book.adjusted:
        counted.setdefault(one.counted_at, []).append(one)
    by_key = {one.adjustment_key: one for one in book.adjusted if one.adjustment_key is not None}
    account_ids = {key: owner.account_id for key, owner in book.owners.items()}
    by_hour = groupby(
        book.rows(connection, postings.c.starts_at, postings.c.account_key),
        key=lambda p: floor_hour(p.starts_at),
    )
    hour, rows = next(by_hour, (None, iter(())))
    before, expected = FIRST, links[0].hour
    for link in links:
        while hour is not None and hour < link.hour:
            hour, rows = next(by_hour, (None, iter(())))
        posted = list(rows) if hour == link.hour else []
        name = f"{book.location}, hour {format_instant(link.hour)}"
        if link.hour != expected:
            findings.append(
                f"{name}: the hours before it, from {format_instant(expected)}, are"
                " missing in the chain"
            )
        expected = link.hour + HOUR
        rate = rate_at(book.rates, link.hour)
        if rate is None:
            findings.append(f"{name}: is closed but has no rate")
        else:
            adjusted = counted.get(link.hour, [])
            again = link_hour(
                before=before,
                rate=rate,
                hour=link.hour,
                posted=posted,
                adjusted=adjusted,
                account_ids=account_ids,
                closed_at=link.closed_at,
                reversed_rows=by_key,
            )
            if again != link:
                findings.append(
                    f"{name}: its postings, adjustments, rate or link were changed"
                    " after it was closed"
                )
        before = link.digest
    if expected != book.closed_until:
        findings.append(
            f"{book.location}: the chain ends at {format_instant(expected)}, and hours are closed"
            f" up to {format_instant(book.closed_until)}"
        )
    return findings
