"""What an image of an instance would cost, and whether the account may hold it. Reads only."""

from dataclasses import dataclass

import sqlalchemy as sa

from instance_images.db import accounts
from instance_images.images.expected_size import expect
from instance_images.locations.limits import find_limit
from instance_images.locations.site import Site
from instance_images.model.estimates import ExpectedSize
from instance_images.model.limits import UNLIMITED
from instance_images.model.records import Account, Limit
from instance_images_billing.config import BillingSettings
from instance_images_billing.ledger import rates
from instance_images_billing.pricing.money import round_half_even
from instance_images_billing.pricing.periods import period_of
from instance_images_billing.pricing.rating import (
    SECONDS_PER_HOUR,
    Rate,
    charge_nanos,
    hours_per_month,
    rate_at,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """An image that is not captured yet: its size, its price, and the account's limit.

    The price is that of the rate now, for what the allowance leaves to charge; minimum charges are
    not in it. ``rate`` is None where the location has none, and then so are the amounts, as where
    the size is not known. ``free_bytes_left`` is what the account's images leave of the allowance.
    """

    expected: ExpectedSize
    limit: Limit
    currency: str
    rate: Rate | None
    free_bytes_left: int
    per_hour_nanos: int | None
    per_month_nanos: int | None

    @property
    def fits(self) -> bool:
        """Whether the limit allows one more image now."""
        return self.limit.max_images == UNLIMITED or self.limit.held < self.limit.max_images


def estimate(
    site: Site,
    account: Account,
    server_reference: str,
    billing: BillingSettings,
    project: str | None = None,
) -> Estimate:
    """Return what an image of the account's instance would be and cost.

    ``project`` as for a capture. Raises FeatureNotEnabled, NotFound and Refused.
    """
    expected = expect(site, account, server_reference, project)
    limit = find_limit(site, account)
    now = site.clock()
    with site.database.reading() as connection:
        rate = rate_at(rates.list_rates(connection, site.name), now)
        free_bytes_left = _free_bytes_left(connection, site, account, billing, rate)
    size_bytes = expected.size_bytes
    per_hour_nanos = per_month_nanos = None
    if rate is not None and size_bytes is not None:
        charged_bytes = max(0, size_bytes - free_bytes_left)
        period = period_of(now, billing.timezone)
        hour = charge_nanos(charged_bytes * SECONDS_PER_HOUR, rate, period)
        per_hour_nanos = round_half_even(hour)
        per_month_nanos = round_half_even(hour * hours_per_month(rate, period))
    return Estimate(
        expected=expected,
        limit=limit,
        currency=rate.currency if rate else site.location.currency,
        rate=rate,
        free_bytes_left=free_bytes_left,
        per_hour_nanos=per_hour_nanos,
        per_month_nanos=per_month_nanos,
    )


def _free_bytes_left(
    connection: sa.Connection,
    site: Site,
    account: Account,
    billing: BillingSettings,
    rate: Rate | None,
) -> int:
    if rate is None or rate.free_bytes == 0:
        return 0
    row = accounts.find_account(connection, site.name, account.id)
    if row is None:
        return rate.free_bytes
    is_virtual = billing.billable_size == "virtual"
    stored = accounts.stored_bytes(connection, row.account_key, is_virtual=is_virtual)
    return max(0, rate.free_bytes - stored)
