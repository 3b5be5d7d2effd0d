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


CHANGES: tuple[Callable[[], None], ...] = (add_image_action, add_image_button)
