"""Rows of notices, the outbox of budgets. Functions take a connection and never commit.

A notice is recorded before it is sent, in one row for each channel. Whoever sends it claims the row
first, for as long as the next attempt is away: so two runs never send it at once, and a run that is
killed leaves a row that is due again.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa

from instance_images_reports.budgets.records import Budget
from instance_images_reports.budgets.tables import budget_notices
from instance_images_reports.budgets.thresholds import Figures, Mark

PENDING, SENT, FAILED, CANCELLED, RECORDED = "pending", "sent", "failed", "cancelled", "recorded"
NO_CHANNEL = "none"
# Attempts are 1, 2, 4, 8 and 16 hours apart, and a day from then on: more than five days in all.
MAX_ATTEMPTS = 10
REMEMBERED = timedelta(days=35)  # so long a notice that was given up is told of
_LONGEST = timedelta(hours=24)
_IN_ONE_STATEMENT = 500
_EARLY = timedelta(minutes=10)  # an hourly run may begin some minutes before the hour is over

_rows = budget_notices.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A threshold that was reached, with the figures of that moment, for one channel."""

    notice_key: int
    notice_id: str
    account_id: str
    currency: str
    period: str
    kind: str
    threshold: int
    occurrence: int
    channel: str
    amount_nanos: int
    charged_nanos: int
    forecast_nanos: int | None
    metered_until: datetime | None
    reached_at: datetime
    lapsed_at: datetime | None
    state: str
    attempts: int
    due_at: datetime | None
    sent_at: datetime | None
    error: str | None

    @property
    def whose(self) -> tuple[str, str]:
        """The account and the currency."""
        return self.account_id, self.currency

    @property
    def mark(self) -> Mark:
        """What was reached."""
        return Mark(self.kind, self.threshold)


def list_notices(
    connection: sa.Connection, period: str, account_id: str | None = None
) -> list[Notice]:
    """Return the notices of the period, of all accounts or of one, the oldest first."""
    query = sa.select(budget_notices).where(_rows.period == period).order_by(_rows.notice_key)
    if account_id is not None:
        query = query.where(_rows.account_id == account_id)
    return [Notice(**row._mapping) for row in connection.execute(query)]


def add_notices(
    connection: sa.Connection,
    budget: Budget,
    period: str,
    figures: Figures,
    news: Iterable[tuple[Mark, bool]],
    occurrences: Mapping[Mark, int],
    now: datetime,
) -> int:
    """Record what is newly reached; return how many notices are to be sent.

    Raises IntegrityError where another run has recorded one of them.
    """
    rows = [
        {
            "notice_id": str(uuid.uuid4()),
            "account_id": budget.account_id,
            "currency": budget.currency,
            "period": period,
            "kind": mark.kind,
            "threshold": mark.threshold,
            "occurrence": occurrences.get(mark, 0),
            "channel": channel,
            "amount_nanos": budget.amount_nanos,
            "charged_nanos": _nanos(figures.charged),
            "forecast_nanos": None if figures.forecast is None else _nanos(figures.forecast),
            "metered_until": figures.metered_until,
            "reached_at": now,
            "state": RECORDED if channel == NO_CHANNEL else PENDING,
            "attempts": 0,
            "due_at": None if channel == NO_CHANNEL else now,
        }
        for mark, is_told in news
        for channel in ((is_told and budget.channels) or (NO_CHANNEL,))
    ]
    if rows:
        connection.execute(sa.insert(budget_notices), rows)
    return sum(row["state"] == PENDING for row in rows)


def due(connection: sa.Connection, now: datetime, limit: int) -> list[Notice]:
    """Return the notices to send now: those that were tried least come first."""
    query = (
        sa.select(budget_notices)
        .where(_rows.state == PENDING, _rows.due_at <= now)
        .order_by(_rows.attempts, _rows.due_at, _rows.notice_key)
        .limit(limit)
    )
    return [Notice(**row._mapping) for row in connection.execute(query)]


