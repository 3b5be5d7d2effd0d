"""Tables of the service's records: their trouble is told, and their rows refresh themselves."""

from typing import Any

from django.http import HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from horizon import exceptions, tables

from instance_images_dashboard import api
from instance_images_dashboard.content.rows import LeanRow


class NameColumn(tables.Column):
    """A column of names, which may be long: they break at hyphens and blanks if they have any."""

    def __init__(self, transform: Any, **more: Any) -> None:
        style = {"style": "overflow-wrap: anywhere; min-width: 8em"}
        super().__init__(transform, cell_attributes_getter=lambda _: style, **more)


class UpdatedRow(LeanRow):
    """A row that asks for itself while it is in transition."""

    ajax = True

    def ask(self, work: Any, request: Any, object_id: str) -> Any:
        """Return the datum; a row whose datum is gone is removed by the browser."""
        try:
            return work(request, object_id)
        except api.NotFound as error:
            raise exceptions.NotFound from error


class ApiTable(tables.DataTable):
    """A table of the service's records, whose trouble it can tell."""

    trouble: Any = None
    empty_message: Any = ""
    is_filtered = False

    def render(self) -> Any:
        """Return the table; on a narrow screen it scrolls, and the page does not."""
        return format_html('<div class="table-responsive">{}</div>', super().render())

    def get_empty_message(self) -> Any:
        """Return why the table is empty."""
        if self.trouble is not None:
            return self.trouble
        if self.is_filtered:
            return _("Nothing matches the filter.")
        return self.empty_message

    def maybe_preempt(self) -> Any:
        """Answer a row that asks for itself; 503 where the service does not answer."""
        try:
            return super().maybe_preempt()
        except api.ApiError:
            return HttpResponse(status=503)

    def get_object_by_id(self, object_id: str) -> Any:
        """Return the record, which may be on another page by now."""
        for datum in self.data or ():
            if datum.id == object_id:
                return datum
        try:
            return self.find(object_id)
        except api.ApiError as error:
            raise exceptions.Http302(self.get_absolute_url(), error.message) from error

    def find(self, object_id: str) -> Any:
        """Return the record from the service."""
        raise NotImplementedError

    def sanitize_id(self, object_id: str) -> str:
        """Return an id, or what nothing has."""
        return object_id if api.is_id(object_id) else ""
