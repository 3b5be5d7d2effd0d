"""The summary over all accounts as JSON, for other programs.

Owns the names and the order of the fields, which are a contract: fields are added, never renamed.
Computes nothing.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from instance_images.instants import format_instant
from instance_images_reports.formats.json_text import indented
from instance_images_reports.summary.summary import (
    AccountCharge,
    CurrencySummary,
    LocationCharge,
    Summary,
)

# The path of the file of an account and currency, where there are files.
Paths = Mapping[tuple[str, str], str]


def render_summary_json(summary: Summary, paths: Paths) -> str:
    """Return the summary as one JSON object in ASCII; amounts are texts, instants end in Z."""
    return indented(_summary(summary, paths)) + "\n"


def _summary(summary: Summary, paths: Paths) -> dict[str, object]:
    period = summary.period
    return {
        "report": "cloud-usage-summary",
        "period": {
            "name": period.name,
            "start": format_instant(period.start),
            "end": format_instant(period.end),
            "timezone": summary.timezone,
            "state": summary.period_state,
            "digest": summary.period_digest,
        },
        "period_before": summary.period_before.name,
        "metered_until": {
            name: None if until is None else format_instant(until)
            for name, until in summary.metered_until.items()
        },
        "currencies": [_currency(one, paths) for one in summary.currencies],
    }


def _currency(one: CurrencySummary, paths: Paths) -> dict[str, object]:
    def listed(accounts: Sequence[AccountCharge]) -> list[dict[str, object]]:
        return [account_fields(each, one.currency, paths) for each in accounts]

    return {
        "currency": one.currency,
        "total": _text(one.total),
        "exact": _text(one.exact),
        "rounding": _text(one.rounding),
        "total_before": _text(one.total_before),
        "change": _text(one.change),
        "change_percent": _text(one.percent),
        "locations": [_location(each) for each in one.locations],
        "movers": {
            "risen": listed(one.risen),
            "fallen": listed(one.fallen),
            "new": listed(one.new),
            "gone": listed(one.gone),
            "new_count": one.new_count,
            "gone_count": one.gone_count,
        },
        "accounts": listed(one.accounts),
        **(_added(one) if one.added else {}),
    }


def _added(one: CurrencySummary) -> dict[str, object]:
    return {
        "added": [
            {"section": each.section, "accounts": each.accounts_count, "total": _text(each.total)}
            for each in one.added
        ],
        "report_total": _text(one.report_total),
    }


def _location(one: LocationCharge) -> dict[str, object]:
    return {
        "location": one.location,
        "accounts": one.accounts_count,
        "exact": _text(one.exact),
        "exact_before": _text(one.exact_before),
    }


def account_fields(one: AccountCharge, currency: str, paths: Paths) -> dict[str, object]:
    """Return the fields of an account, in the order of the contract; new ones at the end."""
    return {
        "account_id": one.account.id,
        "account_name": one.account.name,
        "total": _text(one.total),
        "exact": _text(one.exact),
        "total_before": _text(one.total_before),
        "change": _text(one.change),
        "change_percent": _text(one.percent),
        "file": paths.get((one.account.id, currency)),
    }


def _text(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"
