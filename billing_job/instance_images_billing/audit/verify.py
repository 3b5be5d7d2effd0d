"""Checks the ledger of a location: everything that is charged is computed again and compared.

Reads only, and computes by ``recomputing``, which shares no arithmetic with the hourly run. What
differs is returned as sentences that name the row; nothing is repaired.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images.db.accounts import AccountRow, accounts_by_key
from instance_images.db.tables import accounts
from instance_images.instants import HOUR, floor_hour, format_instant
from instance_images_billing.ledger import adjustments, closings, watermarks
from instance_images_billing.ledger import rates as ledger_rates
from instance_images_billing.ledger.chain import FIRST, link_hour
from instance_images_billing.ledger.closed_periods import list_closed
from instance_images_billing.ledger.histories import all_facts, all_intervals
from instance_images_billing.ledger.tables import postings
from instance_images_billing.months.close import period_digest
from instance_images_billing.months.minimums import wrong_minimums
from instance_images_billing.pricing.charged import Posting
from instance_images_billing.pricing.corrections import (
    HAND,
    LATE,
    MINIMUM,
    Adjustment,
    Place,
    Standing,
)
from instance_images_billing.pricing.history import (
    Intervals,
    first_difference,
    posted_intervals,
    true_intervals,
)
from instance_images_billing.pricing.periods import period_of
from instance_images_billing.pricing.rating import Interval, Rate, rate_at
from instance_images_billing.pricing.reasons import (
    MINIMUM_CORRECTED,
    WAIVER_ENDED,
    Reason,
    reason_text,
)
from instance_images_billing.pricing.recomputing import Line, byte_seconds_along, line_of, nanos_of

_ROWS_AT_A_TIME = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """A location's ledger, as far as it is held in memory while it is checked."""

    location: str
    owners: dict[int, AccountRow]
    rates: Sequence[Rate]
    closed_until: datetime
    adjusted: Sequence[Adjustment]
    timezone: ZoneInfo

    def place_text(self, place: Place) -> str:
        """Return how an account and a slice are named in a finding."""
        owner = self.owners.get(place[0])
        account = owner.account_id if owner else f"account key {place[0]}, which is unknown"
        return f"{self.location}, {account}, {format_instant(place[1])}"


def verify_location(connection: sa.Connection, location: str, timezone: ZoneInfo) -> list[str]:
    """Return what is wrong in the location's ledger, one sentence each; empty if nothing is."""
    closed_until = watermarks.watermark(connection, location)
    if closed_until is None:
        return []
    book = Ledger(
        location=location,
        owners=accounts_by_key(connection, location),
        rates=ledger_rates.list_rates(connection, location),
        closed_until=closed_until,
        adjusted=adjustments.of_location(connection, location),
        timezone=timezone,
    )
    posted, truth, findings = _intervals(connection, book)
    findings += _postings(connection, book, posted, truth)
    findings += _decisions(book)
    findings += _reasons(book)
    findings += _reversals(book)
    findings += _minimums(connection, book)
    findings += _chain(connection, book)
    return findings


def verify_periods(connection: sa.Connection) -> list[str]:
    """Return the closed periods that do not hold any more what they held when they were closed."""
    findings = []
    before = FIRST
    for one in list_closed(connection):
        digest = period_digest(connection, before, one.name, one.starts_at, one.ends_at)
        if digest != one.digest:
            findings.append(
                f"period {one.name}: closed at {format_instant(one.closed_at)}, and something that"
                " is counted in it was changed since, or its own row"
            )
        before = one.digest
    return findings


# ------------------------------------------------------------------------ intervals

ByAccount = dict[int, list[Interval]]


def _intervals(connection: sa.Connection, book: Ledger) -> tuple[ByAccount, ByAccount, list[str]]:
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
        findings.append(f"{book.location}, image {image_id}: has intervals and no history")
        for one in found:
            assert one.account_key is not None
            posted.setdefault(one.account_key, []).append(one)
    return posted, truth, findings


def _faults_of(book: Ledger, image_id: str, found: Intervals, true: Intervals) -> list[str]:
    name = f"{book.location}, image {image_id}"
    faults = [
        f"{name}: its intervals overlap at {format_instant(later.starts_at)}"
        for earlier, later in pairwise(found)
        if earlier.ends_at is None or earlier.ends_at > later.starts_at
    ]
    wanted = posted_intervals(found, true, book.closed_until)
    differs_at = first_difference(found, wanted)
    if differs_at is not None:
        faults.append(
            f"{name}: its intervals are not those of its history from"
            f" {format_instant(differs_at)} on"
        )
    return faults


# ------------------------------------------------------------------------- postings


