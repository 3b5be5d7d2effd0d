"""The tabs of My Images."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from horizon import tabs

from instance_images_dashboard import api
from instance_images_dashboard.content.my_images.tables import (
    IMAGE_STATUS_NAMES,
    ImagesTable,
    TasksTable,
    tasks_url,
)


class ListTab(tabs.TableTab):
    """A tab with one page of a list."""

    template_name = "horizon/common/_detail_table.html"
    # Each tab asks the service when it is opened.
    preload = False
    page = api.Page([])

    def page_of(self, table: Any, ask: Any, **filters: Any) -> list[Any]:
        """Return the page that the request names; the table tells if there is none."""
        meta, query = table._meta, self.request.GET
        backwards = query.get(meta.prev_pagination_param)
        marker = backwards or query.get(meta.pagination_param)
        table.is_filtered = any(filters.values())
        try:
            self.page = ask(
                self.request, marker=marker or None, backwards=bool(backwards), **filters
            )
        except api.ApiError as error:
            table.trouble = error.message
        return self.page.items

    def has_prev_data(self, table: Any) -> bool:
        """Return whether there is a page before this one."""
        return self.page.has_previous

    def has_more_data(self, table: Any) -> bool:
        """Return whether there is a page after this one."""
        return self.page.has_next


class ImagesTab(ListTab):
    """The images."""

    name = _("Images")
    slug = "images"
    table_classes = (ImagesTable,)

    def get_my_images_data(self) -> list[Any]:
        """Return a page of images with their prices."""
        table = self._tables["my_images"]
        field, text = table.get_filter_field() or "name", table.get_filter_string().strip()
        if field == "status":  # as it is shown, or as the service calls it
            shown = {str(name).lower(): value for value, name in IMAGE_STATUS_NAMES}
            text = shown.get(text.lower(), text.lower())
        images = self.page_of(table, api.list_images, **({field: text} if text else {}))
        return table.with_prices(images)


class TasksTab(ListTab):
    """The tasks, or those of one image."""

    name = _("Tasks")
    slug = "tasks"
    table_classes = (TasksTable,)
    policy_rules = ((api.SERVICE_TYPE, "tasks:list"),)
    template_name = "instance_images/_tasks.html"

    def get_context_data(self, request: Any, **more: Any) -> dict[str, Any]:
        """Return the table, and where all tasks are if it shows those of one image."""
        context: dict[str, Any] = super().get_context_data(request, **more)
        return {**context, "all_tasks_url": tasks_url() if self._only() else None}

    def get_image_tasks_data(self) -> list[Any]:
        """Return a page of tasks."""
        return self.page_of(self._tables["image_tasks"], api.list_tasks, **self._only())

    def _only(self) -> dict[str, str]:
        image_id = self.request.GET.get("image_id", "")
        return {"image_id": image_id} if api.is_id(image_id) else {}


class MyImagesTabs(tabs.TabGroup):
    """Images, Tasks."""

    slug = "my_images_tabs"
    tabs = (ImagesTab, TasksTab)
