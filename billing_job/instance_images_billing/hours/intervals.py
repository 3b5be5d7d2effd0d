"""Takes the news of a location's images into the ledger.

What is ordinary (an image that became available in an open hour) is done by the database in one
statement, for a million images as for one. For all others the truth is worked out image by image;
where it touches closed hours, adjustments are posted in the same transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images.db.tables import news
from instance_images.model.image_events import Event
from instance_images_billing.ledger import adjustments
from instance_images_billing.ledger import postings as ledger
from instance_images_billing.ledger.histories import (
    FACT_COLUMNS,
    facts_of_news,
    read_facts,
    read_intervals,
    replace_intervals,
)
from instance_images_billing.ledger.tables import history, intervals
from instance_images_billing.months.minimums import correct_minimums
from instance_images_billing.pricing.corrections import (
    HAND,
    LATE,
    Adjustment,
    Difference,
    Place,
    Standing,
    closed_slices,
    differences,
    given_back_twice,
    priced,
    waivers_ended,
)
from instance_images_billing.pricing.history import (
    Fact,
    Intervals,
    first_difference,
    posted_intervals,
    true_intervals,
)
from instance_images_billing.pricing.rating import Rate
from instance_images_billing.pricing.reasons import WAIVER_ENDED, Reason, reason_text

_IMAGES_AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class Books:
    """What is needed to work out corrections of a location's closed hours."""

    closed_until: datetime | None
    rates: Sequence[Rate]
    timezone: ZoneInfo
    now: datetime


def take_news(
    connection: sa.Connection, location: str, billable_size: str, books: Books
) -> list[Adjustment]:
    """Take all news of the location in; return the adjustments that were posted for them.

    The caller has locked the location.
    """
    own = ledger.account_keys(location)
    if connection.execute(sa.select(news.c.news_key).where(news.c.account_key.in_(own))).first():
        last = connection.execute(sa.select(sa.func.max(history.c.history_key))).scalar() or 0
        moved = _move_to_history(connection, location, billable_size, last)
        begun = _begin_ordinary(connection, location, books.closed_until, last)
        late = _settle_others(connection, location, books, last) if begun < moved else []
        if late and books.closed_until is not None:
            late += correct_minimums(connection, location, late, books.closed_until)
        return late
    return []


def _move_to_history(
    connection: sa.Connection, location: str, billable_size: str, last: int
) -> int:
    """Copy the news, then remove exactly those that were copied; return how many there were."""
    own = news.c.account_key.in_(ledger.account_keys(location))
    taken = sa.select(*facts_of_news(billable_size)).where(own).order_by(news.c.news_key)
    names = ["news_key", *FACT_COLUMNS]
    moved = _count(connection, sa.insert(history).from_select(names, taken))
    # Nobody else removes news of the location, so that as many rows are the same rows. There are
    # more of them where another process has told of something since.
    attempt = connection.begin_nested()
    if _count(connection, sa.delete(news).where(own)) == moved:
        attempt.commit()
    else:
        attempt.rollback()
        copied = sa.select(history.c.news_key).where(history.c.history_key > last)
        connection.execute(sa.delete(news).where(own, news.c.news_key.in_(copied)))
    return moved


def _count(connection: sa.Connection, statement: sa.Insert | sa.Delete) -> int:
    """Execute the statement; return the number of rows that it wrote or removed."""
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount


def _begin_ordinary(
    connection: sa.Connection, location: str, closed_until: datetime | None, last: int
) -> int:
    """Add the interval of every image of which nothing is known but that it became available.

    Return how many there were.
    """
    begun = (
        sa.select(
            history.c.image_id,
            history.c.effective_at,
            history.c.account_key,
            history.c.size_bytes,
            sa.false(),
            sa.false(),
        )
        .where(
            history.c.account_key.in_(ledger.account_keys(location)),
            history.c.history_key > last,
            _is_ordinary(closed_until),
        )
        .order_by(history.c.image_id)  # the order of the indexes: inserts are faster
    )
    names = ["image_id", "starts_at", "account_key", "size_bytes", "continues", "is_continued"]
    return _count(connection, sa.insert(intervals).from_select(names, begun))


def _is_ordinary(closed_until: datetime | None) -> sa.ColumnElement[bool]:
    other = history.alias("other")
    is_only = ~sa.exists().where(
        other.c.image_id == history.c.image_id, other.c.history_key != history.c.history_key
    )
    is_open = sa.true() if closed_until is None else history.c.effective_at >= closed_until
    return sa.and_(history.c.event == Event.AVAILABLE, is_open, is_only)


