"""How budgets are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from instance_images.instants import format_instant
from instance_images.views.fields import View
from instance_images_reports.budgets.notices import NO_CHANNEL
from instance_images_reports.budgets.webhook import origin_of

if TYPE_CHECKING:
    from instance_images_reports.budgets.notices import Notice
    from instance_images_reports.budgets.overview import BudgetState


def _last(state: BudgetState) -> Notice | None:
    """Return the last notice that is or was to be sent."""
    return next((one for one in reversed(state.notices) if one.channel != NO_CHANNEL), None)


def _last_fields(state: BudgetState) -> dict[str, object] | None:
    notice = _last(state)
    if notice is None:
        return None
    return {
        "id": notice.notice_id,
        "kind": notice.kind,
        "threshold": notice.threshold,
        "channel": notice.channel,
        "state": notice.state,
        "attempts": notice.attempts,
        "reached_at": format_instant(notice.reached_at),
        "sent_at": None if notice.sent_at is None else format_instant(notice.sent_at),
        "error": notice.error,
    }


def _last_text(state: BudgetState) -> str:
    notice = _last(state)
    return f"{notice.threshold}% {notice.kind} {notice.state}" if notice else "-"


def _webhook(state: BudgetState) -> str | None:
    """Return where the webhook is; the path of its URL may be a secret."""
    url = state.budget.webhook_url
    return origin_of(url) if url else None


def _percents(percents: tuple[int, ...]) -> str:
    return " ".join(f"{one}%" for one in percents) or "-"


BUDGET: View = View(
    fields=(
        ("account_id", lambda one: one.budget.account_id),
        ("account_name", lambda one: one.account_name),
        ("currency", lambda one: one.budget.currency),
        ("amount", lambda one: f"{one.use.amount:f}"),
        ("period", lambda one: one.period or None),
        ("charged", lambda one: f"{one.use.charged:f}"),
        ("percent", lambda one: f"{one.use.percent:f}"),
        ("forecast", lambda one: None if one.use.forecast is None else f"{one.use.forecast:f}"),
        (
            "forecast_percent",
            lambda one: (
                None if one.use.forecast_percent is None else f"{one.use.forecast_percent:f}"
            ),
        ),
        ("thresholds", lambda one: list(one.budget.thresholds)),
        ("reached", lambda one: list(one.reached)),
        ("reached_by_forecast", lambda one: list(one.reached_by_forecast)),
        ("mail_to", lambda one: list(one.budget.mail_to)),
        ("webhook", _webhook),
        ("locale", lambda one: one.budget.locale),
        ("set_at", lambda one: one.budget.set_at),
        ("last_notice", _last_fields),
    ),
    columns=(
        ("Account", lambda one: one.account_name),
        ("Budget", lambda one: f"{one.use.amount:f} {one.budget.currency}"),
        ("Charge", lambda one: f"{one.use.charged:f}"),
        ("Used", lambda one: f"{one.use.percent:f}%"),
        ("Forecast", lambda one: "-" if one.use.forecast is None else f"{one.use.forecast:f}"),
        ("Reached", lambda one: _percents(one.reached)),
        ("By Forecast", lambda one: _percents(one.reached_by_forecast)),
        ("Last Notice", _last_text),
    ),
)
