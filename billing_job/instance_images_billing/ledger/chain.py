"""The chain of digests over closed hours and periods. Pure.

A digest is the SHA-256 of a text that anybody can write down again from the rows: the digest
before, then one line per row, in an order that no database decides. Accounts stand in it by
their ids, so that the same story told again from an empty ledger has the same digests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType

from instance_images.instants import format_instant
from instance_images_billing.pricing.charged import Posting
from instance_images_billing.pricing.corrections import Adjustment
from instance_images_billing.pricing.rating import Rate

FIRST = "0" * 64  # what stands before the first link


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """The link of one closed hour."""

    location: str
    hour: datetime
    postings_count: int
    adjustments_count: int
    amount_nanos: int
    digest: str
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class PeriodAccount:
    """What one account is charged at one location for a period: by its rows, and to the minimum."""

    location: str
    account_id: str
    amount_nanos: int
    minimum_nanos: int


def link_hour(
    before: str,
    rate: Rate,
    hour: datetime,
    posted: Sequence[Posting],
    adjusted: Sequence[Adjustment],
    account_ids: Mapping[int, str],
    closed_at: datetime,
    reversed_rows: Mapping[int, Adjustment] = MappingProxyType({}),
) -> Closing:
    """Return the link of an hour with these postings and adjustments, after the one ``before``.

    ``reversed_rows`` are the decisions that some of the adjustments reverse, by number.
    """
    starts = {at: _text(at) for at in {p.starts_at for p in posted}}
    lines = sorted(
        f"{account_ids[p.account_key]} {starts[p.starts_at]} {p.byte_seconds} {p.amount_nanos}"
        for p in posted
    )
    lines += sorted(_adjustment_text(one, account_ids, reversed_rows) for one in adjusted)
    total = sum(p.amount_nanos for p in posted) + sum(one.amount_nanos for one in adjusted)
    digest = _digest([before, f"{rate.location} {_text(hour)}", rate_text(rate), *lines])
    return Closing(
        location=rate.location,
        hour=hour,
        postings_count=len(posted),
        adjustments_count=len(adjusted),
        amount_nanos=total,
        digest=digest,
        closed_at=closed_at,
    )


def link_period(
    before: str, name: str, ends: Mapping[str, str], charged: Sequence[PeriodAccount]
) -> str:
    """Return the digest of a closed period: ``ends`` are the locations' last digests in it."""
    lines = [f"{location} {digest}" for location, digest in sorted(ends.items())]
    lines += sorted(
        f"{one.location} {one.account_id} {one.amount_nanos} {one.minimum_nanos}" for one in charged
    )
    return _digest([before, name, *lines])


def rate_text(rate: Rate) -> str:
    """Return all terms of a rate in one line."""
    return (
        f"{_text(rate.from_hour)} {rate.price_nanos} {rate.currency} {rate.unit}"
        f" {rate.hours_per_month} {rate.partial_hour} {rate.free_bytes} {rate.minimum_nanos}"
    )


def _adjustment_text(
    one: Adjustment, account_ids: Mapping[int, str], reversed_rows: Mapping[int, Adjustment]
) -> str:
    text = (
        f"{account_ids[one.account_key]} {one.image_id} {_text(one.corrects_at)} {one.kind}"
        f" {one.byte_seconds} {one.amount_nanos} {_text(one.posted_at)}"
        f" {one.author!r} {one.reason!r}"
    )
    if one.reverses is None:
        return text
    # Numbers of rows differ from ledger to ledger: what is reversed stands here by its content.
    first = reversed_rows.get(one.reverses)
    if first is None:
        return f"{text} reverses nothing"
    return f"{text} reverses {_text(first.posted_at)} {first.amount_nanos} {first.reason!r}"


def _text(instant: datetime) -> str:
    return format_instant(instant)


def _digest(lines: Sequence[str]) -> str:
    return sha256("\n".join(lines).encode()).hexdigest()
