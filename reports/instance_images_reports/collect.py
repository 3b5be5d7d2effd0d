"""Collects from the ledger what the statement of an account and period is computed from.

Reads the database alone: a report needs no cloud, and is there for customers who have left.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from instance_images.config import Settings
from instance_images.domain import Account
from instance_images.errors import NotFound, Refused, UsageError
from instance_images.instants import floor_hour
from instance_images.names import printable
from instance_images.tables import accounts, images
from instance_images_billing import adjustments, ledger
from instance_images_billing.closed_periods import find_closed
from instance_images_billing.minimums import minimums_between
from instance_images_billing.periods import Period, days_of, period_before
from instance_images_billing.rating import Interval, rate_at
from instance_images_billing.tables import intervals
from instance_images_reports.location_ledger import BilledImage, LocationLedger
from instance_images_reports.previous import previous_of
from instance_images_reports.statement import Previous, Statement
from instance_images_reports.stating import state

_IDS_AT_A_TIME = 500


def find_account(connection: sa.Connection, reference: str | None) -> Account:
    """Return the account of that id or name, or the only one that there is.

    Raises NotFound and UsageError.
    """
    query = sa.select(accounts.c.account_id, accounts.c.account_name).order_by(
        accounts.c.account_key
    )
    known: dict[str, str] = {row.account_id: row.account_name for row in connection.execute(query)}
    if reference is None:
        if len(known) != 1:
            raise UsageError(f"Name the account with --account; known are: {_listed(known)}.")
        return next(Account(*item) for item in known.items())
    if reference in known:
        return Account(reference, known[reference])
    named = [account_id for account_id, name in known.items() if name == reference]
    if len(named) > 1:
        raise Refused(
            f"{len(named)} accounts are named {printable(reference)!r}: give the id of one of"
            f" {', '.join(named)}."
        )
    if not named:
        raise NotFound("Account", reference, f"Known are: {_listed(known)}.")
    return Account(named[0], known[named[0]])


def _listed(known: dict[str, str]) -> str:
    shown = sorted(f"{printable(name)} ({account_id})" for account_id, name in known.items())
    more = f" and {len(shown) - 20} more" if len(shown) > 20 else ""
    return (", ".join(shown[:20]) or "none, for no image was ever captured") + more


def collect(
    connection: sa.Connection,
    settings: Settings,
    account: Account,
    period: Period,
    currency: str | None,
) -> Statement:
    """Return the account's statement; ``currency`` chooses where there are several.

    Raises UsageError where the currency is not one of the account's, or several are.
    """
    ledgers = collect_ledgers(connection, account, period)
    chosen = _currency(ledgers, settings, currency)
    before = period_before(period.start, settings.billing.timezone)
    previous = previous_of(connection, account, before, chosen)
    return state_in(connection, settings, account, period, chosen, ledgers, previous)[0]


def state_in(
    connection: sa.Connection,
    settings: Settings,
    account: Account,
    period: Period,
    currency: str,
    ledgers: Sequence[LocationLedger],
    previous: Previous | None = None,
) -> tuple[Statement, int]:
    """Return the account's statement in the currency, and the nanos that it accounts for."""
    from babel.numbers import get_currency_precision

    timezone = settings.billing.timezone
    own = [_in_currency(one, currency) for one in ledgers]
    statement = state(
        account,
        period,
        timezone.key,
        currency,
        get_currency_precision(currency),
        own,
        days_of(period, timezone),
        "open" if find_closed(connection, period.name) is None else "closed",
        previous,
    )
    return statement, sum(one.charged_nanos for one in own)


def collect_ledgers(
    connection: sa.Connection, account: Account, period: Period
) -> list[LocationLedger]:
    """Return what the ledger holds of the account at each location, in all currencies."""
    query = (
        sa.select(accounts.c.account_key, accounts.c.location)
        .where(accounts.c.account_id == account.id)
        .order_by(accounts.c.location)
    )
    return [
        _location_ledger(connection, account_key, location, period)
        for account_key, location in connection.execute(query).all()
    ]


def _location_ledger(
    connection: sa.Connection, account_key: int, location: str, period: Period
) -> LocationLedger:
    edges = (account_key, period.start, period.end)
    counted = adjustments.counted_between(connection, *edges)
    return LocationLedger(
        location,
        ledger.watermark(connection, location),
        ledger.list_rates(connection, location),
        _billed_images(connection, account_key, location, period),
        list(ledger.postings_between(connection, *edges)),
        counted,
        minimums_between(connection, *edges),
        _names(connection, sorted({one.image_id for one in counted})),
    )


def _names(connection: sa.Connection, image_ids: Sequence[str]) -> dict[str, str]:
    """Return the names of the images."""
    names: dict[str, str] = {}
    for first in range(0, len(image_ids), _IDS_AT_A_TIME):
        some = image_ids[first : first + _IDS_AT_A_TIME]
        query = sa.select(images.c.image_id, images.c.name).where(images.c.image_id.in_(some))
        names |= {row.image_id: row.name for row in connection.execute(query)}
    return names


def _billed_images(
    connection: sa.Connection, account_key: int, location: str, period: Period
) -> list[BilledImage]:
    """Return the account's images with an interval that touches an hour of the period."""
    query = (
        sa.select(
            intervals,
            images.c.name,
            images.c.source_instance_id,
            images.c.source_instance_name,
        )
        .join_from(intervals, images, images.c.image_id == intervals.c.image_id)
        .where(
            intervals.c.account_key == account_key,
            intervals.c.starts_at < period.end,
            sa.or_(
                intervals.c.ends_at.is_(None),
                intervals.c.ends_at > floor_hour(period.start),  # it may be rounded up
            ),
        )
    )
    return [
        BilledImage(
            row.image_id,
            row.name,
            location,
            row.source_instance_name,
            Interval(
                row.image_id,
                row.size_bytes,
                row.starts_at,
                row.ends_at,
                row.continues,
                row.is_continued,
            ),
            row.source_instance_id,
        )
        for row in connection.execute(query)
    ]


def _currency(ledgers: Sequence[LocationLedger], settings: Settings, wanted: str | None) -> str:
    """Return the one currency to report in."""
    found = sorted({rate.currency for one in ledgers for rate in one.rates})
    if not found:
        found = sorted({location.currency for location in settings.locations})
    if wanted is None and len(found) == 1:
        return found[0]
    if wanted in found:
        return wanted
    if wanted is None:
        raise UsageError(
            f"The account is charged in {' and '.join(found)}, which are never added up: choose"
            " one with --currency."
        )
    raise UsageError(
        f"The account is not charged in {printable(wanted)!r}, but in {' and '.join(found)}."
    )


def _in_currency(one: LocationLedger, currency: str) -> LocationLedger:
    """Return the ledger with what is charged in that currency alone."""

    def is_in(instant: datetime) -> bool:
        rate = rate_at(one.rates, instant)
        return rate is not None and rate.currency == currency

    return replace(
        one,
        postings=[posting for posting in one.postings if is_in(posting.starts_at)],
        adjustments=[each for each in one.adjustments if is_in(each.corrects_at)],
        minimums=[each for each in one.minimums if is_in(each.counted_at)],
    )
