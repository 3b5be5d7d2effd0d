"""The tables of My Images: the images, and their tasks."""

from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from horizon import tables

from instance_images_client.sdk.task import FINISHED
from instance_images_dashboard import api, texts
from instance_images_dashboard.content.api_table import ApiTable, NameColumn, UpdatedRow
from instance_images_dashboard.content.my_images import stages
from instance_images_dashboard.content.my_images.actions import (
    DeleteImage,
    DeployImage,
    FilterImages,
    RetryImage,
    RetryTask,
)
from instance_images_dashboard.content.rows import LeanTable

INDEX = "horizon:project:my_images:index"
TASKS_TAB = "my_images_tabs__tasks"


def tasks_url(image_id: str | None = None) -> str:
    """Return the address of the tab Tasks, of one image if its id is given."""
    query = {"tab": TASKS_TAB, **({"image_id": image_id} if image_id else {})}
    return f"{reverse(INDEX)}?{urlencode(query)}"


class ImageRow(UpdatedRow):
    """The row of an image."""

    def get_data(self, request: Any, image_id: str) -> Any:
        """Return the image as it is now."""
        image = self.ask(api.get_image, request, image_id)
        return self.table.with_prices([image])[0]

    def cell_attributes(self, column: Any) -> dict[str, str]:
        """Return the error as a hint of the status."""
        is_told = column.name == "status" and self.datum.error
        return {"title": texts.printable(self.datum.error)} if is_told else {}


class TaskRow(UpdatedRow):
    """The row of a task."""

    def get_data(self, request: Any, task_id: str) -> Any:
        """Return the task as it is now."""
        return self.ask(api.get_task, request, task_id)


def _name(image: Any) -> str:
    return texts.printable(image.name)


def _source(image: Any) -> str:
    return texts.printable(image.source_instance_name or image.source_instance_id or "") or "-"


def _source_url(image: Any) -> str | None:
    if not api.is_id(image.source_instance_id or ""):
        return None
    try:
        return str(reverse("horizon:project:instances:detail", args=(image.source_instance_id,)))
    except NoReverseMatch:
        return None


def _status_url(image: Any) -> str | None:
    return tasks_url(image.id) if image.status in ("creating", "error", "deleting") else None


IMAGE_STATUSES = (
    ("available", True),
    ("creating", None),
    ("deleting", None),
    ("error", False),
)
IMAGE_STATUS_NAMES = (
    ("available", pgettext_lazy("status of an instance image", "Available")),
    ("creating", pgettext_lazy("status of an instance image", "Creating")),
    ("deleting", pgettext_lazy("status of an instance image", "Deleting")),
    ("error", pgettext_lazy("status of an instance image", "Error")),
)


class ImagesTable(LeanTable, ApiTable):
    """The images of the account."""

    name = NameColumn(_name, verbose_name=_("Name"))
    source = NameColumn(_source, link=_source_url, verbose_name=_("Source Instance"))
    size = tables.Column(
        lambda image: texts.size(image.size_bytes),
        verbose_name=_("Size"),
        classes=("text-nowrap",),
        attrs={"data-type": "size"},
    )
    status = tables.Column(
        "status",
        verbose_name=_("Status"),
        link=_status_url,
        status=True,
        status_choices=IMAGE_STATUSES,
        display_choices=IMAGE_STATUS_NAMES,
    )
    created = tables.Column(
        lambda image: texts.instant(image.created_at), verbose_name=_("Created")
    )
    location = tables.Column(
        lambda image: texts.printable(image.location), verbose_name=_("Location")
    )
    month_cost = tables.Column(
        "month_cost",
        verbose_name=_("Cost per Month"),
        classes=("text-nowrap",),
        help_text=_("Size x price per month, before free storage and minimum charges"),
    )

    class Meta:
        name = "my_images"
        verbose_name = _("Images")
        row_class = ImageRow
        status_columns = ("status",)
        pagination_param = "image_marker"
        prev_pagination_param = "previous_image_marker"
        table_actions: tuple[Any, ...] = (FilterImages, DeleteImage)
        row_actions = (DeployImage, RetryImage, DeleteImage)
        # Horizon's field for the filter has no label.
        table_actions_template = "instance_images/_table_actions.html"
        # Each action is a button next to the image, not an entry of a menu.
        row_actions_dropdown_template = "instance_images/_row_buttons.html"

    def get_empty_message(self) -> Any:
        """Return why the table is empty, and how to create an image."""
        return super().get_empty_message() or format_html(
            '{} <a href="{}">{}</a>',
            _("There are no images yet. To create one, choose Image at an instance:"),
            reverse("horizon:project:instances:index"),
            _("Instances"),
        )

    def find(self, object_id: str) -> Any:
        """Return the image."""
        return self.with_prices([api.get_image(self.request, object_id)])[0]

    def with_prices(self, images: list[Any]) -> list[Any]:
        """Return the images with what each costs per month, and show where they are if needed."""
        try:
            offers = api.locations(self.request) if images else []
        except api.ApiError:
            offers = []
        by_name = {one.name: one for one in offers}
        for image in images:
            offer = by_name.get(image.location)
            image.month_cost = texts.month_cost_text(image, offer)
        if len(by_name) < 2:
            self.columns.pop("location", None)
        return images


