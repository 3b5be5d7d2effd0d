"""Values as people read them, in the user's language: sizes, durations, instants, amounts."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django.utils import dateparse, formats, timezone
from django.utils.translation import gettext as _

from instance_images_client.commands.text import printable

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_UNIT_BYTES = {"GB": 10**9, "GiB": 2**30}
_CENT = Decimal("0.01")

__all__ = ["amount", "duration", "instant", "month_cost", "month_cost_text", "printable", "size"]


def size(size_bytes: int | None) -> str:
    """Return a size in units of 1000: ``1.07 GB``; ``-`` while it is unknown."""
    if size_bytes is None:
        return "-"
    exponent = 0
    while size_bytes >= 1000 ** (exponent + 1) and exponent < len(_UNITS) - 1:
        exponent += 1
    if exponent == 0:
        return f"{size_bytes} B"
    return f"{formats.number_format(round(size_bytes / 1000**exponent, 2), 2)} {_UNITS[exponent]}"


def duration(seconds: int | None) -> str:
    """Return a duration: ``42 s``, ``3 min 05 s``, ``2 h 07 min``; ``-`` for None."""
    if seconds is None:
        return "-"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return _("%(hours)d h %(minutes)02d min") % {"hours": hours, "minutes": minutes}
    if minutes:
        return _("%(minutes)d min %(seconds)02d s") % {"minutes": minutes, "seconds": seconds}
    return _("%d s") % seconds


def instant(text: str | None) -> str:
    """Return an instant in the user's time zone, to the minute; ``-`` for None."""
    parsed = dateparse.parse_datetime(text) if text else None
    if parsed is None:
        return "-"
    return str(formats.date_format(timezone.localtime(parsed), "DATETIME_FORMAT"))


def amount(value: Decimal, currency: str) -> str:
    """Return an amount with two places: ``0.05 EUR``; ``< 0.01 EUR`` for less than that."""
    rounded = value.quantize(_CENT, ROUND_HALF_EVEN)
    if value and not rounded:
        return f"< {formats.number_format(_CENT, 2)} {currency}"
    return f"{formats.number_format(rounded, 2)} {currency}"


def month_cost(image: Any, location: Any) -> Decimal | None:
    """Return billed size x price per month; None where the size or the price is unknown."""
    size_bytes = image.size_bytes
    if size_bytes is None or location is None or location.price is None:
        return None
    if location.billable_size == "virtual":
        size_bytes = max(size_bytes, image.virtual_size_bytes or 0)
    unit_bytes = _UNIT_BYTES.get(location.unit)
    if unit_bytes is None:
        return None
    return Decimal(size_bytes) * Decimal(location.price) / unit_bytes


def month_cost_text(image: Any, location: Any) -> str:
    """Return what an image costs per month: ``0.05 EUR``; ``-`` where that is unknown."""
    cost = month_cost(image, location)
    return "-" if cost is None else amount(cost, printable(location.currency))
