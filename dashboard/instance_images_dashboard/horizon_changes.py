"""Every change to Horizon's own classes, where it has no hook for what we need.

Each one looks first whether the place is as it expects; if it is not, it writes a warning and
changes nothing. Each may be made twice.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any

LOG = logging.getLogger(__name__)

IMAGE_ACTION = "instance_image"


class UnexpectedPlace(Exception):
    """Horizon is not as expected there."""


def apply_all() -> None:
    """Make every change that can be made."""
    apply(CHANGES)


def apply(changes: Iterable[Callable[[], None]]) -> None:
    """Make the changes; one that cannot be made is a warning."""
    for change in changes:
        try:
            change()
        except Exception as error:  # Horizon must start, whatever became of its classes
            LOG.warning("Could not make the change %s to Horizon: %s", change.__name__, error)


def add_image_action() -> None:
    """Add the action Image to the instances: in the list, and in the header of one instance."""
    from openstack_dashboard.dashboards.project.instances import tables

    from instance_images_dashboard.content.instance_image.actions import CreateImage

    add_row_action(tables.InstancesTable, CreateImage, after="snapshot")


def add_image_button() -> None:
    """Add the button Image to the header of an instance, before its drop-down of actions."""
    from openstack_dashboard.dashboards.project.instances import views

    actions_of = views.DetailView._get_actions
    if getattr(actions_of, "has_image_button", False):
        return

    def with_image_button(view: Any, instance: Any) -> Any:
        shown = actions_of(view, instance)
        try:
            return image_button(view.request, instance) + shown
        except Exception as error:  # the page must open, whatever became of Horizon's classes
            LOG.warning("Could not show the button Image: %s", error)
            return shown

    with_image_button.has_image_button = True  # type: ignore[attr-defined]
    views.DetailView._get_actions = with_image_button


def image_button(request: Any, instance: Any) -> Any:
    """Return the button; nothing where the instance does not have the action."""
    from django.template.loader import render_to_string
    from openstack_dashboard.dashboards.project.instances.tables import InstancesTable

    present = InstancesTable(request).get_row_actions(instance)
    found = [action for action in present if action.name == IMAGE_ACTION]
    return render_to_string("instance_images/_header_button.html", {"actions": found})


def add_row_action(table: Any, action: Any, after: str) -> None:
    """Add an action to the rows of a table, after the one of that name or as the first."""
    present, known = table._meta.row_actions, table.base_actions
    if not isinstance(present, tuple | list) or not hasattr(known, "setdefault"):
        raise UnexpectedPlace(f"{table.__name__} has no row actions")
    names = [one.name for one in present]
    if action.name in names:
        return
    place = names.index(after) + 1 if after in names else 0
    table._meta.row_actions = (*present[:place], action, *present[place:])
    known[action.name] = action()


def add_rest_endpoint() -> None:
    """Register the address that the wizard Launch Instance asks for My Images."""
    import instance_images_dashboard.rest  # noqa: F401 - it registers itself


def add_overview_chart() -> None:
    """Add the limit of images to the charts of Overview, in the section with the instances."""
    from django.utils.translation import gettext_lazy as _
    from openstack_dashboard.dashboards.project.overview import views as overview
    from openstack_dashboard.usage import views

    from instance_images_dashboard.content.limits.overview import QUOTA_KEY, add_limit

    sections = [
        section["charts"]
        for section in views.CHART_DEFS
        if any(chart.quota_key == "instances" for chart in section["charts"])
    ]
    usage = overview.ProjectOverview.usage_class
    if len(sections) != 1 or not callable(getattr(usage, "get_limits", None)):
        raise UnexpectedPlace("Overview has no chart of the instances")
    if any(chart.quota_key == QUOTA_KEY for chart in sections[0]):
        return

    class UsageWithImages(usage):  # type: ignore[misc, valid-type]
        """The usage of a project, with its images."""

        def get_limits(self) -> None:
            super().get_limits()
            add_limit(self.request, self.limits)

    sections[0].append(views.ChartDef(QUOTA_KEY, _("Images"), None, None))
    overview.ProjectOverview.usage_class = UsageWithImages


def group_images_of_stacks() -> None:
    """Group the images in the drop-downs of a stack's parameters: My Images, Images."""
    try:
        from heat_dashboard.content.stacks import forms
    except ImportError:  # no stacks in this Horizon
        return
    original: Any = getattr(forms, "image_field_data", None)
    if not callable(original):
        raise UnexpectedPlace("heat-dashboard has no list of images")
    if hasattr(original, "ungrouped"):
        return

    def image_field_data(request: Any, *arguments: Any, **more: Any) -> Any:
        choices: Any = original(request, *arguments, **more)
        return in_groups(request, choices)

    image_field_data.ungrouped = original  # type: ignore[attr-defined]
    forms.image_field_data = image_field_data


def in_groups(request: Any, choices: list[Any]) -> list[Any]:
    """Return choices of images in groups; as they are if the project has none of its own."""
    from django.utils.translation import gettext_lazy as _

    from instance_images_dashboard import api

    try:
        images = api.available_images(request) if api.is_offered(request) else []
    except api.ApiError:  # a stack can be made all the same
        return choices
    own = {image.cloud_image_id for image in images}
    ours = [choice for choice in choices if choice[0] in own]
    others = [choice for choice in choices if choice[0] and choice[0] not in own]
    if not ours:
        return choices
    none = [choice for choice in choices if not choice[0]]
    return [*none, (_("My Images"), ours), *([(_("Images"), others)] if others else [])]


CHANGES: tuple[Callable[[], None], ...] = (
    add_image_action,
    add_image_button,
    add_rest_endpoint,
    add_overview_chart,
    group_images_of_stacks,
)
