"""What a notice says: the body of a webhook's request, and the text of a mail. Sends nothing."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from email.message import EmailMessage
from zoneinfo import ZoneInfo

from instance_images.instants import format_instant
from instance_images.names import printable
from instance_images_billing.pricing.periods import parse_period
from instance_images_reports.budgets.notices import Notice
from instance_images_reports.budgets.records import Budget
from instance_images_reports.budgets.thresholds import CHARGE
from instance_images_reports.collect.currencies import currency_digits
from instance_images_reports.delivery.mail import Letter, compose
from instance_images_reports.statement.budget import percent_of
from instance_images_reports.wording.words import Words


@dataclass(frozen=True, slots=True)
class Told:
    """A notice, the budget whose addressees are told, and the name of the account."""

    notice: Notice
    budget: Budget
    account_name: str

    def amount(self, nanos: int | None) -> Decimal | None:
        """Return an amount of the notice with the decimals of its currency."""
        if nanos is None:
            return None
        digits = currency_digits(self.notice.currency)
        return Decimal(nanos // 10 ** (9 - digits)).scaleb(-digits)


def webhook_body(told: Told) -> bytes:
    """Return the notice as JSON in ASCII; the same bytes in each attempt."""
    notice = told.notice
    until = notice.metered_until
    fields = {
        "notice": "budget-threshold",
        "id": notice.notice_id,
        "account": {"id": notice.account_id, "name": told.account_name},
        "period": notice.period,
        "currency": notice.currency,
        "kind": notice.kind,
        "threshold": notice.threshold,
        "budget": _text(told.amount(notice.amount_nanos)),
        "charged": _text(told.amount(notice.charged_nanos)),
        "forecast": _text(told.amount(notice.forecast_nanos)),
        "metered_until": None if until is None else format_instant(until),
        "reached_at": format_instant(notice.reached_at),
    }
    return json.dumps(fields).encode("ascii")


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"


def mail_of(told: Told, sender: str, timezone: ZoneInfo, now: datetime) -> EmailMessage:
    """Return the mail in the language of the budget; its Message-ID is that of every attempt."""
    letter = _letter(told, Words(told.budget.locale, timezone, told.notice.currency))
    message_id = f"<{told.notice.notice_id}@{sender.rpartition('@')[2]}>"
    return compose(sender, told.budget.mail_to, letter, now, message_id)


def _letter(told: Told, words: Words) -> Letter:
    """Return the subject and the text of the mail."""
    notice = told.notice
    month = words.month_of(parse_period(notice.period, words.zone))
    threshold = words.whole_percent(notice.threshold)
    if notice.kind == CHARGE:
        subject = words.gettext(
            "Budget: %(percent)s reached, %(account)s, %(month)s",
            percent=threshold,
            account=told.account_name,
            month=month,
        )
        reason = words.gettext(
            "The charges of this month have reached %(percent)s of the budget.", percent=threshold
        )
    else:
        subject = words.gettext(
            "Budget: %(percent)s forecast, %(account)s, %(month)s",
            percent=threshold,
            account=told.account_name,
            month=month,
        )
        reason = words.gettext(
            "If all images stay stored, this month will reach %(percent)s of the budget.",
            percent=threshold,
        )
    lines = [
        reason,
        "",
        *(f"{title}: {text}" for title, text in _facts(told, words, month)),
        "",
        words.gettext("This notice is sent once for each threshold and month."),
    ]
    return Letter(subject, "".join(f"{printable(line)}\n" for line in lines))


def _facts(told: Told, words: Words, month: str) -> Iterator[tuple[str, str]]:
    notice = told.notice
    budget, charged = told.amount(notice.amount_nanos), told.amount(notice.charged_nanos)
    forecast = told.amount(notice.forecast_nanos)
    assert budget is not None
    assert charged is not None
    yield words.gettext("Account"), f"{told.account_name} ({notice.account_id})"
    yield words.gettext("Period"), month
    yield words.gettext("Budget"), words.money(budget)
    share = words.percent(percent_of(charged, budget))
    yield words.gettext("Charged so far"), f"{words.money(charged)} ({share})"
    if forecast is not None:
        share = words.percent(percent_of(forecast, budget))
        yield words.gettext("Forecast for the month"), f"{words.money(forecast)} ({share})"
    if notice.metered_until is not None:
        yield words.gettext("Metered until"), words.instant(notice.metered_until)
