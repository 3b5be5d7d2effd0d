"""Compares the ledger with digests that were recorded outside of it. Reads only.

The chain proves that rows agree with their digests. Recorded digests prove that the chain is still
the one that they were recorded of, and was not written anew by whoever can write to the database.
"""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime

import sqlalchemy as sa

from instance_images.instants import format_instant
from instance_images_billing.ledger.anchors import Anchor
from instance_images_billing.ledger.closed_periods import find_closed
from instance_images_billing.ledger.tables import closings


def compare_recorded(
    connection: sa.Connection, anchors: Sequence[Anchor], location: str | None = None
) -> list[str]:
    """Return which recorded digests are not those of the ledger, one sentence each.

    With a location, digests that were recorded of others are left out. A digest that names none has
    to be that of any location in its hour: a digest holds its location's name.
    """
    own = [
        one
        for one in dict.fromkeys(anchors)
        if location is None or one.location in ("", location) or one.hour is None
    ]
    links = _links(connection, {one.hour for one in own if one.hour})
    findings = []
    for one in own:
        if one.hour is None:
            findings += _period(connection, one)
        else:
            findings += _hour(one, links.get(one.hour, {}), one.location or location or "")
    return findings


Links = dict[datetime, dict[str, str]]  # the digests of an hour, by location


def _links(connection: sa.Connection, hours: Set[datetime]) -> Links:
    found: Links = {}
    if not hours:
        return found
    query = sa.select(closings.c.hour, closings.c.location, closings.c.digest).where(
        closings.c.hour >= min(hours), closings.c.hour <= max(hours)
    )
    for hour, location, digest in connection.execute(query.execution_options(yield_per=10_000)):
        if hour in hours:
            found.setdefault(hour, {})[location] = digest
    return found


def _hour(one: Anchor, links: Mapping[str, str], location: str) -> list[str]:
    assert one.hour is not None
    candidates = [digest for name, digest in links.items() if location in ("", name)]
    if one.digest in candidates:
        return []
    name = f"{location or 'all locations'}, hour {format_instant(one.hour)}"
    return [f"{name}: {_fault(one, bool(candidates))}"]


def _period(connection: sa.Connection, one: Anchor) -> list[str]:
    closed = find_closed(connection, one.period)
    if closed is not None and closed.digest == one.digest:
        return []
    return [f"period {one.period}: {_fault(one, closed is not None)}"]


def _fault(one: Anchor, is_closed: bool) -> str:
    recorded = f"{one.digest[:16]}..."
    if is_closed:
        return (
            f"its digest is not the recorded {recorded}: this hour or an earlier one was"
            " rewritten since"
        )
    return f"its digest was recorded as {recorded}, but it is not closed in this ledger"