TASK_STATES = (
    ("succeeded", True),
    ("running", None),
    ("pending", None),
    ("failed", False),
)
TASK_STATE_NAMES = (
    ("succeeded", pgettext_lazy("state of a task", "Succeeded")),
    ("running", pgettext_lazy("state of a task", "Running")),
    ("pending", pgettext_lazy("state of a task", "Pending")),
    ("failed", pgettext_lazy("state of a task", "Failed")),
)
TASK_KIND_NAMES = (
    ("create", pgettext_lazy("kind of a task", "Create Image")),
    ("delete", pgettext_lazy("kind of a task", "Delete Image")),
    ("deploy", pgettext_lazy("kind of a task", "Deploy Image")),
)


def _progress(task: Any) -> Any:
    percent = max(0, min(100, task.progress or 0))
    if task.state in FINISHED:
        return f"{percent} %"
    return format_html(
        '<progress max="100" value="{}" aria-hidden="true">'
        "</progress> {}&nbsp;%",
        percent, percent,
    )  # fmt: skip


class TasksTable(LeanTable, ApiTable):
    """The tasks of the account, or those of one image."""

    image = NameColumn(
        lambda task: texts.printable(task.image_name or "") or "-", verbose_name=_("Image")
    )
    kind = tables.Column("kind", verbose_name=_("Task"), display_choices=TASK_KIND_NAMES)
    state = tables.Column(
        "state",
        verbose_name=_("State"),
        status=True,
        status_choices=TASK_STATES,
        display_choices=TASK_STATE_NAMES,
    )
    stage = tables.Column(
        lambda task: texts.printable(stages.name_of(task.stage or "")) or "-",
        verbose_name=_("Stage"),
    )
    progress = tables.Column(_progress, verbose_name=_("Progress"))
    created = tables.Column(lambda task: texts.instant(task.created_at), verbose_name=_("Started"))
    elapsed = tables.Column(
        lambda task: texts.duration(task.elapsed_seconds), verbose_name=_("Elapsed")
    )
    left = tables.Column(
        lambda task: texts.duration(task.estimated_seconds_left), verbose_name=_("Time Left")
    )
    error = tables.Column(
        lambda task: texts.printable(task.error or "") or "-", verbose_name=_("Error")
    )

    class Meta:
        name = "image_tasks"
        verbose_name = _("Tasks")
        row_class = TaskRow
        status_columns = ("state",)
        pagination_param = "task_marker"
        prev_pagination_param = "previous_task_marker"
        row_actions = (RetryTask,)

    empty_message = _("There are no tasks yet.")

    def find(self, object_id: str) -> Any:
        """Return the task."""
        return api.get_task(self.request, object_id)

    def get_object_display(self, task: Any) -> str:
        """Return what messages call the task."""
        return str(task.image_name)

    def get_pagination_string(self) -> str:
        """Return the query of the next page of this tab."""
        return self._of_tab(self._meta.pagination_param, self.get_marker())

    def get_prev_pagination_string(self) -> str:
        """Return the query of the previous page of this tab."""
        return self._of_tab(self._meta.prev_pagination_param, self.get_prev_marker())

    def _of_tab(self, parameter: str, marker: str) -> str:
        image_id = self.request.GET.get("image_id", "")
        query = {"tab": TASKS_TAB, parameter: marker}
        if api.is_id(image_id):
            query["image_id"] = image_id
        return urlencode(query)
