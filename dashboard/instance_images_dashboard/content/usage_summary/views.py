"""The operator's pages of Cloud Usage: the summary of a month, and the pages of one account."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import generic
from horizon import messages, views

from instance_images_dashboard import api, texts
from instance_images_dashboard.content.cloud_usage import files, months
from instance_images_dashboard.content.cloud_usage.views import (
    MonthsView,
    MonthView,
    ReportView,
    SectionView,
)

NAMES = "horizon:admin:usage_summary:"
FORMATS = ("csv", "json")
# The summary itself has all accounts, and its files too.
MOST_ACCOUNTS = 100
_PERIOD = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


class SummaryView(views.HorizonTemplateView):
    """Shows what the accounts are charged in a month: by default in the current one."""

    template_name = "instance_images/summary.html"
    page_title = gettext_lazy("Cloud Usage")

    def get(self, request: Any, *arguments: Any, **more: Any) -> Any:
        """Show the month; one that was chosen has an address of its own."""
        chosen = request.GET.get("month", "")
        if chosen and not _PERIOD.fullmatch(chosen):
            messages.error(request, _("Name a month such as 2026-11."))
        elif chosen:
            return HttpResponseRedirect(reverse(f"{NAMES}month", kwargs={"period": chosen}))
        return super().get(request, *arguments, **more)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return what the template shows."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        current = f"{datetime.now(UTC):%Y-%m}"
        period = self.kwargs.get("period", current)
        name = months.month_name(period)
        context |= {
            "page_title": _("Cloud Usage, %(month)s") % {"month": name},
            "period": period,
            "current": current,
            "before": _link(months.month_before(period)),
            "after": _link(months.month_after(period)) if period < current else None,
        }
        try:
            summary = api.get_summary(self.request, period)
            currencies = [_currency(one, period) for one in summary["currencies"]]
        except api.NotFound:
            return {**context, "trouble": _("No image was ever captured.")}
        except api.ApiError as error:
            return {**context, "trouble": error.message}
        return {
            **context,
            "month_name": name,
            "state": months.STATE_NAMES.get(summary["period"]["state"], ""),
            "currencies": currencies,
            "most_accounts": MOST_ACCOUNTS,
            "page_url": _url("page", period),
            "files": [(one.upper(), _url("file", period, format_name=one)) for one in FORMATS],
        }


class PageView(generic.View):
    """Answers with the summary of a month as the service renders it, for the frame."""

    def get(self, request: Any, period: str) -> Any:
        """Pass the page on."""
        try:
            answer = _open(request, period, "html")
        except api.ApiError as error:
            return files.framed_trouble(_("Cloud Usage"), error)
        return files.framed_page(answer)


class FileView(generic.View):
    """Answers with the summary of a month as a file."""

    def get(self, request: Any, period: str, format_name: str) -> Any:
        """Pass the file on; an error becomes a message on the page of the month."""
        try:
            etag = request.headers.get("If-None-Match")
            answer = _open(request, period, format_name, etag=etag)
        except api.ApiError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(_url("month", period))
        return files.passed_on(answer)


class _OfAccount:
    """The pages of the account in the address."""

    names: ClassVar[str] = f"{NAMES}account_"


class AccountMonthsView(_OfAccount, MonthsView):
    """Shows the months of an account."""


class AccountMonthView(_OfAccount, MonthView):
    """Shows a month of an account."""


class AccountSectionView(_OfAccount, SectionView):
    """Answers with the section Images of an account's report."""


class AccountReportView(_OfAccount, ReportView):
    """Answers with an account's report as a file."""


def _open(request: Any, period: str, format_name: str, **more: Any) -> Any:
    locale = months.locale_of_page()
    return api.open_report(request, period, format_name, all_accounts=True, locale=locale, **more)


def _url(name: str, period: str, **more: str) -> str:
    return str(reverse(NAMES + name, kwargs={"period": period, **more}))


def _link(period: str) -> tuple[str, str]:
    return months.month_name(period), _url("month", period)


def _currency(one: Mapping[str, Any], period: str) -> dict[str, Any]:
    """Return what is charged in a currency as the page shows it."""
    currency = texts.printable(one["currency"])
    accounts = one["accounts"]
    return {
        "currency": currency,
        "total": months.amount(one["total"], currency),
        "total_before": months.amount(one["total_before"], currency),
        "accounts_count": len(accounts),
        "accounts": [_account(each, currency, period) for each in accounts[:MOST_ACCOUNTS]],
    }


def _account(one: Mapping[str, Any], currency: str, period: str) -> dict[str, Any]:
    where = {"account_id": one["account_id"]}
    of_month = {**where, "period": period, "currency": currency}
    return {
        "id": one["account_id"],
        "name": texts.printable(one["account_name"] or "") or one["account_id"],
        "total": months.amount(one["total"], currency),
        "total_before": months.amount(one["total_before"], currency),
        "change": months.amount(one["change"], currency),
        "url": reverse(f"{NAMES}account_month", kwargs=of_month),
        "months_url": reverse(f"{NAMES}account_index", kwargs=where),
    }
