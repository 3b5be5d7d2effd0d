"""Rows of images' histories, and of the intervals that hours are posted by.

Functions take a connection and never commit.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import sqlalchemy as sa

from instance_images_billing.ledger import postings as ledger
from instance_images_billing.ledger.tables import history, intervals
from instance_images_billing.pricing.history import Fact, Intervals
from instance_images_billing.pricing.rating import Interval

FACT_COLUMNS = (
    "image_id",
    "account_key",
    "event",
    "effective_at",
    "size_bytes",
    "learned_at",
    "source",
)
_ROWS_AT_A_TIME = 10_000


def read_facts(
    connection: sa.Connection, image_ids: Sequence[str]
) -> Iterator[tuple[str, list[Fact]]]:
    """Yield the images with their history, in the order in which it was learned."""
    return _facts(connection, history.c.image_id.in_(image_ids))


def all_facts(connection: sa.Connection, location: str) -> Iterator[tuple[str, list[Fact]]]:
    """Yield all images of the location with their history."""
    return _facts(connection, history.c.account_key.in_(ledger.account_keys(location)))


def _facts(
    connection: sa.Connection, condition: sa.ColumnElement[bool]
) -> Iterator[tuple[str, list[Fact]]]:
    query = (
        sa.select(*(history.c[name] for name in FACT_COLUMNS))
        .where(condition)
        .order_by(history.c.image_id, history.c.history_key)
    )
    rows = connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME))
    facts = (Fact(*row) for row in rows)
    for image_id, group in groupby(facts, key=lambda fact: fact.image_id):
        yield image_id, list(group)


def read_intervals(connection: sa.Connection, image_ids: Sequence[str]) -> dict[str, Intervals]:
    """Return what hours are posted by, for each of the images that has any."""
    return dict(_intervals(connection, intervals.c.image_id.in_(image_ids)))


def all_intervals(connection: sa.Connection, location: str) -> Iterator[tuple[str, Intervals]]:
    """Yield all images of the location with what hours are posted by."""
    return _intervals(connection, intervals.c.account_key.in_(ledger.account_keys(location)))


def _intervals(
    connection: sa.Connection, condition: sa.ColumnElement[bool]
) -> Iterator[tuple[str, Intervals]]:
    query = (
        sa.select(intervals).where(condition).order_by(intervals.c.image_id, intervals.c.starts_at)
    )
    rows = connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME))
    found = (Interval(**row._mapping) for row in rows)
    for image_id, group in groupby(found, key=lambda one: one.image_id):
        yield image_id, tuple(group)


def replace_intervals(connection: sa.Connection, changed: Mapping[str, Intervals]) -> None:
    """Put these intervals in place of those that the images have."""
    if not changed:
        return
    connection.execute(sa.delete(intervals).where(intervals.c.image_id.in_(changed)))
    rows = [
        {column.name: getattr(one, column.name) for column in intervals.c}
        for new in changed.values()
        for one in new
    ]
    if rows:
        connection.execute(sa.insert(intervals), rows)
