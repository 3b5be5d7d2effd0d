"""What the ledger holds of one account at one location, for its statement. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from instance_images_billing.pricing.charged import BY_FIRST_RATE, MinimumCharge, Posting
from instance_images_billing.pricing.corrections import Adjustment
from instance_images_billing.pricing.rating import Interval, Rate


class BilledImage(NamedTuple):
    """An image with one of its intervals, as hours are posted by it; a tuple, as there are many."""

    image_id: str
    name: str
    location: str
    source_instance_name: str
    interval: Interval
    source_instance_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationLedger:
    """What the ledger holds of one account at one location, as far as the period is concerned.

    ``rates`` are all rates of the location, sorted by their first hour. ``metered_until`` is the
    location's watermark. ``adjustments`` and ``minimums`` are those that are counted in the period.
    ``image_names`` are the names of the images that are corrected, for they may be in no interval.
    ``minimum_rule`` is the rule that the period's minimum charges follow.
    """

    location: str
    metered_until: datetime | None
    rates: Sequence[Rate]
    images: Sequence[BilledImage]
    postings: Sequence[Posting]
    adjustments: Sequence[Adjustment] = ()
    minimums: Sequence[MinimumCharge] = ()
    image_names: Mapping[str, str] = field(default_factory=dict)
    minimum_rule: int = BY_FIRST_RATE

    @property
    def charged_nanos(self) -> int:
        """All that is charged: postings, adjustments and minimum charges."""
        return (
            sum(posting.amount_nanos for posting in self.postings)
            + sum(one.amount_nanos for one in self.adjustments)
            + sum(one.amount_nanos for one in self.minimums)
        )

    @property
    def has_rows(self) -> bool:
        """Whether anything is charged, even if it comes to nothing."""
        return bool(self.postings or self.adjustments or self.minimums)
