"""The rows of the data frames, from what the ledger holds of one account in one period."""

from collections.abc import Iterator
from datetime import datetime

from instance_images_billing.pricing.periods import days_of
from instance_images_billing.pricing.rating import rate_at
from instance_images_reports.collect.account import currencies_of, state_in
from instance_images_reports.formats.parquet import USAGE, rows_of
from instance_images_reports.frames.columns import amount_of, integer_of
from instance_images_reports.frames.reading import Part, Row
from instance_images_reports.statement.location_ledger import LocationLedger

MINIMUM = "minimum"  # the kind of a minimum charge, beside the kinds of adjustments


def charge_rows(part: Part) -> Iterator[Row]:
    """Yield the postings, the adjustments and the minimum charges."""
    for ledger in part.ledgers:
        of_all = _of_all(part, ledger)
        for posting in ledger.postings:
            yield {
                **of_all,
                "currency": _currency(ledger, posting.starts_at),
                "kind": USAGE,
                "starts_at": posting.starts_at,
                "counted_at": posting.starts_at,
                "byte_seconds": integer_of(posting.byte_seconds),
                "amount": amount_of(posting.amount_nanos),
            }
        for one in ledger.adjustments:
            yield {
                **of_all,
                "currency": _currency(ledger, one.corrects_at),
                "kind": one.kind,
                "starts_at": one.corrects_at,
                "counted_at": one.counted_at,
                "image_id": one.image_id or None,
                "byte_seconds": integer_of(one.byte_seconds),
                "amount": amount_of(one.amount_nanos),
                "reason": one.reason,
            }
        for minimum in ledger.minimums:
            yield {
                **of_all,
                "currency": _currency(ledger, minimum.counted_at),
                "kind": MINIMUM,
                "starts_at": minimum.counted_at,
                "counted_at": minimum.counted_at,
                "amount": amount_of(minimum.amount_nanos),
            }


def usage_rows(part: Part) -> Iterator[Row]:
    """Yield what was stored on each local day on which anything was."""
    for ledger in part.ledgers:
        for day in days_of(part.cut.period, part.timezone):
            stored = sum(
                posting.byte_seconds
                for posting in ledger.postings
                if day.start <= posting.starts_at < day.end
            )
            if stored:
                seconds = int((day.end - day.start).total_seconds())
                yield {
                    **_of_all(part, ledger),
                    "day": day.date,
                    "byte_seconds": integer_of(stored),
                    "average_bytes": stored // seconds,
                }


def image_rows(part: Part) -> Iterator[Row]:
    """Yield the lines of the statements, one statement for each currency."""
    for currency in currencies_of(part.ledgers):
        stated = state_in(
            timezone=part.timezone,
            cut=part.cut,
            account=part.account,
            currency=currency,
            ledgers=part.ledgers,
        )
        for location, row in rows_of(stated.statement):
            yield {"period": part.cut.period.name, "location": location or None, **row}


def _of_all(part: Part, ledger: LocationLedger) -> Row:
    return {
        "period": part.cut.period.name,
        "account_id": part.account.id,
        "account_name": part.account.name,
        "location": ledger.location,
    }


def _currency(ledger: LocationLedger, instant: datetime) -> str | None:
    rate = rate_at(ledger.rates, instant)
    return None if rate is None else rate.currency
