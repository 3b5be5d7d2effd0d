"""The cut: up to where the ledger is read for the reports of a period.

A cut is read once, and whoever has it reads the same rows as anybody else who has it, on another
connection, host or day: postings of closed hours never change, intervals before the watermark
neither, and adjustments are only added. That is what lets many processes make the reports of one
period, and an auditor check them after the ledger has moved on. (Names, and the forecast of an open
period, are as they are when they are read.)
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from instance_images.db.tables import accounts
from instance_images.model.records import Account
from instance_images_billing.ledger import rates as ledger_rates
from instance_images_billing.ledger import watermarks
from instance_images_billing.ledger.closed_periods import find_closed, require_fitting
from instance_images_billing.ledger.tables import adjustments
from instance_images_billing.pricing.charged import BY_FIRST_RATE
from instance_images_billing.pricing.periods import Period
from instance_images_billing.pricing.rating import Rate


@dataclass(frozen=True, slots=True)
class LocationCut:
    """What is read of a location: hours before ``metered_until``, None where it has no closed hour.

    ``last_adjustment`` is the key of the last adjustment that is counted in the period, 0 where
    there is none. ``rates`` are all of the location, sorted by their first hour.
    """

    location: str
    metered_until: datetime | None
    last_adjustment: int
    rates: Sequence[Rate]


@dataclass(frozen=True, slots=True)
class Cut:
    """What is read of the ledger for a period; minimum charges only where that is closed.

    ``digest`` is that of a closed period, ``minimum_rule`` the rule of its minimum charges.
    """

    period: Period
    closed_at: datetime | None
    locations: Mapping[str, LocationCut]
    digest: str | None = None
    minimum_rule: int = BY_FIRST_RATE

    @property
    def period_state(self) -> str:
        """``open``, or ``closed`` where nothing that is counted in the period changes any more."""
        return "open" if self.closed_at is None else "closed"


@dataclass(frozen=True, slots=True)
class AccountPlaces:
    """An account, and the key of its row at each of its locations."""

    account: Account
    keys: Mapping[str, int]


def read_cut(
    connection: sa.Connection, period: Period, locations: Collection[str] | None = None
) -> Cut:
    """Return the cut through all that the ledger holds now, or holds of these locations.

    Raises ConfigurationError where the time zone of months was changed since one was closed.
    """
    require_fitting(connection, period)
    query = (
        sa.select(accounts.c.location, sa.func.max(adjustments.c.adjustment_key))
        .join_from(adjustments, accounts, accounts.c.account_key == adjustments.c.account_key)
        .where(adjustments.c.counted_at >= period.start, adjustments.c.counted_at < period.end)
        .group_by(accounts.c.location)
    )
    last = {row[0]: int(row[1]) for row in connection.execute(query)}
    names = connection.execute(sa.select(accounts.c.location).distinct()).scalars().all()
    closed = find_closed(connection, period.name)
    return Cut(
        period,
        None if closed is None else closed.closed_at,
        {
            name: LocationCut(
                name,
                watermarks.watermark(connection, name),
                last.get(name, 0),
                ledger_rates.list_rates(connection, name),
            )
            for name in sorted(names)
            if locations is None or name in locations
        },
        None if closed is None else closed.digest,
        BY_FIRST_RATE if closed is None else closed.minimum_rule,
    )


def list_places(
    connection: sa.Connection,
    *,
    account_id: str | None = None,
    locations: Collection[str] | None = None,
) -> Sequence[AccountPlaces]:
    """Return all accounts, or the one of that id, sorted by their ids; None: of all locations.

    The name of an account is that of its row which was made last.
    """
    query = sa.select(
        accounts.c.account_id, accounts.c.account_name, accounts.c.location, accounts.c.account_key
    ).order_by(accounts.c.account_key)
    if account_id is not None:
        query = query.where(accounts.c.account_id == account_id)
    if locations is not None:
        query = query.where(accounts.c.location.in_(locations))
    names: dict[str, str] = {}
    keys: dict[str, dict[str, int]] = {}
    for found_id, name, location, key in connection.execute(query):
        names[found_id] = name
        keys.setdefault(found_id, {})[location] = key
    return [
        AccountPlaces(Account(each, names[each]), dict(sorted(keys[each].items())))
        for each in sorted(names)
    ]
