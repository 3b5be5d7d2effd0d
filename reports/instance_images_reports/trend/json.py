"""The trend as JSON, for other programs.

Owns the names and the order of the fields, which are a contract: fields are added, never renamed.
Computes nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from instance_images.instants import format_instant
from instance_images_reports.formats.json_text import indented
from instance_images_reports.presentation import DEFAULT_PRESENTATION
from instance_images_reports.trend.trend import (
    Bridge,
    Group,
    Mover,
    Outlook,
    PeriodTrend,
    StoredImage,
    Trend,
)
from instance_images_reports.trend.words import change_text
from instance_images_reports.wording.words import Words


def render_trend_json(trend: Trend) -> str:
    """Return the trend as one JSON object in ASCII; amounts are texts, instants end in Z."""
    return indented(_trend(trend)) + "\n"


def _trend(trend: Trend) -> dict[str, object]:
    return {
        "report": "trend",
        "account_id": trend.account.id,
        "account_name": trend.account.name,
        "currency": trend.currency,
        "timezone": trend.timezone,
        "unit": trend.unit,
        "periods": [period_fields(one) for one in trend.periods],
        "change": bridge_fields(trend.bridge),
        "movers": [mover_fields(one) for one in trend.movers],
        "movers_count": trend.movers_count,
        "stored_count": trend.stored_count,
        "idle_since": format_instant(trend.idle_since),
        "idle": [stored_fields(one) for one in trend.idle],
        "saving": number_text(trend.saving),
        "largest": [stored_fields(one) for one in trend.largest],
        "oldest": [stored_fields(one) for one in trend.oldest],
        "forecast": outlook_fields(trend.outlook),
        "answer": answer(trend.timezone, trend.currency, trend.periods, trend.bridge),
    }


def period_fields(one: PeriodTrend) -> dict[str, object]:
    """Return the fields of a period, in the order of the contract; new ones at the end."""
    return {
        "period": one.period.name,
        "state": one.state,
        "is_whole": one.is_whole,
        "total": number_text(one.total),
        "images": one.images_count,
        "unit_months": number_text(one.unit_months),
        "price": number_text(one.price),
        **_group("new", one.new),
        **_group("ended", one.ended),
        **_group("grown", one.grown),
    }


def _group(name: str, group: Group) -> dict[str, object]:
    return {f"{name}_images": group.count, f"{name}_percent": number_text(group.percent)}


def bridge_fields(one: Bridge) -> dict[str, object]:
    """Return the fields of a change, in the order of the contract; new ones at the end."""
    return {
        "before": number_text(one.before),
        "new": number_text(one.new),
        "ended": number_text(one.ended),
        "volume": number_text(one.volume),
        "duration": number_text(one.duration),
        "price": number_text(one.price),
        "other": number_text(one.other),
        "after": number_text(one.after),
        "new_images": one.new_count,
        "ended_images": one.ended_count,
        "month_length": number_text(one.month_length),
        "rate_changed_at": _instant(one.rate_changed_at),
        "cut_short": number_text(one.cut_short),
        "cut_short_images": one.cut_short_count,
    }


def mover_fields(one: Mover) -> dict[str, object]:
    """Return the fields of an image whose charge changed; new ones at the end."""
    return {
        "image_id": one.image_id,
        "name": one.name,
        "location": one.location,
        "kind": one.kind,
        "before": number_text(one.before),
        "after": number_text(one.after),
        "change": number_text(one.change),
        "price": number_text(one.price),
        "volume": number_text(one.volume),
        "duration": number_text(one.duration),
        "is_whole": one.is_whole,
        "has_ended": one.has_ended,
    }


def stored_fields(one: StoredImage) -> dict[str, object]:
    """Return the fields of a stored image; new ones at the end."""
    return {
        "image_id": one.image_id,
        "name": one.name,
        "location": one.location,
        "size_bytes": one.size_bytes,
        "monthly": number_text(one.monthly),
        "available_at": _instant(one.available_at),
        "deployed_at": _instant(one.deployed_at),
    }


def outlook_fields(one: Outlook | None) -> dict[str, object] | None:
    """Return the fields of a forecast; new ones at the end."""
    if one is None:
        return None
    return {
        "months": [
            {"period": period.name, "total": number_text(total)} for period, total in one.amounts
        ],
        "mean_error": number_text(one.mean_error),
        "errors": one.errors_count,
        "basis_months": one.basis_months,
    }


def answer(timezone: str, currency: str, periods: Sequence[PeriodTrend], bridge: Bridge) -> str:
    """Return why the charge changed, in a sentence of the default locale, with plain spaces."""
    words = Words(DEFAULT_PRESENTATION.locale, ZoneInfo(timezone), currency)
    return change_text(words, periods, bridge).replace("\xa0", " ")


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)


def number_text(number: Decimal | None) -> str | None:
    """Return a number with all of its digits; None where there is none."""
    return None if number is None else f"{number:f}"
