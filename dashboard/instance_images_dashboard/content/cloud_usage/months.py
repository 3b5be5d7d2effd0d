"""Months and their amounts as people read them, in the user's language."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from babel.numbers import get_currency_precision
from django.utils import formats, translation
from django.utils.translation import gettext_lazy as _

from instance_images_dashboard import texts

STATE_NAMES = {"open": _("Open"), "closed": _("Closed")}


@dataclass(frozen=True, slots=True)
class ShownMonth:
    """A month in one currency; ``id`` is that of its row."""

    id: str
    period: str
    currency: str
    name: str
    state: str
    total: str
    forecast: str
    metered_until: str
    url: str
    pdf_url: str


def locale_of_page() -> str:
    """Return the locale of the user's language in Horizon, as the service names it: ``pt_BR``."""
    return translation.to_locale(translation.get_language() or "en")


def month_name(period: str) -> str:
    """Return the name of a month such as 2026-11: ``November 2026``."""
    year, month = (int(part) for part in period.split("-"))
    return str(formats.date_format(date(year, month, 1), "YEAR_MONTH_FORMAT"))


def month_before(period: str) -> str:
    """Return the month before, as in 2026-11."""
    year, month = (int(part) for part in period.split("-"))
    return f"{year - 1}-12" if month == 1 else f"{year}-{month - 1:02d}"


def month_after(period: str) -> str:
    """Return the month after, as in 2026-11."""
    year, month = (int(part) for part in period.split("-"))
    return f"{year + 1}-01" if month == 12 else f"{year}-{month + 1:02d}"


def amount(value: str | None, currency: str) -> str:
    """Return an amount as it is paid: ``3.00 EUR``, ``3 JPY``; ``-`` for None."""
    if value is None:
        return "-"
    digits = get_currency_precision(currency)
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    return f"{formats.number_format(rounded, digits, force_grouping=True)} {currency}"


def shown(month: Any, url: str, pdf_url: str) -> ShownMonth:
    """Return a month of the service as a page shows it."""
    currency = texts.printable(month.currency)
    return ShownMonth(
        id=f"{month.period}-{currency}",
        period=month.period,
        currency=currency,
        name=month_name(month.period),
        state=str(STATE_NAMES.get(month.state, texts.printable(month.state))),
        total=amount(month.total, currency),
        forecast=amount(month.forecast, currency),
        metered_until=texts.instant(month.metered_until),
        url=url,
        pdf_url=pdf_url,
    )