def claim(connection: sa.Connection, notice: Notice, now: datetime) -> bool:
    """Count an attempt and put off the next one; return False where somebody else is at it."""
    tried = sa.update(budget_notices).where(
        _rows.notice_key == notice.notice_key,
        _rows.state == PENDING,
        _rows.attempts == notice.attempts,
    )
    attempts = notice.attempts + 1
    values = {"attempts": attempts, "due_at": now + _wait(attempts)}
    return connection.execute(tried.values(values)).rowcount == 1


def put_off(connection: sa.Connection, left: Sequence[Notice], now: datetime) -> None:
    """Put notices off to the next run that were not tried, behind those that wait for others."""
    keys = [one.notice_key for one in left]
    for start in range(0, len(keys), _IN_ONE_STATEMENT):
        some = keys[start : start + _IN_ONE_STATEMENT]
        connection.execute(
            sa.update(budget_notices)
            .where(_rows.notice_key.in_(some), _rows.state == PENDING, _rows.due_at <= now)
            .values(due_at=now + _wait(1))
        )


def _wait(attempts: int) -> timedelta:
    return min(timedelta(hours=2 ** (attempts - 1)), _LONGEST) - _EARLY


def record_sent(connection: sa.Connection, notice: Notice, now: datetime) -> None:
    """Record that the notice was taken, whatever became of its row meanwhile."""
    _update(connection, notice, state=SENT, sent_at=now, due_at=None, error=None)


def record_failure(connection: sa.Connection, notice: Notice, error: str) -> None:
    """Record why the attempt, which was claimed, failed; the last one ends the notice."""
    is_last = notice.attempts + 1 >= MAX_ATTEMPTS
    values = {"state": FAILED, "due_at": None} if is_last else {}
    _update(connection, notice, only=PENDING, error=error, **values)


def cancel(connection: sa.Connection, notice: Notice) -> None:
    """End a notice that nobody wants any more."""
    _update(connection, notice, only=PENDING, state=CANCELLED, due_at=None)


def _update(
    connection: sa.Connection, notice: Notice, only: str | None = None, **values: object
) -> None:
    of_notice = sa.update(budget_notices).where(_rows.notice_key == notice.notice_key)
    if only is not None:
        of_notice = of_notice.where(_rows.state == only)
    connection.execute(of_notice.values(values))


def lapse(connection: sa.Connection, notices: Sequence[Notice], now: datetime) -> None:
    """Put notices out of force, whose thresholds are not reached any more by a raised budget."""
    for notice in notices:
        _update(connection, notice, lapsed_at=now)
        cancel(connection, notice)


def cancel_all(connection: sa.Connection, account_id: str, currency: str) -> None:
    """End all notices of the account and currency that were not sent yet."""
    connection.execute(
        sa.update(budget_notices)
        .where(_of(account_id, currency), _rows.state == PENDING)
        .values(state=CANCELLED, due_at=None)
    )


def try_again(
    connection: sa.Connection, account_id: str, currency: str, period: str, now: datetime
) -> None:
    """Make the notices of the period due that were not sent yet, also those that were given up."""
    connection.execute(
        sa.update(budget_notices)
        .where(
            _of(account_id, currency),
            _rows.period == period,
            _rows.state.in_((PENDING, FAILED)),
            _rows.lapsed_at.is_(None),
        )
        .values(state=PENDING, due_at=now, attempts=0)
    )


def unsent(connection: sa.Connection, now: datetime) -> list[Notice]:
    """Return the notices that wait, and those that were given up lately, the oldest first."""
    is_late = sa.and_(_rows.state == FAILED, _rows.reached_at >= now - REMEMBERED)
    query = sa.select(budget_notices).where(sa.or_(_rows.state == PENDING, is_late))
    found = connection.execute(query.order_by(_rows.notice_key))
    return [Notice(**row._mapping) for row in found]


def _of(account_id: str, currency: str) -> sa.ColumnElement[bool]:
    return sa.and_(_rows.account_id == account_id, _rows.currency == currency)


def _nanos(amount: Decimal) -> int:
    return int(amount.scaleb(9))