def _settle_others(
    connection: sa.Connection, location: str, books: Books, last: int
) -> list[Adjustment]:
    query = (
        sa.select(history.c.image_id)
        .distinct()
        .where(
            history.c.account_key.in_(ledger.account_keys(location)),
            history.c.history_key > last,
            ~_is_ordinary(books.closed_until),
        )
        .order_by(history.c.image_id)
    )
    image_ids = list(connection.execute(query).scalars())
    posted: list[Adjustment] = []
    for first in range(0, len(image_ids), _IMAGES_AT_A_TIME):
        some = image_ids[first : first + _IMAGES_AT_A_TIME]
        posted += _settle(connection, some, books)
    return posted


def _settle(connection: sa.Connection, image_ids: Sequence[str], books: Books) -> list[Adjustment]:
    """Bring the images' intervals up to what is known, and correct the hours that are closed."""
    before = read_intervals(connection, image_ids)
    histories = list(read_facts(connection, image_ids))
    adjusted = adjustments.late_byte_seconds(connection, image_ids)
    changed: dict[str, Intervals] = {}
    new: list[Adjustment] = []
    for image_id, facts in histories:
        truth = true_intervals(facts)
        posted = posted_intervals(before.get(image_id, ()), truth, books.closed_until)
        if posted != before.get(image_id, ()):
            changed[image_id] = posted
        # One image after the other: the next is charged on top of what this one has left.
        late = _correct(
            connection=connection,
            fact=facts[-1],
            truth=truth,
            posted=posted,
            adjusted=adjusted.get(image_id, {}),
            books=books,
        )
        adjustments.insert_adjustments(connection, late)
        new += late
    replace_intervals(connection, changed)
    return new


def _correct(
    connection: sa.Connection,
    fact: Fact,
    truth: Intervals,
    posted: Intervals,
    adjusted: Mapping[Place, int],
    books: Books,
) -> list[Adjustment]:
    """Return what must be posted for closed hours, now that ``fact`` is known too."""
    if books.closed_until is None:
        return []
    starts = [at for _, at in adjusted]
    differs_at = first_difference(truth, posted)
    if differs_at is not None:
        starts.append(differs_at)
    if not starts or min(starts) >= books.closed_until:
        return []
    slices = closed_slices(min(starts), books.closed_until, books.rates, books.timezone)
    found = differences(fact.image_id, truth, posted, adjusted, slices)
    return _adjustments(connection, fact, found, books) if found else []


def _adjustments(
    connection: sa.Connection, fact: Fact, found: Sequence[Difference], books: Books
) -> list[Adjustment]:
    assert books.closed_until is not None
    standing = adjustments.standing(
        connection,
        {one.account_key for one in found},
        min(one.part.start for one in found),
        max(one.part.end for one in found),
    )
    decided = adjustments.decisions_by_place(connection, {one.account_key for one in found})
    new = []
    for one, nanos in priced(found, standing):
        place = (one.account_key, one.part.start)
        late = Adjustment(
            account_key=one.account_key,
            image_id=one.image_id,
            corrects_at=one.part.start,
            counted_at=books.closed_until,
            kind=LATE,
            byte_seconds=one.byte_seconds,
            amount_nanos=nanos,
            reason=reason_text(Reason(fact.event, fact.effective_at, fact.learned_at)),
            author=fact.source,
            posted_at=books.now,
            reason_code=fact.event,
            event_at=fact.effective_at,
            learned_at=fact.learned_at,
        )
        new.append(late)
        stands = standing.get(place, Standing()).amount_nanos + nanos
        rows = decided.get(place, [])
        by_hand = adjustments.nanos_by_image(rows)
        twice = given_back_twice(by_hand, one.image_id, nanos, stands)
        for reverses, part in waivers_ended(rows, one.image_id, twice):
            new.append(_end_of_waiver(late, part, reverses))
    return new


def _end_of_waiver(late: Adjustment, nanos: int, reverses: int | None) -> Adjustment:
    """Return the row that takes a waiver back, for the charge that it waived is gone itself."""
    return Adjustment(
        account_key=late.account_key,
        image_id=late.image_id,
        corrects_at=late.corrects_at,
        counted_at=late.counted_at,
        kind=HAND,
        byte_seconds=0,
        amount_nanos=nanos,
        reason=reason_text(Reason(WAIVER_ENDED)),
        author=late.author,
        posted_at=late.posted_at,
        reverses=reverses,
        reason_code=WAIVER_ENDED,
    )
