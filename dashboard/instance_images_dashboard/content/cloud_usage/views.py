"""The pages of Cloud Usage: the months, and one month with its report.

The operator's pages of one account are made of these, with ``account_id`` in their addresses.
"""

from typing import Any, ClassVar

from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import generic
from horizon import messages, tables, views

from instance_images_dashboard import api
from instance_images_dashboard.content.cloud_usage import files
from instance_images_dashboard.content.cloud_usage.months import (
    ShownMonth,
    locale_of_page,
    month_name,
    shown,
)
from instance_images_dashboard.content.cloud_usage.tables import MonthsTable

FORMATS = ("pdf", "xlsx", "csv", "json")


class AccountPages:
    """Where the pages of an account are: of the user's own, or of the one in the address."""

    names: ClassVar[str] = "horizon:project:cloud_usage:"
    request: Any
    kwargs: dict[str, Any]

    def url(self, name: str, **of_month: str) -> str:
        """Return the address of a page of the account."""
        account = {"account_id": self.account_id} if self.account_id else {}
        return str(reverse(self.names + name, kwargs=of_month | account))

    @property
    def account_id(self) -> str | None:
        """The account in the address; None for the user's own."""
        return self.kwargs.get("account_id")

    @property
    def month(self) -> dict[str, str]:
        """Period and currency of the address."""
        return {name: self.kwargs[name] for name in ("period", "currency")}

    def title(self) -> str:
        """Return what the page of the month is called."""
        return _("Cloud Usage, %(month)s") % {"month": month_name(self.kwargs["period"])}

    def months(self) -> list[ShownMonth]:
        """Return the months of the account, the newest first."""
        found = api.list_months(self.request, self.account_id)
        return [self._shown(month) for month in reversed(found)]

    def _shown(self, month: Any) -> ShownMonth:
        where = {"period": month.period, "currency": month.currency}
        return shown(
            month, self.url("month", **where), self.url("report", format_name="pdf", **where)
        )


class MonthsView(AccountPages, tables.DataTableView):
    """Shows the months."""

    table_class = MonthsTable
    page_title = gettext_lazy("Cloud Usage")

    def get_data(self) -> list[ShownMonth]:
        """Return the months; the table tells if there are none."""
        try:
            return self.months()
        except api.ApiError as error:
            self.get_table().trouble = error.message
            return []


class MonthView(AccountPages, views.HorizonTemplateView):
    """Shows a month: what it comes to, its section Images, and its files."""

    template_name = "instance_images/month.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return what the template shows."""
        self.page_title = self.title()
        context: dict[str, Any] = super().get_context_data(**kwargs)
        try:
            months = self.months()
        except api.ApiError as error:
            return {**context, "trouble": error.message}
        of_period = [one for one in months if one.period == self.kwargs["period"]]
        found = next((one for one in of_period if one.currency == self.kwargs["currency"]), None)
        context["months"] = of_period
        if found is None:
            return {**context, "trouble": _("There are no charges in this month and currency.")}
        return {
            **context,
            "month": found,
            "section_url": self.url("section", **self.month),
            "files": [
                (name.upper(), self.url("report", format_name=name, **self.month))
                for name in FORMATS
            ],
        }


class SectionView(AccountPages, generic.View):
    """Answers with the section Images of a month's report, for the frame in its page."""

    def get(self, request: Any, *arguments: Any, **more: Any) -> Any:
        """Pass the section on."""
        try:
            answer = api.open_report(
                request,
                self.kwargs["period"],
                "html",
                section="images",
                currency=self.kwargs["currency"],
                locale=locale_of_page(),
                account_id=self.account_id,
            )
        except api.ApiError as error:
            return files.framed_trouble(self.title(), error)
        return files.framed(self.title(), answer)


class ReportView(AccountPages, generic.View):
    """Answers with a month's report as a file."""

    def get(self, request: Any, *arguments: Any, **more: Any) -> Any:
        """Pass the file on; an error becomes a message on the page of the month."""
        try:
            answer = api.open_report(
                request,
                self.kwargs["period"],
                self.kwargs["format_name"],
                etag=request.headers.get("If-None-Match"),
                currency=self.kwargs["currency"],
                locale=locale_of_page(),
                account_id=self.account_id,
            )
        except api.ApiError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(self.url("month", **self.month))
        return files.passed_on(answer)
