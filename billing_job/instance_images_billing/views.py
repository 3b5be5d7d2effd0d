"""How rates, postings and the state of metering are shown."""

from __future__ import annotations

from instance_images.commands.output import View, instant_text
from instance_images.instants import format_instant
from instance_images_billing.money import decimal_of, price_text
from instance_images_billing.status import MeterStatus

RATE: View = View(
    fields=(
        ("location", lambda rate: rate.location),
        ("from", lambda rate: rate.from_hour),
        ("price", lambda rate: price_text(rate.price_nanos)),
        ("currency", lambda rate: rate.currency),
        ("unit", lambda rate: rate.unit),
        ("hours_per_month", lambda rate: rate.hours_per_month),
        ("partial_hour", lambda rate: rate.partial_hour),
        ("set_at", lambda rate: rate.set_at),
    ),
    columns=(
        ("Location", lambda rate: rate.location),
        ("From", lambda rate: format_instant(rate.from_hour)),
        ("Price", lambda rate: price_text(rate.price_nanos)),
        ("Per", lambda rate: f"{rate.unit} and month"),
        ("Currency", lambda rate: rate.currency),
        ("Hours per Month", lambda rate: rate.hours_per_month),
        ("Partial Hour", lambda rate: rate.partial_hour),
    ),
)

# Its records are pairs of a posting and the row of its account.
POSTING: View = View(
    fields=(
        ("location", lambda pair: pair[1].location),
        ("account_id", lambda pair: pair[1].account_id),
        ("account_name", lambda pair: pair[1].account_name),
        ("starts_at", lambda pair: pair[0].starts_at),
        ("byte_seconds", lambda pair: pair[0].byte_seconds),
        ("amount", lambda pair: f"{decimal_of(pair[0].amount_nanos):f}"),
    ),
    columns=(
        ("Account", lambda pair: pair[1].account_name),
        ("Hour", lambda pair: format_instant(pair[0].starts_at)),
        ("Byte-Seconds", lambda pair: str(pair[0].byte_seconds)),
        ("Amount", lambda pair: f"{decimal_of(pair[0].amount_nanos):f}"),
    ),
)

STATUS: View = View(
    fields=(
        ("location", lambda status: status.location),
        ("metered_until", lambda status: status.metered_until),
        ("hours_behind", lambda status: status.hours_behind),
        ("billable_images", lambda status: status.billable_images),
        ("last_read_at", lambda status: status.last_read_at),
        ("rate", lambda status: price_text(status.rate.price_nanos) if status.rate else None),
        ("currency", lambda status: status.rate.currency if status.rate else None),
    ),
    columns=(
        ("Location", lambda status: status.location),
        ("Metered Until", lambda status: instant_text(status.metered_until)),
        ("Hours Behind", lambda status: str(status.hours_behind)),
        ("Billable Images", lambda status: str(status.billable_images)),
        ("Last Read", lambda status: instant_text(status.last_read_at)),
        ("Rate", lambda status: _rate_text(status)),
    ),
)


def _rate_text(status: MeterStatus) -> str:
    rate = status.rate
    return f"{price_text(rate.price_nanos)} {rate.currency} per {rate.unit}" if rate else "none"
