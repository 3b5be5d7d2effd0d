"""Rows of images' histories, and of the intervals that hours are posted by.

Functions take a connection and never commit.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from instance_images.db.tables import news
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


def all_facts_with_news(
    connection: sa.Connection, location: str, billable_size: str
) -> Iterator[tuple[str, list[Fact]]]:
    """Yield all images of the location with their history, as if all news had been taken in."""
    own = ledger.account_keys(location)
    of_news = [sa.literal(1).label("is_news"), *facts_of_news(billable_size)]
    known = sa.select(
        sa.literal(0).label("is_news"),
        history.c.history_key.label("news_key"),
        *(history.c[name] for name in FACT_COLUMNS),
    ).where(history.c.account_key.in_(own))
    every = sa.union_all(known, sa.select(*of_news).where(news.c.account_key.in_(own))).subquery()
    query = sa.select(*(every.c[name] for name in FACT_COLUMNS)).order_by(
        every.c.image_id, every.c.is_news, every.c.news_key
    )
    return _grouped(connection, query)


def facts_of_news(billable_size: str) -> list[sa.ColumnElement[Any]]:
    """Return the columns of a news' fact after its ``news_key``, with the size that is billed."""
    size: sa.ColumnElement[int | None] = news.c.size_bytes
    if billable_size == "virtual":
        # The disk says itself how large it is, in a header that its owner can write.
        is_larger = news.c.virtual_size_bytes > news.c.size_bytes
        size = sa.case((is_larger, news.c.virtual_size_bytes), else_=news.c.size_bytes)
    columns = [size.label(name) if name == "size_bytes" else news.c[name] for name in FACT_COLUMNS]
    return [news.c.news_key, *columns]


def _facts(
    connection: sa.Connection, condition: sa.ColumnElement[bool]
) -> Iterator[tuple[str, list[Fact]]]:
    query = (
        sa.select(*(history.c[name] for name in FACT_COLUMNS))
        .where(condition)
        .order_by(history.c.image_id, history.c.history_key)
    )
    return _grouped(connection, query)


def _grouped(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[tuple[str, list[Fact]]]:
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
