"""Charged."""

from dataclasses import dataclass
from datetime import datetime

from instance_images.instants import HOUR, ceil_hour
from instance_images_billing.pricing.periods import Period


@dataclass(frozen=True, slots=True)
class Usage:
    """What one account used in one slice of an hour."""

    account_key: int
    byte_seconds: int


@dataclass(frozen=True, slots=True)
class Posting:
    """The charge of one account at one location for one hour, or for a period's part of it."""

    account_key: int
    starts_at: datetime
    byte_seconds: int
    amount_nanos: int


@dataclass(frozen=True, slots=True)
class MinimumCharge:
    """What was missing to an account's minimum charge in a period."""

    account_key: int
    period: str
    counted_at: datetime
    amount_nanos: int
    posted_at: datetime


def missing_to_minimum(byte_seconds: int, nanos: int, minimum_nanos: int) -> int:
    """Return what is missing to the minimum charge of a period; nothing where nothing was used."""
    return max(0, minimum_nanos - nanos) if byte_seconds > 0 else 0


def last_slice(period: Period) -> datetime:
    """Return where the last hour of the period begins, or the part of an hour that ends it."""
    return ceil_hour(period.end) - HOUR
