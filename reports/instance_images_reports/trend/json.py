"""The trend as JSON, for other programs.

Owns the names and the order of the fields, which are a contract: fields are added, never renamed.
Computes nothing.
"""

from datetime import datetime
from decimal import Decimal

from instance_images.instants import format_instant
from instance_images_reports.formats.json_text import indented
from instance_images_reports.trend.trend import (
    Bridge,
    Group,
    Mover,
    Outlook,
    PeriodTrend,
    StoredImage,
    Trend,
)


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
        "change": _bridge(trend.bridge),
        "movers": [_mover(one) for one in trend.movers],
        "movers_count": trend.movers_count,
        "stored_count": trend.stored_count,
        "idle_since": format_instant(trend.idle_since),
        "idle": [_stored(one) for one in trend.idle],
        "saving": _text(trend.saving),
        "largest": [_stored(one) for one in trend.largest],
        "oldest": [_stored(one) for one in trend.oldest],
        "forecast": _outlook(trend.outlook),
    }


def period_fields(one: PeriodTrend) -> dict[str, object]:
    """Return the fields of a period, in the order of the contract; new ones at the end."""
    return {
        "period": one.period.name,
        "state": one.state,
        "is_whole": one.is_whole,
        "total": _text(one.total),
        "images": one.images_count,
        "unit_months": _text(one.unit_months),
        "price": _text(one.price),
        **_group("new", one.new),
        **_group("ended", one.ended),
        **_group("grown", one.grown),
    }


def _group(name: str, group: Group) -> dict[str, object]:
    return {f"{name}_images": group.count, f"{name}_percent": _text(group.percent)}


def _bridge(one: Bridge) -> dict[str, object]:
    return {
        "before": _text(one.before),
        "new": _text(one.new),
        "ended": _text(one.ended),
        "volume": _text(one.volume),
        "duration": _text(one.duration),
        "price": _text(one.price),
        "other": _text(one.other),
        "after": _text(one.after),
    }


def _mover(one: Mover) -> dict[str, object]:
    return {
        "image_id": one.image_id,
        "name": one.name,
        "location": one.location,
        "kind": one.kind,
        "before": _text(one.before),
        "after": _text(one.after),
        "change": _text(one.change),
        "price": _text(one.price),
        "volume": _text(one.volume),
        "duration": _text(one.duration),
    }


def _stored(one: StoredImage) -> dict[str, object]:
    return {
        "image_id": one.image_id,
        "name": one.name,
        "location": one.location,
        "size_bytes": one.size_bytes,
        "monthly": _text(one.monthly),
        "available_at": _instant(one.available_at),
        "deployed_at": _instant(one.deployed_at),
    }


def _outlook(one: Outlook | None) -> dict[str, object] | None:
    if one is None:
        return None
    return {
        "months": [{"period": period.name, "total": _text(total)} for period, total in one.amounts],
        "mean_error": _text(one.mean_error),
        "errors": one.errors_count,
        "basis_months": one.basis_months,
    }


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)


def _text(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"