def _postings(
    connection: sa.Connection, book: Ledger, posted: ByAccount, truth: ByAccount
) -> list[str]:
    """Compare postings, and postings with late adjustments, with what they have to be."""
    starts = [one.starts_at for some in (*posted.values(), *truth.values()) for one in some]
    line = line_of(
        min([floor_hour(start) for start in starts] + [book.closed_until - HOUR]),
        book.closed_until,
        book.rates,
        book.timezone,
    )
    late: dict[int, list[Adjustment]] = {}
    for one in book.adjusted:
        if one.kind == LATE:
            late.setdefault(one.account_key, []).append(one)
    findings: list[str] = []
    rest = set(posted) | set(truth) | set(late)
    for key, rows in groupby(_rows_by_account(connection, book), key=lambda p: p.account_key):
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


def _rows_by_account(connection: sa.Connection, book: Ledger) -> Iterator[Posting]:
    query = (
        sa.select(postings)
        .join(accounts, accounts.c.account_key == postings.c.account_key)
        .where(accounts.c.location == book.location)
        .order_by(postings.c.account_key, postings.c.starts_at)
    )
    for row in connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME)):
        yield Posting(**row._mapping)


def _account(
    book: Ledger,
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
    return f"{where}: {what} is {_standing_text(actual)}, and has to be {_standing_text(wanted)}"


def _standing_text(standing: Standing | None) -> str:
    if standing is None:
        return "missing"
    return f"{standing.byte_seconds} byte-seconds, {standing.amount_nanos} nanos"


# --------------------------------------------------------------- decisions by hand


def _decisions(book: Ledger) -> list[str]:
    """Return where adjustments are counted in hours that cannot count them."""
    return [
        f"{book.place_text((one.account_key, one.corrects_at))}: the adjustment of image"
        f" {one.image_id} is counted in {format_instant(one.counted_at)},"
        " which was not open then"
        for one in book.adjusted
        if one.corrects_at >= one.counted_at
        or one.counted_at > book.closed_until
        or one.kind not in (LATE, HAND, MINIMUM)
    ]


def _reasons(book: Ledger) -> list[str]:
    """Return which reasons say something else than their codes: the chain holds the sentences."""
    findings = []
    for one in book.adjusted:
        if one.reason_code is None:
            continue
        reason = Reason(one.reason_code, one.event_at, one.learned_at)
        month = period_of(one.corrects_at, book.timezone).name
        is_dated = reason.code in (WAIVER_ENDED, MINIMUM_CORRECTED) or None not in (
            reason.event_at,
            reason.learned_at,
        )
        if not is_dated or reason_text(reason, month) != one.reason:
            place = book.place_text((one.account_key, one.corrects_at))
            findings.append(f"{place}: the reason of entry {one.adjustment_key} is not its code's")
    return findings


def _reversals(book: Ledger) -> list[str]:
    """Return which reversals are linked to no decision of their slice, or take back too much."""
    by_key = {one.adjustment_key: one for one in book.adjusted}
    back: dict[int, int] = {}
    findings = []
    for one in book.adjusted:
        if one.reverses is None:
            continue
        first = by_key.get(one.reverses)
        place = book.place_text((one.account_key, one.corrects_at))
        if (
            first is None
            or (first.kind, first.reverses, one.kind) != (HAND, None, HAND)
            or (first.account_key, first.corrects_at) != (one.account_key, one.corrects_at)
        ):
            findings.append(
                f"{place}: entry {one.adjustment_key} reverses no decision of the slice"
            )
            continue
        back[one.reverses] = back.get(one.reverses, 0) - one.amount_nanos
        if not 0 <= back[one.reverses] * _sign(first.amount_nanos) <= abs(first.amount_nanos):
            findings.append(
                f"{place}: entry {one.adjustment_key} takes back more of entry {one.reverses} than"
                " is left of it"
            )
    return findings


def _sign(nanos: int) -> int:
    return -1 if nanos < 0 else 1


# ------------------------------------------------------------------ minimum charges


def _minimums(connection: sa.Connection, book: Ledger) -> list[str]:
    """Return which minimum charges of closed periods are not what the usage makes them."""
    return [
        f"{book.place_text((key, one.starts_at))}: the minimum charge of {one.name} is"
        f" {nanos} nanos too low"
        for one in list_closed(connection)
        for key, nanos in wrong_minimums(connection, book.location, one).items()
    ]


# ---------------------------------------------------------------------------- chain


def _chain(connection: sa.Connection, book: Ledger) -> list[str]:
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
    by_hour = groupby(_rows_by_hour(connection, book), key=lambda p: floor_hour(p.starts_at))
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
            findings.append(f"{name}: is closed and has no rate")
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


def _rows_by_hour(connection: sa.Connection, book: Ledger) -> Iterator[Posting]:
    query = (
        sa.select(postings)
        .join(accounts, accounts.c.account_key == postings.c.account_key)
        .where(accounts.c.location == book.location)
        .order_by(postings.c.starts_at, postings.c.account_key)
    )
    for row in connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME)):
        yield Posting(**row._mapping)
