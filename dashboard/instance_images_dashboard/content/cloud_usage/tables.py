"""The table of Cloud Usage: months, the newest first."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from horizon import tables

from instance_images_dashboard.content.api_table import ApiTable


class SavePdf(tables.LinkAction):
    """Saves the report of the month."""

    name = "pdf"
    verbose_name = _("Download PDF")

    def get_link_url(self, month: Any = None) -> str:
        """Return the address of the file."""
        return str(month.pdf_url)


class MonthsTable(ApiTable):
    """Months in which the account is charged; one row for each currency."""

    month = tables.Column("name", link=lambda month: month.url, verbose_name=_("Month"))
    state = tables.Column("state", verbose_name=_("State"))
    total = tables.Column("total", verbose_name=_("Charges so Far"))
    forecast = tables.Column(
        "forecast",
        verbose_name=_("Forecast"),
        help_text=_("Charges at the end of the month if nothing is created or deleted"),
    )
    metered_until = tables.Column("metered_until", verbose_name=_("Counted Until"))

    class Meta:
        name = "cloud_usage"
        verbose_name = _("Cloud Usage")
        multi_select = False
        row_actions = (SavePdf,)

    empty_message = _(
        "There are no charges yet. Billing of an image begins when it becomes available."
    )

    def get_object_display(self, month: Any) -> str:
        """Return what a row is called."""
        return f"{month.name} {month.currency}"
