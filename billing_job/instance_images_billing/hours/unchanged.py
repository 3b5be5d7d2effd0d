"""Hours in which nothing changes have the postings of the hour before, but for their start.

A run that catches up with many hours sums the intervals only of those in which one begins or ends,
and of the hour after it. Nothing is taken over where anybody else has locked the location since.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from instance_images.instants import HOUR
from instance_images_billing.ledger import postings as ledger
from instance_images_billing.ledger import watermarks
from instance_images_billing.pricing.charged import Posting
from instance_images_billing.pricing.periods import Slice
from instance_images_billing.pricing.rating import SlicePrice


@dataclass(slots=True)
class LastHour:
    """What was posted for the hour before, and under which lock.

    ``changing``: the hours from that one on in which an interval begins or ends, None where they
    were not read.
    """

    lock_version: int = -1
    start: datetime | None = None
    price: SlicePrice | None = None
    posted: Sequence[Posting] = ()
    changing: Collection[datetime] | None = None

    def posted_again(
        self, connection: sa.Connection, location: str, part: Slice, price: SlicePrice
    ) -> Sequence[Posting] | None:
        """Return the postings of the slice where they follow from the hour before, else None.

        The caller has locked the location for this hour.
        """
        locked = watermarks.lock_version(connection, location)
        follows = self.start == part.start - HOUR and self.lock_version + 1 == locked
        # An attempt that is repeated from here on follows nothing.
        self.start, self.lock_version = None, locked
        if not follows:
            self.changing = None
            return None
        if price != self.price or part.end - part.start != HOUR:
            return None
        if self.changing is None:
            self.changing = ledger.changing_hours(connection, location, part.start - HOUR)
        if part.start in self.changing or part.start - HOUR in self.changing:
            return None
        return [
            Posting(one.account_key, part.start, one.byte_seconds, one.amount_nanos)
            for one in self.posted
        ]

    def keep(self, part: Slice, price: SlicePrice, posted: Sequence[Posting]) -> None:
        """Remember what was posted; of a part of an hour nothing follows."""
        self.start = part.start if part.end - part.start == HOUR else None
        self.price, self.posted = price, posted
