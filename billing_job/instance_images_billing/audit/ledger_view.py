"""A location's ledger, as a verification holds it and reads it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images.db.accounts import AccountRow
from instance_images.db.tables import accounts
from instance_images.instants import format_instant
from instance_images_billing.ledger.tables import postings
from instance_images_billing.pricing.charged import Posting
from instance_images_billing.pricing.corrections import (
    Adjustment,
    Place,
)
from instance_images_billing.pricing.rating import Rate

_ROWS_AT_A_TIME = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerView:
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

    def rows(
        self, connection: sa.Connection, *order: sa.ColumnElement[object]
    ) -> Iterator[Posting]:
        """Yield the location's postings in that order, without holding them."""
        query = (
            sa.select(postings)
            .join(accounts, accounts.c.account_key == postings.c.account_key)
            .where(accounts.c.location == self.location)
            .order_by(*order)
        )
        for row in connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME)):
            yield Posting(**row._mapping)
