"""How rates, postings and the state of metering are shown."""

from __future__ import annotations

from instance_images.instants import format_instant
from instance_images.views.fields import View, instant_text, size_text
from instance_images_billing.hours.status import MeterStatus
from instance_images_billing.months.status import PeriodStatus
from instance_images_billing.pricing.money import decimal_of, price_text

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
        ("free_bytes", lambda rate: rate.free_bytes),
        ("minimum_charge", lambda rate: price_text(rate.minimum_nanos)),
    ),
    columns=(
        ("Location", lambda rate: rate.location),
        ("From", lambda rate: format_instant(rate.from_hour)),
        ("Price", lambda rate: price_text(rate.price_nanos)),
        ("Per", lambda rate: f"{rate.unit} and month"),
        ("Currency", lambda rate: rate.currency),
        ("Hours per Month", lambda rate: rate.hours_per_month),
        ("Partial Hour", lambda rate: rate.partial_hour),
        ("Free", lambda rate: size_text(rate.free_bytes)),
        ("Minimum", lambda rate: price_text(rate.minimum_nanos)),
    ),
)

# What customers see of a location: nothing of how it is reached.
OFFER: View = View(
    fields=(
        ("name", lambda one: one.location.name),
        ("enabled", lambda one: one.location.enabled),
        ("currency", lambda one: one.rate.currency if one.rate else one.location.currency),
        ("price", lambda one: price_text(one.rate.price_nanos) if one.rate else None),
        ("unit", lambda one: one.rate.unit if one.rate else None),
        ("hours_per_month", lambda one: one.rate.hours_per_month if one.rate else None),
        ("partial_hour", lambda one: one.rate.partial_hour if one.rate else None),
        ("free_bytes", lambda one: one.rate.free_bytes if one.rate else None),
        ("minimum_charge", lambda one: price_text(one.rate.minimum_nanos) if one.rate else None),
        (
            "next_price",
            lambda one: price_text(one.next_rate.price_nanos) if one.next_rate else None,
        ),
        ("next_price_from", lambda one: one.next_rate.from_hour if one.next_rate else None),
        ("billable_size", lambda one: one.billable_size),
    ),
    columns=(
        ("Location", lambda one: one.location.name),
        ("Images", lambda one: "Enabled" if one.location.enabled else "Not enabled"),
        ("Price", lambda one: price_text(one.rate.price_nanos) if one.rate else "-"),
    ),
)

ESTIMATE: View = View(
    fields=(
        ("size_bytes", lambda one: one.expected.size_bytes),
        ("basis", lambda one: one.expected.basis),
        ("per_hour", lambda one: _amount(one.per_hour_nanos)),
        ("per_month", lambda one: _amount(one.per_month_nanos)),
        ("currency", lambda one: one.currency),
        ("rate", lambda one: price_text(one.rate.price_nanos) if one.rate else None),
        ("free_bytes_left", lambda one: one.free_bytes_left),
        ("held", lambda one: one.limit.held),
        ("max_images", lambda one: one.limit.max_images),
        ("fits", lambda one: one.fits),
    ),
    columns=(
        ("Size", lambda one: size_text(one.expected.size_bytes)),
        ("Basis", lambda one: one.expected.basis.replace("_", " ").capitalize()),
        ("Per Month", lambda one: _amount(one.per_month_nanos) or "-"),
        ("Currency", lambda one: one.currency),
        ("Held", lambda one: str(one.limit.held)),
        ("Limit", lambda one: str(one.limit.max_images)),
        ("Fits", lambda one: "Yes" if one.fits else "No"),
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

ADJUSTMENT: View = View(
    fields=(
        ("image_id", lambda one: one.image_id),
        ("hour", lambda one: one.corrects_at),
        ("counted_in", lambda one: one.counted_at),
        ("kind", lambda one: one.kind),
        ("byte_seconds", lambda one: one.byte_seconds),
        ("amount", lambda one: f"{decimal_of(one.amount_nanos):f}"),
        ("reason", lambda one: one.reason),
        ("author", lambda one: one.author),
        ("entry", lambda one: one.adjustment_key),
        ("reverses", lambda one: one.reverses),
    ),
    columns=(
        ("Image", lambda one: one.image_id),
        ("Corrected Hour", lambda one: format_instant(one.corrects_at)),
        ("Counted In", lambda one: format_instant(one.counted_at)),
        ("Byte-Seconds", lambda one: str(one.byte_seconds)),
        ("Amount", lambda one: f"{decimal_of(one.amount_nanos):f}"),
        ("Reason", lambda one: one.reason),
    ),
)

PREVIEW: View = View(
    fields=(
        ("location", lambda one: one.location),
        ("period", lambda one: one.period),
        ("currency", lambda one: one.currency),
        ("old_total", lambda one: f"{decimal_of(one.old_nanos):f}"),
        ("new_total", lambda one: f"{decimal_of(one.new_nanos):f}"),
        ("difference", lambda one: f"{decimal_of(one.difference_nanos):f}"),
    ),
    columns=(
        ("Location", lambda one: one.location),
        ("Period", lambda one: one.period),
        ("Currency", lambda one: one.currency),
        ("Cost", lambda one: f"{decimal_of(one.old_nanos):f}"),
        ("Would Have Cost", lambda one: f"{decimal_of(one.new_nanos):f}"),
        ("Difference", lambda one: f"{decimal_of(one.difference_nanos):+f}"),
    ),
)

PERIOD: View = View(
    fields=(
        ("name", lambda one: one.name),
        ("start", lambda one: one.start),
        ("end", lambda one: one.end),
        ("state", lambda one: one.state),
        ("closed_at", lambda one: one.closed_at),
        ("metered_until", lambda one: one.metered_until),
        ("totals", lambda one: _totals(one)),
        ("digest", lambda one: one.digest),
    ),
    columns=(
        ("Period", lambda one: one.name),
        ("Start", lambda one: format_instant(one.start)),
        ("End", lambda one: format_instant(one.end)),
        ("State", lambda one: one.state),
        ("Metered Until", lambda one: instant_text(one.metered_until)),
        ("Total", lambda one: ", ".join(f"{n} {c}" for c, n in _totals(one).items()) or "-"),
        ("Digest", lambda one: one.digest or "-"),
    ),
)


def _amount(nanos: int | None) -> str | None:
    return None if nanos is None else f"{decimal_of(nanos):f}"


def _totals(one: PeriodStatus) -> dict[str, str]:
    return {currency: f"{decimal_of(nanos):f}" for currency, nanos in sorted(one.totals.items())}


def _rate_text(status: MeterStatus) -> str:
    rate = status.rate
    return f"{price_text(rate.price_nanos)} {rate.currency} per {rate.unit}" if rate else "none"
