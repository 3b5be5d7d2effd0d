"""The page My Images."""

from typing import Any

from django import shortcuts
from django.utils.translation import gettext_lazy as _
from horizon import tabs

from instance_images_dashboard.content.my_images.tabs import MyImagesTabs


class IndexView(tabs.TabbedTableView):
    """Shows the images, or their tasks."""

    tab_group_class = MyImagesTabs
    template_name = "horizon/common/_detail.html"
    page_title = _("My Images")

    def get(self, request: Any, *arguments: Any, **more: Any) -> Any:
        """Show a tab, with the filter that the session holds."""
        table = self._filtered_table()
        if table is not None:
            self.update_server_filter_action(request, table)
        return super().get(request, *arguments, **more)

    def post(self, request: Any, *arguments: Any, **more: Any) -> Any:
        """Do what a button asks for; a filter leads back to the first page."""
        table = self._filtered_table()
        if table is not None and self.handle_server_filter(request, table):
            return shortcuts.redirect(table.get_absolute_url())
        return super().post(request, *arguments, **more)

    def _filtered_table(self) -> Any:
        group = self.get_tabs(self.request, **self.kwargs)
        return group.get_tab("images")._tables.get("my_images")

    def has_prev_data(self, table: Any) -> bool:
        """Return what the tab of the table says."""
        return bool(table._meta.has_prev_data)

    def has_more_data(self, table: Any) -> bool:
        """Return what the tab of the table says."""
        return bool(table._meta.has_more_data)
