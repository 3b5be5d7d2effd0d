"""The trend of all accounts as JSON, for other programs.

Owns the names and the order of the fields, which are a contract: fields are added, never renamed.
Computes nothing.
"""

from instance_images.instants import format_instant
from instance_images_reports.formats.json_text import indented
from instance_images_reports.trend.all_accounts.trend import (
    AccountMover,
    AccountsTrend,
    CurrencyTrend,
    OwnedImage,
)
from instance_images_reports.trend.json import (
    answer,
    bridge_fields,
    mover_fields,
    number_text,
    outlook_fields,
    period_fields,
    stored_fields,
)


def render_accounts_json(trend: AccountsTrend) -> str:
    """Return the trend as one JSON object in ASCII; amounts are texts, instants end in Z."""
    fields = {
        "report": "trend-all-accounts",
        "timezone": trend.timezone,
        "idle_since": format_instant(trend.idle_since),
        "currencies": [_currency(trend, one) for one in trend.currencies],
    }
    return indented(fields) + "\n"


def _currency(trend: AccountsTrend, one: CurrencyTrend) -> dict[str, object]:
    return {
        "currency": one.currency,
        "unit": one.unit,
        "accounts_count": one.accounts_count,
        "answer": answer(trend.timezone, one.currency, one.periods, one.bridge),
        "periods": [period_fields(each) for each in one.periods],
        "change": bridge_fields(one.bridge),
        "movers": [_mover(each) for each in one.movers],
        "movers_count": one.movers_count,
        "stored_count": one.stored_count,
        "idle": [_owned(each) for each in one.idle],
        "idle_count": one.idle_count,
        "saving": number_text(one.saving),
        "largest": [_owned(each) for each in one.largest],
        "oldest": [_owned(each) for each in one.oldest],
        "forecast": outlook_fields(one.outlook),
    }


def _mover(one: AccountMover) -> dict[str, object]:
    return {
        "account_id": one.account.id,
        "account_name": one.account.name,
        "before": number_text(one.before),
        "after": number_text(one.after),
        "change": number_text(one.change),
        "new": number_text(one.new),
        "ended": number_text(one.ended),
        "volume": number_text(one.volume),
        "duration": number_text(one.duration),
        "price": number_text(one.price),
        "other": number_text(one.other),
        "new_images": one.new_count,
        "ended_images": one.ended_count,
        "month_length": number_text(one.month_length),
        "cut_short": number_text(one.cut_short),
        "images": [mover_fields(each) for each in one.images],
    }


def _owned(one: OwnedImage) -> dict[str, object]:
    owner = {"account_id": one.account.id, "account_name": one.account.name}
    return {**owner, **stored_fields(one.image)}
