"""Compares intervals with the history, and postings and late adjustments with the intervals."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby, pairwise

import sqlalchemy as sa

from instance_images.instants import HOUR, floor_hour, format_instant
from instance_images_billing.audit.ledger_view import LedgerView
from instance_images_billing.ledger import closings
from instance_images_billing.ledger.histories import all_facts, all_intervals
from instance_images_billing.ledger.tables import postings
from instance_images_billing.pricing.charged import Posting
from instance_images_billing.pricing.corrections import (
    LATE,
    Adjustment,
    Place,
    Standing,
)
from instance_images_billing.pricing.history import (
    Intervals,
    first_difference,
    joined,
    posted_intervals,
    true_intervals,
)
from instance_images_billing.pricing.rating import Interval
from instance_images_billing.pricing.recomputing import Line, byte_seconds_along, line_of, nanos_of

ByAccount = dict[int, list[Interval]]


def interval_faults(
    connection: sa.Connection, book: LedgerView
) -> tuple[ByAccount, ByAccount, list[str]]:
    """Return intervals as posted and as they are true, by account, and what is wrong in them."""
    by_image: dict[str, Intervals] = dict(all_intervals(connection, book.location))
    findings: list[str] = []
    posted: ByAccount = {}
    truth: ByAccount = {}
    for image_id, facts in all_facts(connection, book.location):
        true = true_intervals(facts)
        found = by_image.pop(image_id, ())
        findings += _faults_of(book, image_id, found, true)
        for one, into in (*((i, posted) for i in found), *((i, truth) for i in true)):
            assert one.account_key is not None
            into.setdefault(one.account_key, []).append(one)
    for image_id, found in by_image.items():
        findings.append(f"{book.location}, image {image_id}: has intervals but no history")
        for one in found:
            assert one.account_key is not None
            posted.setdefault(one.account_key, []).append(one)
    return posted, truth, findings


def _faults_of(book: LedgerView, image_id: str, found: Intervals, true: Intervals) -> list[str]:
    name = f"{book.location}, image {image_id}"
    faults = [
        f"{name}: its intervals overlap at {format_instant(later.starts_at)}"
        for earlier, later in pairwise(found)
        if earlier.ends_at is None or earlier.ends_at > later.starts_at
    ]
    if not faults and tuple(found) != joined(found):
        faults.append(f"{name}: its intervals are not marked where they continue each other")
    wanted = posted_intervals(found, true, book.closed_until)
    differs_at = first_difference(found, wanted)
    if differs_at is not None:
        faults.append(
            f"{name}: its intervals differ from its history from {format_instant(differs_at)} on"
        )
    return faults


def posting_faults(
    connection: sa.Connection, book: LedgerView, posted: ByAccount, truth: ByAccount
) -> list[str]:
    """Compare postings, and postings with late adjustments, with what they have to be."""
    starts = [one.starts_at for some in (*posted.values(), *truth.values()) for one in some]
    until = _recomputed_until(connection, book)
    line = line_of(
        _recomputed_from(book, [*starts, until - HOUR]),
        until,
        book.rates,
        book.timezone,
    )
    late: dict[int, list[Adjustment]] = {}
    for one in book.adjusted:
        if one.kind == LATE:
            late.setdefault(one.account_key, []).append(one)
    findings: list[str] = []
    rest = set(posted) | set(truth) | set(late)
    for key, rows in groupby(
        book.rows(connection, postings.c.account_key, postings.c.starts_at),
        key=lambda p: p.account_key,
    ):
        rest.discard(key)
        findings += _account(
            book=book,
            line=line,
            key=key,
            rows=list(rows),
            posted=posted,
            truth=truth,
            late=late.get(key, []),
        )
    for key in sorted(rest):
        findings += _account(
            book=book,
            line=line,
            key=key,
            rows=[],
            posted=posted,
            truth=truth,
            late=late.get(key, []),
        )
    return findings


def _recomputed_until(connection: sa.Connection, book: LedgerView) -> datetime:
    """Return the end of the hours that can have postings.

    A watermark that was moved beyond the chain is a finding of its own, and no end of hours.
    """
    last = closings.last_closing(connection, book.location)
    return book.closed_until if last is None else min(book.closed_until, last.hour + HOUR)


def _recomputed_from(book: LedgerView, starts: Sequence[datetime]) -> datetime:
    """Return the first hour that can have a charge: nothing is charged before the first rate."""
    first_rate = book.rates[0].from_hour if book.rates else max(starts)
    return min(max(floor_hour(min(starts)), first_rate), floor_hour(max(starts)))


def _account(
    book: LedgerView,
    line: Line,
    key: int,
    rows: Sequence[Posting],
    posted: ByAccount,
    truth: ByAccount,
    late: Sequence[Adjustment],
) -> list[str]:
    """Compare what stands in the ledger for one account with what has to stand there."""
    actual = {(key, p.starts_at): Standing(p.byte_seconds, p.amount_nanos) for p in rows}
    wanted = _wanted(line, key, posted.get(key, []))
    findings = [
        _difference("posting", book.place_text(place), actual.get(place), wanted.get(place))
        for place in sorted(actual.keys() | wanted.keys(), key=lambda place: place[1])
        if actual.get(place) != wanted.get(place)
    ]
    corrected = dict(wanted)
    for one in late:
        place = (key, one.corrects_at)
        before = corrected.get(place, Standing())
        corrected[place] = Standing(
            before.byte_seconds + one.byte_seconds, before.amount_nanos + one.amount_nanos
        )
    is_same = posted.get(key, []) == truth.get(key, [])
    true = wanted if is_same else _wanted(line, key, truth.get(key, []))
    nothing = Standing()
    findings += [
        _difference(
            "posting with its late adjustments",
            book.place_text(place),
            corrected.get(place, nothing),
            true.get(place, nothing),
        )
        for place in sorted(corrected.keys() | true.keys(), key=lambda place: place[1])
        if corrected.get(place, nothing) != true.get(place, nothing)
    ]
    return findings


def _wanted(line: Line, key: int, some: Sequence[Interval]) -> dict[Place, Standing]:
    return {
        (key, line.start_of(index)): Standing(used, nanos_of(line, index, used))
        for index, used in enumerate(byte_seconds_along(line, some))
        if used
    }


def _difference(what: str, where: str, actual: Standing | None, wanted: Standing | None) -> str:
    return f"{where}: {what} is {_standing_text(actual)}, expected {_standing_text(wanted)}"


def _standing_text(standing: Standing | None) -> str:
    if standing is None:
        return "missing"
    return f"{standing.byte_seconds} byte-seconds, {standing.amount_nanos} nanos"
